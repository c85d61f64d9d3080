//! What every handler may want to know of the request it answers.

use std::net::IpAddr;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest};
use hms_model::Clock;
use hms_model::id::Id;
use hms_problem::{Code, Problem, request_id};

use crate::{Fingerprint, IfMatch};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const LONGEST_KEY: usize = 255;

/// Where a request comes from and how it is told from others.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// Its id, given by the gateway or made here.
    pub id: String,
    /// The client's address as the gateway saw it; the peer's own where there is no gateway in between.
    pub client_ip: Option<IpAddr>,
    /// Method and path: what an idempotency key belongs to, beside the caller.
    pub operation: String,
    /// The key by which a repetition is recognised.
    pub idempotency_key: Option<String>,
    /// The exact body, if there was one.
    pub fingerprint: Fingerprint,
    /// The version that the client has seen.
    pub if_match: IfMatch,
    /// The W3C trace context.
    pub traceparent: Option<String>,
}

impl RequestInfo {
    /// Gathers it; an idempotency key that is empty or too long is a 400.
    pub fn of(request: &HttpRequest) -> Result<Self, Problem> {
        Ok(Self {
            id: request_id::current().unwrap_or_default(),
            client_ip: client_ip(request),
            operation: format!("{} {}", request.method(), request.path()),
            idempotency_key: idempotency_key(request)?,
            fingerprint: request.extensions().get().copied().unwrap_or_else(|| Fingerprint::of(&[])),
            if_match: IfMatch::of(request),
            traceparent: text(request, "traceparent"),
        })
    }
}

fn text(request: &HttpRequest, name: &str) -> Option<String> {
    request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The gateway removes what clients claim of themselves and writes one address here; services are not reachable
/// from outside, so that the header can be believed.
fn client_ip(request: &HttpRequest) -> Option<IpAddr> {
    let forwarded = text(request, "x-forwarded-for");
    let first = forwarded.as_deref().and_then(|list| list.split(',').next());
    first.and_then(|ip| ip.trim().parse().ok()).or_else(|| request.peer_addr().map(|peer| peer.ip()))
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=LONGEST_KEY).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(Problem::field(
            Code::InvalidRequest,
            "Idempotency-Key",
            format!("must be 1 to {LONGEST_KEY} visible ASCII characters"),
        )),
    }
}

/// Middleware: takes the id of the request from `X-Request-Id` where it is well formed, else makes one; errors
/// know it meanwhile, and the answer carries it.
pub async fn identify<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let given = text(request.request(), X_REQUEST_ID.as_str()).filter(|id| well_formed(id));
    let id = given.unwrap_or_else(|| Id::<()>::new(Clock::system().now()).to_string());
    let header = HeaderValue::from_str(&id);
    let mut response = request_id::scope(id, next.call(request)).await?;
    if let Ok(value) = header {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    Ok(response)
}

fn well_formed(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
