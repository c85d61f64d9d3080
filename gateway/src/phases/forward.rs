//! Forward: the request goes to the service, and the head of its answer comes back.

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use hms_problem::{Code, Problem};
use http::{Method, Request, Uri};

use super::normalise::ApiPath;
use crate::Upstream;
use crate::context::Context;
use crate::server::Gateway;
use crate::upstream::{Exchanged, Failure, RequestBody, headers, too_large};

/// Sends the request and waits for the head of the answer.
pub async fn send(
    gateway: &Gateway,
    context: &Context,
    upstream: &Upstream,
    request: &HttpRequest,
    payload: Payload,
    path: &ApiPath,
) -> Result<Exchanged, Problem> {
    let limits = &gateway.shared.limits;
    let method = Method::from_bytes(request.method().as_str().as_bytes());
    let method = method.map_err(|_| Code::MethodNotAllowed)?;
    let uri = uri(path, request.query_string())?;
    let body = RequestBody::new(request.headers(), payload, limits.body);
    let repeatable = body.is_none() && can_be_repeated(&method, request);
    let outgoing = |body: RequestBody| {
        let headers = headers::to_upstream(request.headers(), context, upstream, &body);
        let mut outgoing = Request::new(body);
        *outgoing.method_mut() = method.clone();
        *outgoing.uri_mut() = uri.clone();
        *outgoing.headers_mut() = headers;
        outgoing
    };
    let again = repeatable.then_some(|| outgoing(RequestBody::none()));
    let exchanged = gateway.pool.exchange(upstream, outgoing(body), again, limits.head).await;
    let exchanged = exchanged.map_err(|failure| refusal(&failure, context, upstream, limits.body))?;
    // Nobody asked for another protocol: Upgrade does not reach the service.
    if exchanged.response.status().is_informational() {
        return Err(Code::BadGateway.into());
    }
    Ok(exchanged)
}

fn uri(path: &ApiPath, query: &str) -> Result<Uri, Problem> {
    let text = if query.is_empty() { path.as_str().to_owned() } else { format!("{}?{query}", path.as_str()) };
    Uri::try_from(text).map_err(|_| Code::InvalidPath.into())
}

/// RFC 9110, 9.2.2; an Idempotency-Key gives the same promise.
fn can_be_repeated(method: &Method, request: &HttpRequest) -> bool {
    method.is_idempotent() || request.headers().contains_key("idempotency-key")
}

fn refusal(failure: &Failure, context: &Context, upstream: &Upstream, body_limit: u64) -> Problem {
    let code = match failure {
        Failure::TooLarge => return too_large(body_limit),
        Failure::Aborted => {
            return Problem::new(Code::InvalidRequest).message("The body ended before its end.");
        }
        Failure::Stalled => Code::RequestTimeout,
        Failure::Unreachable(_) => Code::Unavailable,
        Failure::Broken(_) | Failure::Unreadable(_) => Code::BadGateway,
        Failure::Slow => Code::GatewayTimeout,
    };
    if code.status().is_server_error() {
        let error: &dyn std::error::Error = failure;
        tracing::warn!(
            error,
            upstream = upstream.name(),
            request_id = context.request_id,
            "no answer from a service"
        );
        return Problem::new(code).detail("service", upstream.name());
    }
    code.into()
}
