//! What is known of one request while it goes through the phases.

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_http::{HttpMessage as _, Request};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, Version};
use hms_access::Claims;
use hms_model::Clock;
use hms_model::id::Id;
use hms_trace::Span;

use crate::Upstream;
use crate::connections::Connection;
use crate::limit::Counted;
use crate::server::Shared;
use crate::trace::{self, Trace};

/// The context of one request: each phase adds what it finds out.
pub struct Context {
    /// The id of the request, in logs, answers and at every service that it reaches.
    pub request_id: String,
    /// The trace that the request belongs to.
    pub trace: Trace,
    /// The span of the request, where spans are sent.
    pub span: Span,
    /// When it came.
    pub started: Instant,
    /// Its method.
    pub method: Method,
    /// The version of HTTP that it came in.
    pub version: Version,
    /// The page that asks, where it is one.
    pub origin: Option<HeaderValue>,
    /// The codings that the client understands.
    pub accepted: Vec<HeaderValue>,
    /// The address of the client, as far as trusted proxies tell it.
    pub client: IpAddr,
    /// Whether the client's connection is encrypted.
    pub secure: bool,
    /// Who comes, where a token said so.
    pub caller: Option<Arc<Claims>>,
    /// What the limits say of it.
    pub counted: Counted,
    /// The service that answers.
    pub upstream: Option<Arc<Upstream>>,
    /// The route as a template, such as `/api/v1/patients/{id}`.
    pub template: Option<String>,
    /// How long the head of the service's answer took.
    pub waited: Option<Duration>,
    /// Bytes of the body so far, where there is one.
    pub received: Option<Rc<Cell<u64>>>,
    /// The connection that the request came over.
    pub connection: Option<Rc<Connection>>,
    /// The ending that the client's entity tags had: see `phases::compress`.
    pub tag_ending: Option<&'static str>,
}

impl Context {
    /// The context of a request that has just come.
    pub fn new(request: &Request, secure: bool, shared: &Shared) -> Self {
        let origin = shared.edge.proxies.origin(request, secure);
        let (trace, span) = trace::begin(&shared.edge, request);
        let headers = request.headers();
        let given = headers.get("x-request-id").and_then(|value| value.to_str().ok());
        Self {
            request_id: given
                .filter(|id| can_be_request_id(id))
                .map_or_else(|| new_request_id(&shared.clock), str::to_owned),
            trace,
            span,
            started: Instant::now(),
            method: request.method().clone(),
            version: request.version(),
            origin: headers.get(header::ORIGIN).cloned(),
            accepted: headers.get_all(header::ACCEPT_ENCODING).cloned().collect(),
            client: origin.client,
            secure: origin.secure,
            caller: None,
            counted: Counted::default(),
            upstream: None,
            template: None,
            waited: None,
            received: None,
            connection: request.conn_data::<Rc<Connection>>().cloned(),
            tag_ending: None,
        }
    }
}

fn new_request_id(clock: &Clock) -> String {
    Id::<Context>::new(clock.now()).to_string()
}

/// An id from outside goes into logs and headers: letters, digits, `_` and `-` cannot do harm there.
fn can_be_request_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_from_outside_are_taken_only_if_harmless() {
        for good in ["a", "A-1_b", &"x".repeat(64)] {
            assert!(can_be_request_id(good), "{good}");
        }
        for bad in ["", " a", "a b", "a\"b", "ä", "a;b", &"x".repeat(65)] {
            assert!(!can_be_request_id(bad), "{bad}");
        }
    }
}
