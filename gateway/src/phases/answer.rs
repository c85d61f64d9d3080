//! Answer: the head of the answer as the client gets it.

use actix_web::body::{BodySize, BoxBody, MessageBody as _};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode, header};
use actix_web::{HttpResponse, ResponseError as _};
use hms_problem::{Code, Problem};

use crate::context::Context;
use crate::upstream::{Answer, Download, headers};

/// The body of an answer: our own, or a service's that streams through.
pub enum AnswerBody {
    Own(BoxBody),
    Passed(Download),
}

/// A header by which a service names the template of the route that answered, such as
/// `/api/v1/patients/{id}`, for the gateway's metrics and log. It does not reach the client.
const ROUTE: &str = "x-hms-route";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A refusal as an answer.
pub fn refuse(problem: &Problem) -> HttpResponse<AnswerBody> {
    problem.error_response().map_body(|_, body| AnswerBody::Own(body))
}

/// The answer of one of the gateway's own pages. What actix refuses by itself gets the envelope.
pub fn own(context: &mut Context, response: ServiceResponse) -> ServiceResponse<AnswerBody> {
    context.template = response.request().match_pattern();
    let code = match response.status() {
        StatusCode::NOT_FOUND => Code::RouteNotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        _ => return response.map_body(|_, body| AnswerBody::Own(body)),
    };
    let allowed = response.headers().get(header::ALLOW).cloned();
    let mut refusal = refuse(&code.into());
    if let Some(allowed) = allowed {
        refusal.headers_mut().insert(header::ALLOW, allowed);
    }
    response.into_response(refusal)
}

/// The answer of a service.
pub fn pass_on(context: &mut Context, answer: Answer) -> HttpResponse<AnswerBody> {
    let Answer { head, body } = answer;
    if let Some(route) = head.headers.get(ROUTE).and_then(|value| value.to_str().ok()) {
        context.template = Some(route.to_owned());
    }
    let status = StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let length: Option<u64> =
        head.headers.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let bodiless = status == StatusCode::NOT_MODIFIED;
    let mut response = HttpResponse::with_body(status, AnswerBody::Passed(body));
    headers::to_client(&head.headers, response.headers_mut());
    if status == StatusCode::SWITCHING_PROTOCOLS {
        // From here on the connection is the tunnel's.
        response.head_mut().set_connection_type(ConnectionType::Upgrade);
        response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    }
    if let (true, Some(length)) = (bodiless, length) {
        // RFC 9110, 15.4.5: the length of what a 200 would have carried.
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// What every answer carries.
pub fn finish(context: &Context, response: &mut ServiceResponse<AnswerBody>) {
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
}

impl AnswerBody {
    /// How long it is.
    pub fn size(&self) -> BodySize {
        match self {
            Self::Own(body) => body.size(),
            Self::Passed(body) => body.size(),
        }
    }
}
