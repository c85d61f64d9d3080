//! Protect: what browsers are told about every answer, where the service has not said it itself. An answer of the
//! API is data: no browser has a reason to run, frame, sniff or keep it.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

const DEFAULTS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, NOSNIFF),
    (header::REFERRER_POLICY, NO_REFERRER),
    (header::CONTENT_SECURITY_POLICY, NOTHING),
    (header::CACHE_CONTROL, NO_STORE),
];

/// Adds what is missing. `hsts` is what is said over TLS (RFC 6797, 7.2: never without).
pub fn answer(headers: &mut HeaderMap, hsts: Option<&HeaderValue>) {
    for (name, value) in DEFAULTS {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if let Some(hsts) = hsts {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts.clone());
    }
}

/// `Strict-Transport-Security` for so many seconds; none for 0.
pub fn hsts(seconds: u64) -> Option<HeaderValue> {
    let value = (seconds > 0).then(|| HeaderValue::from_str(&format!("max-age={seconds}")));
    value.and_then(Result::ok)
}
