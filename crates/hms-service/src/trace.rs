//! The span of a request, by the conventions of OpenTelemetry for HTTP; with the route's template and never the path,
//! in which stand ids of persons.

use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use hms_trace::{Kind, Span};

use crate::Context;

/// Begins the span of a request to the API; what looks at the service itself is of no interest.
pub(crate) fn begin(context: &Context, request: &ServiceRequest) -> Span {
    if !context.tracer.is_on() || !request.path().starts_with("/api/") {
        return Span::default();
    }
    let given = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let span = context.tracer.span("request", Kind::Server, given);
    if let Some(id) = hms_problem::request_id::current() {
        span.set("hms.request.id", id);
    }
    span
}

/// Notes what it was and how it ended; it ends when it is dropped.
pub(crate) fn end(span: &Span, method: &'static str, route: &str, status: StatusCode) {
    if !span.is_recorded() {
        return;
    }
    span.rename(format!("{method} {route}"));
    span.set("http.request.method", method);
    span.set("http.route", route.to_owned());
    span.set("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.fail(status.as_str().to_owned());
    }
}
