//! Accept: what is too large, or no request to an API at all, goes no further. The size of the head is limited
//! by actix; a body of unknown length is counted while it streams, in `upstream`.

use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, header};
use hms_problem::{Code, Problem};

use crate::upstream::too_large;

/// Refuses a method that makes a proxy of us or shows our headers, and a body that says it is over the limit.
pub fn check(request: &ServiceRequest, limit: u64) -> Result<(), Problem> {
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return Err(Code::MethodNotAllowed.into());
    }
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match length.and_then(|length| length.trim().parse::<u64>().ok()) {
        Some(length) if length > limit => Err(too_large(limit)),
        _ => Ok(()),
    }
}
