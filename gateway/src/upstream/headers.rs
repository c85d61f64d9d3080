//! Headers on their way through. What concerns one connection only stays on it (RFC 9110, 7.6.1), and what a
//! service trusts the gateway to say cannot be said by a client.

use std::net::IpAddr;

use actix_web::http::header::{
    HeaderMap as ClientHeaders, HeaderName as ClientName, HeaderValue as ClientValue,
};
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};

use super::{Endpoint, RequestBody};
use crate::context::Context;

/// Headers of one connection, beside those that `Connection` names. Content-Length is among them because each
/// connection frames the body by itself.
const HOP_BY_HOP: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What only the gateway says.
const OURS: [&str; 5] = ["forwarded", "host", "traceparent", "x-real-ip", "x-request-id"];
const OUR_PREFIXES: [&str; 2] = ["x-forwarded-", "x-hms-"];

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The span that the service's own belongs to.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The headers of a request as the service gets them.
pub fn to_upstream(
    given: &ClientHeaders,
    context: &Context,
    endpoint: &Endpoint,
    body: &RequestBody,
) -> HeaderMap {
    let named = named_by_connection(given.get_all("connection").map(ClientValue::as_bytes));
    let mut headers = HeaderMap::with_capacity(given.len() + 4);
    for (name, value) in given {
        let name = name.as_str();
        if is_hop_by_hop(name, &named) || is_ours(name) {
            continue;
        }
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        {
            headers.append(name, value);
        }
    }
    headers.insert(HOST, endpoint.host.clone());
    if let Ok(client) = HeaderValue::try_from(written(context.client)) {
        headers.insert(X_FORWARDED_FOR, client);
    }
    let scheme = if context.secure { "https" } else { "http" };
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        headers.insert(X_REQUEST_ID, id);
    }
    if let Ok(trace) = HeaderValue::from_bytes(context.trace.header()) {
        headers.insert(TRACEPARENT, trace);
    }
    if !context.trace.continued() {
        // It belongs to a trace that ends here.
        headers.remove(TRACESTATE);
    }
    if body.is_chunked() {
        // hyper leaves the body of a GET out unless it is told how to send it.
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    headers
}

/// An address as text. What the standard library writes it with takes ten times as long.
fn written(address: IpAddr) -> String {
    let IpAddr::V4(address) = address else { return address.to_string() };
    let mut text = String::with_capacity("255.255.255.255".len());
    for (place, octet) in address.octets().into_iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        text.push_str(itoa::Buffer::new().format(octet));
    }
    text
}

/// The headers of an answer as the client gets them, but for those that `left_out` names.
pub fn to_client(given: &HeaderMap, headers: &mut ClientHeaders, left_out: impl Fn(&str) -> bool) {
    let named = named_by_connection(given.get_all("connection").iter().map(HeaderValue::as_bytes));
    for (name, value) in given {
        let name = name.as_str();
        if is_hop_by_hop(name, &named) || name.starts_with("x-hms-") || left_out(name) {
            continue;
        }
        if let (Ok(name), Ok(value)) =
            (ClientName::from_bytes(name.as_bytes()), ClientValue::from_bytes(value.as_bytes()))
        {
            headers.append(name, value);
        }
    }
}

/// The names that the values of `Connection` hold, in lower case.
fn named_by_connection<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let options = values.flat_map(|value| value.split(|&byte| byte == b','));
    // Mostly it is one of these, and then nothing is allocated.
    let usual = [&b""[..], b"close", b"keep-alive"];
    let named = options.map(<[u8]>::trim_ascii);
    let named = named.filter(|option| !usual.iter().any(|usual| usual.eq_ignore_ascii_case(option)));
    named.map(|option| String::from_utf8_lossy(option).to_ascii_lowercase()).collect()
}

fn is_hop_by_hop(name: &str, named: &[String]) -> bool {
    HOP_BY_HOP.contains(&name) || named.iter().any(|option| option == name)
}

/// Some servers read `X_Forwarded_For` as `X-Forwarded-For`.
fn is_ours(name: &str) -> bool {
    let dashed;
    let name = if name.contains('_') {
        dashed = name.replace('_', "-");
        &dashed
    } else {
        name
    };
    OURS.contains(&name) || OUR_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_say_what_is_ours() {
        for name in [
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-host",
            "x_forwarded_for",
            "traceparent",
            "x-hms-account",
            "x-real-ip",
        ] {
            assert!(is_ours(name), "{name}");
        }
        for name in ["x-forward", "idempotency-key", "authorization", "cookie"] {
            assert!(!is_ours(name), "{name}");
        }
    }

    #[test]
    fn addresses_are_written_as_everybody_writes_them() {
        for address in ["0.0.0.0", "127.0.0.1", "255.255.255.255", "10.20.30.4", "2001:db8::1"] {
            assert_eq!(written(address.parse().unwrap()), address);
        }
    }

    #[test]
    fn connection_names_more_headers_to_drop() {
        let named = named_by_connection([&b"keep-alive, X-Secret"[..], b"close,,TE"].into_iter());
        assert_eq!(named, ["x-secret", "te"]);
        assert!(is_hop_by_hop("x-secret", &named));
        assert!(!is_hop_by_hop("x-public", &named));
    }
}
