//! Compress: an answer that gets smaller by it, for a client that asks, by actix's own encoder.
//!
//! A compressed answer is another representation and has another strong `ETag` (RFC 9110, 8.8.3.3): `"7"` becomes
//! `"7-gzip"`. A client gives it back in `If-Match` and `If-None-Match`, where the ending is taken off again, so
//! that a service knows its own tags only.
//!
//! BREACH needs a secret and something of the attacker's choice in one compressed answer, and a victim's browser
//! that adds its credentials by itself. Here tokens are given out only in answers to POST, which are never
//! compressed, and credentials are headers that a script must set.

use actix_http::encoding::Encoder;
use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody as _};
use actix_web::dev::ResponseHead;
use actix_web::http::header::{
    self, AcceptEncoding, ContentEncoding, Encoding, HeaderMap, HeaderName, HeaderValue, from_comma_delimited,
};
use actix_web::http::{Method, StatusCode};

use super::answer::AnswerBody;
use crate::context::Context;

/// Below this many bytes an answer fits into a packet anyway.
pub const WORTH_IT: u64 = 1024;

/// What this gateway can do, the best first.
const CODINGS: [(ContentEncoding, &str); 3] =
    [(ContentEncoding::Zstd, "-zstd"), (ContentEncoding::Brotli, "-br"), (ContentEncoding::Gzip, "-gzip")];
const VARY: HeaderValue = HeaderValue::from_static("Accept-Encoding");
const PRECONDITIONS: [HeaderName; 2] = [header::IF_MATCH, header::IF_NONE_MATCH];

/// Compresses an answer, if it is worth it.
pub fn answer(context: &Context, response: HttpResponse<AnswerBody>) -> HttpResponse<AnswerBody> {
    if context.method != Method::GET || !is_compressible(&response) {
        return response;
    }
    let asked = !context.accepted.is_empty();
    let coding = asked.then(|| from_comma_delimited(context.accepted.iter()).ok()).flatten();
    let coding = coding.and_then(|accepted| chosen(&AcceptEncoding(accepted)));
    response.map_body(|head, body| {
        if let Some((coding, ending)) = coding {
            mark(head, ending);
            // The encoder says itself that the answer varies.
            return AnswerBody::Encoded(Box::pin(Encoder::response(coding, head, body)));
        }
        head.headers_mut().append(header::VARY, VARY);
        body
    })
}

/// Takes the endings off the tags of a request. Returns the one that there was, for the tag of a 304.
pub fn strip(headers: &mut HeaderMap) -> Option<&'static str> {
    let mut found = None;
    for name in PRECONDITIONS {
        let Some(given) = headers.get(&name).and_then(|value| value.to_str().ok()) else { continue };
        let ending = CODINGS.iter().find(|(_, ending)| given.contains(&format!("{ending}\"")));
        let Some((_, ending)) = ending else { continue };
        found = Some(*ending);
        let plain = CODINGS
            .iter()
            .fold(given.to_owned(), |tags, (_, ending)| tags.replace(&format!("{ending}\""), "\""));
        if let Ok(plain) = HeaderValue::from_str(&plain) {
            headers.insert(name, plain);
        }
    }
    found
}

/// A 304 names the tag of the representation that the client has.
pub fn unchanged(status: StatusCode, ending: Option<&str>, headers: &mut HeaderMap) {
    if let (StatusCode::NOT_MODIFIED, Some(ending)) = (status, ending) {
        set_ending(headers, ending);
    }
}

fn is_compressible(response: &HttpResponse<AnswerBody>) -> bool {
    let long_enough = match response.body().size() {
        BodySize::Sized(length) => length >= WORTH_IT,
        BodySize::Stream => true,
        BodySize::None => false,
    };
    let headers = response.headers();
    let type_ = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let whole = !matches!(
        response.status(),
        StatusCode::SWITCHING_PROTOCOLS
            | StatusCode::NO_CONTENT
            | StatusCode::PARTIAL_CONTENT
            | StatusCode::NOT_MODIFIED
    );
    let transformable = || {
        let said = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
        !said.is_some_and(|said| said.contains("no-transform"))
    };
    long_enough
        && whole
        && type_.is_some_and(is_text)
        && !headers.contains_key(header::CONTENT_ENCODING)
        && transformable()
}

/// Images and archives are compressed already; an event stream must not wait for a full block.
fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    match essence {
        "text/event-stream" => false,
        "application/json"
        | "application/xml"
        | "application/javascript"
        | "application/x-ndjson"
        | "image/svg+xml" => true,
        _ => essence.starts_with("text/") || essence.ends_with("+json") || essence.ends_with("+xml"),
    }
}

fn chosen(accepted: &AcceptEncoding) -> Option<(ContentEncoding, &'static str)> {
    let ours = [Encoding::zstd(), Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
    let Some(Encoding::Known(best)) = accepted.negotiate(ours.iter()) else { return None };
    CODINGS.iter().find(|(coding, _)| *coding == best).copied()
}

fn mark(head: &mut ResponseHead, ending: &str) {
    head.headers_mut().remove(header::CONTENT_LENGTH);
    head.headers_mut().remove(header::ACCEPT_RANGES);
    set_ending(head.headers_mut(), ending);
}

/// A weak tag says nothing of bytes and stays as it is.
fn set_ending(headers: &mut HeaderMap, ending: &str) {
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let strong = tag.filter(|tag| tag.starts_with('"')).and_then(|tag| tag.strip_suffix('"'));
    let marked = strong.and_then(|tag| HeaderValue::from_str(&format!("{tag}{ending}\"")).ok());
    if let Some(marked) = marked {
        headers.insert(header::ETAG, marked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_back_as_the_service_gave_them() {
        for (given, plain, ending) in [
            ("\"7\"", "\"7\"", None),
            ("\"7-gzip\"", "\"7\"", Some("-gzip")),
            ("\"7-br\", W/\"8\", \"9-zstd\"", "\"7\", W/\"8\", \"9\"", Some("-zstd")),
            ("*", "*", None),
            ("\"a-gzip-b\"", "\"a-gzip-b\"", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, HeaderValue::from_static(given));
            assert_eq!(strip(&mut headers), ending, "{given}");
            assert_eq!(headers.get(header::IF_MATCH).unwrap(), plain);
        }
    }

    #[test]
    fn only_strong_tags_are_marked() {
        for (tag, marked) in [("\"7\"", "\"7-br\""), ("W/\"7\"", "W/\"7\""), ("7", "7")] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ETAG, HeaderValue::from_static(tag));
            unchanged(StatusCode::NOT_MODIFIED, Some("-br"), &mut headers);
            assert_eq!(headers.get(header::ETAG).unwrap(), marked);
            unchanged(StatusCode::OK, Some("-br"), &mut headers);
            assert_eq!(headers.get(header::ETAG).unwrap(), marked);
        }
    }

    #[test]
    fn text_is_compressible_and_streams_of_events_are_not() {
        for (type_, expected) in [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("application/problem+json", true),
            ("text/html", true),
            ("image/svg+xml", true),
            ("text/event-stream", false),
            ("text/event-stream; charset=utf-8", false),
            ("image/png", false),
            ("application/pdf", false),
            ("application/octet-stream", false),
        ] {
            assert_eq!(is_text(type_), expected, "{type_}");
        }
    }
}
