//! Accept: what is too much, or no request to an API at all, goes no further. What actix refuses before us stands
//! in the README; a body is counted, and its pace watched, while it streams.

use actix_http::{HttpMessage as _, Request};
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::{Method, Uri};
use hms_problem::{Code, Problem};

use crate::context::Context;
use crate::edge::{Edge, Heads};
use crate::upstream::too_large;

/// Headers that decide what a request means. `Connection` could name them, so that they are dropped on the way
/// and the service sees another request than the one that was checked.
const MEANINGFUL: [&str; 9] = [
    "authorization",
    "content-encoding",
    "content-type",
    "cookie",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "range",
    "x-api-key",
];
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Refuses a request that comes over a connection too many, has too much of a head, asks us to be a proxy or to
/// show our headers, or says that its body is over the limit.
pub fn check(context: &Context, request: &Request, heads: &Heads, body_limit: u64) -> Result<(), Problem> {
    if context.connection.as_ref().is_some_and(|connection| !connection.is_welcome()) {
        let message = "There are too many connections.";
        return Err(Problem::new(Code::Unavailable).message(message).retry_after(5));
    }
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return Err(Code::MethodNotAllowed.into());
    }
    check_head(request.uri(), request.headers(), heads)?;
    check_connection(request.headers())?;
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match length.and_then(|length| length.trim().parse::<u64>().ok()) {
        Some(length) if length > body_limit => Err(too_large(body_limit)),
        _ => Ok(()),
    }
}

/// Where a request should have come: to the port where connections are encrypted, if they all must be. Who asks
/// for the health of this process asks the process.
pub fn better_over_tls(edge: &Edge, secure: bool, request: &Request) -> Option<String> {
    let tls = edge.tls.as_ref().filter(|tls| tls.only && !secure)?;
    let path = request.path();
    if path.starts_with("/health") || path == "/metrics" {
        return None;
    }
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok())?;
    let authority: http::uri::Authority = host.parse().ok()?;
    let rest = request.uri().path_and_query().map_or("/", |rest| rest.as_str());
    Some(match tls.public_port {
        443 => format!("https://{}{rest}", authority.host()),
        port => format!("https://{}:{port}{rest}", authority.host()),
    })
}

fn check_head(uri: &Uri, headers: &HeaderMap, heads: &Heads) -> Result<(), Problem> {
    let path_and_query = uri.path_and_query().map_or(0, |path| path.as_str().len());
    if path_and_query > heads.uri {
        return Err(Problem::new(Code::UriTooLong).detail("limit_bytes", heads.uri));
    }
    let sizes = headers.iter().map(|(name, value)| name.as_str().len().saturating_add(value.len()));
    let (count, bytes) = sizes
        .fold((0_usize, 0_usize), |(count, sum), size| (count.saturating_add(1), sum.saturating_add(size)));
    if count > heads.count {
        return Err(Problem::new(Code::HeadersTooLarge).detail("limit_count", heads.count));
    }
    if bytes > heads.bytes {
        return Err(Problem::new(Code::HeadersTooLarge).detail("limit_bytes", heads.bytes));
    }
    if headers.get_all(X_REQUEST_ID).count() > 1 {
        return Err(Problem::new(Code::InvalidRequest).message("There is more than one X-Request-Id."));
    }
    Ok(())
}

fn check_connection(headers: &HeaderMap) -> Result<(), Problem> {
    let values = headers.get_all(header::CONNECTION);
    for option in values.flat_map(|value| value.as_bytes().split(|&byte| byte == b',')) {
        let option = option.trim_ascii();
        if MEANINGFUL.iter().any(|name| option.eq_ignore_ascii_case(name.as_bytes())) {
            let message = "Connection names a header that is not of one connection only.";
            return Err(Problem::new(Code::InvalidRequest).message(message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    type Headers<'a> = &'a [(&'a str, &'a str)];

    fn head(uri: &str, headers: Headers) -> Option<Code> {
        let limits = Heads { count: 3, bytes: 40, uri: 20 };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let checked = check_head(&uri.parse().unwrap(), &map, &limits).and_then(|()| check_connection(&map));
        checked.err().map(|problem| problem.code())
    }

    #[test]
    fn a_head_has_its_limits() {
        let cases: [(&str, Headers, Option<Code>); _] = [
            ("/api/v1/patients?p=1", &[("a", "1"), ("b", "2"), ("c", "3")], None),
            ("/api/v1/patients?p=12", &[], Some(Code::UriTooLong)),
            ("/", &[("a", "1"), ("b", "2"), ("c", "3"), ("c", "4")], Some(Code::HeadersTooLarge)),
            ("/", &[("name", "0123456789012345678901234567890123456")], Some(Code::HeadersTooLarge)),
            ("/", &[("x-request-id", "a"), ("x-request-id", "b")], Some(Code::InvalidRequest)),
            ("/", &[("connection", "close, AUTHORIZATION")], Some(Code::InvalidRequest)),
            ("/", &[("connection", "close"), ("connection", "a,if-match")], Some(Code::InvalidRequest)),
            ("/", &[("connection", "keep-alive, x-mine")], None),
        ];
        for (uri, headers, expected) in cases {
            assert_eq!(head(uri, headers), expected, "{uri} {headers:?}");
        }
    }
}
