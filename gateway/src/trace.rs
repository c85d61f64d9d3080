//! The trace that a request belongs to (W3C Trace Context): a valid `traceparent` is continued with a span of our
//! own, and without one a trace is started here. Where spans are sent (`OTEL_EXPORTER_OTLP_ENDPOINT`), those of a
//! request to the API are begun and ended here.

mod calls;

use std::ops::Range;

use actix_http::{HttpMessage as _, Request};
use actix_web::http::header::{HeaderMap, HeaderName};
use hms_trace::{Kind, Span};

use crate::context::Context;
use crate::edge::Edge;
use crate::meter::{Answered, NO_ROUTE};

pub use calls::Calls;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`.
const LENGTH: usize = 55;
const HEX: &[u8; 16] = b"0123456789abcdef";
/// Where the parts stand in it.
const TRACE_ID: Range<usize> = 3..35;
const SPAN_ID: Range<usize> = 36..52;
const SAMPLED: Range<usize> = 54..55;

/// The trace of one request, as the header that goes to the service.
#[derive(Debug, Clone, Copy)]
pub struct Trace {
    header: [u8; LENGTH],
    continued: bool,
}

impl Trace {
    /// The trace of a request with these headers. `ratio` is the part of new traces that is marked as sampled.
    pub fn of(headers: &HeaderMap, ratio: f64) -> Self {
        let mut given = headers.get_all(TRACEPARENT);
        let parent = given.next().and_then(|value| parse(value.as_bytes()));
        match (parent, given.next()) {
            (Some((trace, sampled)), None) => Self::new(trace, sampled, true),
            _ => Self::new(digits(random_trace()), is_sampled(ratio), false),
        }
    }

    fn new(trace: [u8; 32], sampled: bool, continued: bool) -> Self {
        let mut header = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let span = digits::<16>(u128::from(fastrand::u64(..).max(1)));
        let flag = if sampled { b"1" } else { b"0" };
        for (place, part) in [(TRACE_ID, trace.as_slice()), (SPAN_ID, &span), (SAMPLED, flag)] {
            if let Some(place) = header.get_mut(place) {
                place.copy_from_slice(part);
            }
        }
        Self { header, continued }
    }

    /// The same trace, in which this span is ours.
    fn within(self, span: &Span) -> Self {
        let header = span.traceparent().and_then(|header| header.into_bytes().try_into().ok());
        header.map_or(self, |header| Self { header, ..self })
    }

    /// `traceparent` for the service.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// The id of the trace: 32 hexadecimal digits.
    pub fn id(&self) -> &str {
        self.header.get(TRACE_ID).and_then(|id| std::str::from_utf8(id).ok()).unwrap_or_default()
    }

    /// Whether the client's trace goes on; `tracestate` belongs to it and goes with it.
    pub fn continued(&self) -> bool {
        self.continued
    }
}

/// The trace of a request that has just come, and its span where spans are sent. What looks at the gateway itself is of
/// no interest.
pub fn begin(edge: &Edge, request: &Request) -> (Trace, Span) {
    let trace = Trace::of(request.headers(), edge.trace_ratio);
    if !edge.tracer.is_on() || !["/api", "/v1"].iter().any(|api| request.path().starts_with(api)) {
        return (trace, Span::default());
    }
    let given = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let span = edge.tracer.span("request", Kind::Server, given.filter(|_| trace.continued()));
    (trace.within(&span), span)
}

/// Notes what a request was and how it ended; its span ends with its context.
pub fn end(context: &Context, answered: &Answered<'_>) {
    let span = &context.span;
    if !span.is_recorded() {
        return;
    }
    let route = answered.route.unwrap_or(NO_ROUTE);
    span.rename(format!("{} {route}", answered.method));
    span.set("http.request.method", answered.method);
    span.set("http.route", route.to_owned());
    span.set("http.response.status_code", i64::from(answered.status));
    span.set("url.scheme", if context.secure { "https" } else { "http" });
    span.set("hms.request.id", context.request_id.clone());
    span.set("hms.signed_in", context.caller.is_some());
    if answered.status >= 500 {
        span.fail(answered.status.to_string());
    }
}

/// The trace id and the sampled flag of a `traceparent` (W3C Trace Context, 3.2). A later version may be longer
/// and still begins like this one.
fn parse(header: &[u8]) -> Option<([u8; 32], bool)> {
    let digit = |byte: &u8| HEX.contains(byte);
    let field = |from: usize, to: usize| header.get(from..to).filter(|field| field.iter().all(digit));
    let dash = |at: usize| header.get(at) == Some(&b'-');
    let version = field(0, 2).filter(|version| *version != b"ff")?;
    let whole =
        if version == b"00" { header.len() == LENGTH } else { header.len() == LENGTH || dash(LENGTH) };
    let zero = |field: &[u8]| field.iter().all(|&byte| byte == b'0');
    let trace = field(3, 35).filter(|trace| !zero(trace))?;
    let _parent = field(36, 52).filter(|parent| !zero(parent))?;
    let flags = field(53, 55)?;
    let sampled = flags.last().and_then(|&low| char::from(low).to_digit(16)).is_some_and(|low| low % 2 == 1);
    (whole && dash(2) && dash(35) && dash(52)).then_some((trace.try_into().ok()?, sampled))
}

fn is_sampled(ratio: f64) -> bool {
    ratio > 0.0 && fastrand::f64() < ratio
}

/// Zero is no id, and is not worth a test that costs a division.
fn random_trace() -> u128 {
    fastrand::u128(..).max(1)
}

/// The lowest `N` hexadecimal digits of a number.
fn digits<const N: usize>(number: u128) -> [u8; N] {
    let mut digits = [b'0'; N];
    for (pair, byte) in digits.rchunks_exact_mut(2).zip(number.to_le_bytes()) {
        let digit = |half: u8| HEX.get(usize::from(half)).copied().unwrap_or(b'0');
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
    }
    digits
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn of(values: &[&str], ratio: f64) -> (String, Trace) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, HeaderValue::from_str(value).unwrap());
        }
        let trace = Trace::of(&headers, ratio);
        (String::from_utf8(trace.header().to_vec()).unwrap(), trace)
    }

    #[test]
    fn a_valid_trace_goes_on_with_a_span_of_our_own() {
        let (header, trace) = of(&[GIVEN], 0.0);
        assert!(
            header.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && header.ends_with("-01"),
            "{header}"
        );
        assert!(!header.contains("b7ad6b7169203331"), "{header}");
        assert_eq!((trace.id(), trace.continued()), ("0af7651916cd43dd8448eb211c80319c", true));
        assert!(parse(header.as_bytes()).is_some());
        for (flags, sampled) in [("00", "-00"), ("01", "-01"), ("03", "-01"), ("0a", "-00"), ("0b", "-01")] {
            let (header, _) = of(&[&GIVEN.replace("-01", &format!("-{flags}"))], 1.0);
            assert!(header.ends_with(sampled), "{flags} {header}");
        }
        assert!(of(&[&format!("{}-more", GIVEN.replacen("00", "01", 1))], 1.0).1.continued());
    }

    #[test]
    fn whatever_else_comes_starts_a_trace() {
        let long = format!("{GIVEN}-x");
        let cases: [&[&str]; _] = [
            &[],
            &[""],
            &["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"],
            &["00-00000000000000000000000000000000-b7ad6b7169203331-01"],
            &["00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"],
            &["00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"],
            &["ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
            &["00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01"],
            &[&long],
            &[GIVEN, GIVEN],
        ];
        for given in cases {
            let (header, trace) = of(given, 1.0);
            assert!(!trace.continued() && header.ends_with("-01"), "{given:?}");
            assert!(parse(header.as_bytes()).is_some(), "{header}");
            assert_ne!(trace.id(), "0af7651916cd43dd8448eb211c80319c", "{given:?}");
        }
        assert!(of(&[], 0.0).0.ends_with("-00"));
    }
}
