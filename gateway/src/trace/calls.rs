//! The spans of a request's attempts at a service: one for each time that it is sent.

use std::cell::{Cell, RefCell};

use hms_telemetry::known_method;
use hms_trace::{Kind, Span};
use http::HeaderValue;

use crate::context::Context;
use crate::upstream::{Answer, Endpoint, Failure};

/// The attempts of one request.
pub struct Calls<'a> {
    context: &'a Context,
    upstream: &'a str,
    present: RefCell<Span>,
    sent: Cell<i64>,
}

impl<'a> Calls<'a> {
    /// None yet.
    pub fn new(context: &'a Context, upstream: &'a str) -> Self {
        Self { context, upstream, present: RefCell::default(), sent: Cell::new(0) }
    }

    /// Begins the next attempt, and ends the one before; gives the `traceparent` that goes with it.
    pub fn begin(&self, endpoint: &Endpoint) -> Option<HeaderValue> {
        if !self.context.span.is_recorded() {
            return None;
        }
        let method = known_method(self.context.method.as_str());
        let before = self.present.take();
        before.fail("sent again");
        drop(before);
        let span = {
            let _entered = self.context.span.enter();
            Span::child(format!("{} {}", method, self.upstream), Kind::Client)
        };
        span.set("http.request.method", method);
        span.set("server.address", endpoint.address.to_string());
        span.set("hms.upstream", self.upstream.to_owned());
        let again = self.sent.replace(self.sent.get().saturating_add(1));
        if again > 0 {
            span.set("http.request.resend_count", again);
        }
        let traceparent = span.traceparent().and_then(|text| HeaderValue::from_str(&text).ok());
        *self.present.borrow_mut() = span;
        traceparent
    }

    /// The head of the answer is here, or there will be none.
    pub fn end(&self, answer: &Result<Answer, Failure>) {
        let span = self.present.take();
        match answer {
            Ok(answer) => {
                let status = answer.head.status;
                span.set("http.response.status_code", i64::from(status.as_u16()));
                if status.is_server_error() {
                    span.fail(status.as_str().to_owned());
                }
            }
            Err(failure) => span.fail(failure.kind().map_or("client", |kind| kind.as_str())),
        }
    }
}
