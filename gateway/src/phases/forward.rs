//! Forward: the request goes to the service, and the head of its answer comes back.

use actix_http::{HttpMessage as _, Request as ClientRequest};
use actix_web::dev::Payload;
use actix_web::http::{Version, header};
use hms_problem::{Code, Problem};
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Method, Request, Uri};

use super::normalise::ApiPath;
use crate::context::Context;
use crate::server::Gateway;
use crate::table::Route;
use crate::trace::Calls;
use crate::upstream::{Answer, Endpoint, Failure, Order, RequestBody, headers, send as send_to, too_large};

/// Sends the request and waits for the head of the answer.
pub async fn send(
    gateway: &Gateway,
    context: &Context,
    route: &Route,
    request: &ClientRequest,
    payload: Payload,
    path: &ApiPath,
) -> Result<Answer, Problem> {
    let limits = &gateway.shared.limits;
    let method = Method::from_bytes(request.method().as_str().as_bytes());
    let method = method.map_err(|_| Code::MethodNotAllowed)?;
    let uri = uri(path, request.uri().query())?;
    let body_limit = route.body_limit.unwrap_or(limits.body);
    if announced(request).is_some_and(|length| length > body_limit) {
        return Err(too_large(body_limit));
    }
    let is_websocket = asks_for_websocket(request)?;
    let (body, websocket) = match is_websocket {
        true => (RequestBody::none(), Some(payload)),
        false => (RequestBody::new(request.headers(), payload, body_limit), None),
    };
    let calls = Calls::new(context, route.upstream.name());
    let make = |endpoint: &Endpoint, body: RequestBody| {
        let mut headers = headers::to_upstream(request.headers(), context, endpoint, &body);
        if let Some(traceparent) = calls.begin(endpoint) {
            headers.insert(headers::TRACEPARENT, traceparent);
        }
        if is_websocket {
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        let mut outgoing = Request::new(body);
        *outgoing.method_mut() = method.clone();
        *outgoing.uri_mut() = uri.clone();
        *outgoing.headers_mut() = headers;
        outgoing
    };
    let order = Order {
        upstream: &route.upstream,
        head: limits.head,
        stream_idle: route.stream_idle,
        repeatable: can_be_repeated(&method, request) && !is_websocket,
        websocket,
    };
    let answer = send_to(&gateway.pool, order, body, make).await;
    calls.end(&answer);
    answer.map_err(|failure| refusal(&failure, context, route, body_limit))
}

fn uri(path: &ApiPath, query: Option<&str>) -> Result<Uri, Problem> {
    let uri = match query {
        Some(query) if !query.is_empty() => Uri::try_from(format!("{}?{query}", path.as_str())),
        _ => Uri::try_from(path.as_str()),
    };
    uri.map_err(|_| Code::InvalidPath.into())
}

/// RFC 9110, 9.2.2; an Idempotency-Key gives the same promise.
fn can_be_repeated(method: &Method, request: &ClientRequest) -> bool {
    method.is_idempotent() || request.headers().contains_key("idempotency-key")
}

fn announced(request: &ClientRequest) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// Whether it is the handshake of a WebSocket (RFC 6455, 4.1). Other protocols are not switched to: their
/// `Upgrade` is dropped, as RFC 9110, 7.8 allows.
fn asks_for_websocket(request: &ClientRequest) -> Result<bool, Problem> {
    let has = |name: &header::HeaderName, wanted: &str| {
        let values = request.headers().get_all(name).filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|option| option.trim().eq_ignore_ascii_case(wanted))
    };
    if request.version() != Version::HTTP_11 || !has(&header::UPGRADE, "websocket") {
        return Ok(false);
    }
    // What follows such a head is taken for the other protocol, so that a body in it would have two meanings.
    if announced(request).is_some_and(|length| length > 0)
        || request.headers().contains_key(header::TRANSFER_ENCODING)
    {
        return Err(Problem::new(Code::InvalidRequest).message("The handshake of a WebSocket has no body."));
    }
    Ok(has(&header::CONNECTION, "upgrade") && request.method() == actix_web::http::Method::GET)
}

fn refusal(failure: &Failure, context: &Context, route: &Route, body_limit: u64) -> Problem {
    let upstream = route.upstream.name();
    let problem = failure.problem(upstream, body_limit);
    // An open breaker has been told of when it opened, and would fill the log.
    if problem.code().status().is_server_error() && !matches!(failure, Failure::Open(_)) {
        let error: &dyn std::error::Error = failure;
        let (request_id, trace_id) = (&context.request_id, context.trace.id());
        tracing::warn!(error, upstream, request_id, trace_id, "no answer from a service");
    }
    problem
}
