//! Answer: the head of the answer as the client gets it.

use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context as Task, Poll};

use actix_http::encoding::Encoder;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode, header};
use actix_web::{HttpResponse, ResponseError as _};
use bytes::Bytes;
use hms_problem::{Code, Problem};

use super::{compress, cors, protect};
use crate::context::Context;
use crate::server::Shared;
use crate::upstream::{Answer, Download, headers};

/// The body of an answer: our own, or a service's that streams through; or one of these in a shorter form.
pub enum AnswerBody {
    Own(BoxBody),
    Passed(Download),
    Encoded(Pin<Box<Encoder<AnswerBody>>>),
}

/// A header by which a service names the template of the route that answered, such as
/// `/api/v1/patients/{id}`, for the gateway's metrics and log. It does not reach the client.
const ROUTE: &str = "x-hms-route";
/// What is longer is no template.
const LONGEST_ROUTE: usize = 200;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A refusal as an answer.
pub fn refuse(problem: &Problem) -> HttpResponse<AnswerBody> {
    problem.error_response().map_body(|_, body| AnswerBody::Own(body))
}

/// The answer of one of the gateway's own pages. What actix refuses by itself gets the envelope.
pub fn own(context: &mut Context, response: ServiceResponse) -> HttpResponse<AnswerBody> {
    context.template = response.request().match_pattern();
    let code = match response.status() {
        StatusCode::NOT_FOUND => Code::RouteNotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        _ => return response.into_parts().1.map_body(|_, body| AnswerBody::Own(body)),
    };
    let allowed = response.headers().get(header::ALLOW).cloned();
    let mut refusal = refuse(&code.into());
    if let Some(allowed) = allowed {
        refusal.headers_mut().insert(header::ALLOW, allowed);
    }
    refusal
}

/// The answer of a service.
pub fn pass_on(context: &mut Context, answer: Answer) -> HttpResponse<AnswerBody> {
    let Answer { head, body } = answer;
    let route = head.headers.get(ROUTE).and_then(|value| value.to_str().ok());
    if let Some(route) = route.filter(|route| route.len() <= LONGEST_ROUTE) {
        context.template = Some(route.to_owned());
    }
    let status = StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let length: Option<u64> =
        head.headers.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let bodiless = status == StatusCode::NOT_MODIFIED;
    let mut response = HttpResponse::with_body(status, AnswerBody::Passed(body));
    headers::to_client(&head.headers, response.headers_mut(), cors::is_ours);
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
pub fn finish(
    shared: &Shared,
    context: &Context,
    mut response: HttpResponse<AnswerBody>,
) -> HttpResponse<AnswerBody> {
    let status = response.status();
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        headers.insert(REQUEST_ID, id);
    }
    protect::answer(headers, shared.hsts.as_ref().filter(|_| context.secure));
    cors::admit(&shared.edge.cors, context.origin.as_ref(), headers);
    compress::unchanged(status, context.tag_ending, headers);
    let unwelcome = context.connection.as_ref().is_some_and(|connection| !connection.is_welcome());
    let ends = unwelcome || shared.leaving.load(Ordering::Relaxed);
    if ends && status != StatusCode::SWITCHING_PROTOCOLS {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    if shared.edge.compress { compress::answer(context, response) } else { response }
}

/// Sends a client to the port where connections are encrypted.
pub fn to_tls(location: &str) -> HttpResponse<AnswerBody> {
    let mut response =
        HttpResponse::with_body(StatusCode::PERMANENT_REDIRECT, AnswerBody::Own(BoxBody::new(())));
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

impl MessageBody for AnswerBody {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        match self {
            Self::Own(body) => body.size(),
            Self::Passed(body) => body.size(),
            Self::Encoded(body) => body.size(),
        }
    }

    fn poll_next(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        match self.get_mut() {
            Self::Own(body) => Pin::new(body).poll_next(task),
            Self::Passed(body) => body.poll_next(task).map_err(Into::into),
            Self::Encoded(body) => body.as_mut().poll_next(task).map_err(Into::into),
        }
    }
}
