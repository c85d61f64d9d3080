//! JSON bodies, checked while they are read.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use hms_problem::{Code, Problem};
use ring::digest::{SHA256, digest};
use serde::de::DeserializeOwned;

use crate::strict::Strict;

/// The largest body that is read, in bytes.
pub const BODY_LIMIT: usize = 1 << 20;

/// A body that was JSON of the shape of `T`. Anything else is a 400 that names the place, a 413 or a 415.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T> Json<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A short name for the exact bytes of a body, by which a repeated request is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The fingerprint of these bytes.
    pub fn of(body: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, body).as_ref());
        Self(bytes)
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            check_content_type(&request)?;
            let body = Bytes::from_request(&request, &mut payload).await;
            let body = body.map_err(|error| match error.as_response_error().status_code().as_u16() {
                413 => Problem::new(Code::PayloadTooLarge).detail("limit_bytes", BODY_LIMIT),
                _ => Problem::new(Code::InvalidRequest).message("The body did not arrive whole."),
            })?;
            request.extensions_mut().insert(Fingerprint::of(&body));
            parse(&body).map(Json)
        })
    }
}

fn check_content_type(request: &HttpRequest) -> Result<(), Problem> {
    let header =
        request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json =
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    if json { Ok(()) } else { Err(Problem::new(Code::UnsupportedMediaType)) }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(Strict(&mut reader)).map_err(|error| {
        let field = error.path().to_string();
        refusal(&field, error.inner())
    })?;
    reader.end().map_err(|error| refusal(".", &error))?;
    Ok(value)
}

/// serde's words name the field and the expectation; of the value they show at most its type or the text itself,
/// which the client has just sent.
fn refusal(field: &str, error: &serde_json::Error) -> Problem {
    if error.is_data() {
        let reason = error.to_string();
        let reason = reason.split(" at line ").next().unwrap_or_default();
        let text = if field == "." { reason.to_owned() } else { format!("{field}: {reason}") };
        Problem::new(Code::InvalidRequest).message(text).detail("field", field)
    } else {
        Problem::new(Code::MalformedJson).detail("line", error.line()).detail("column", error.column())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Body {
        name: String,
        born: Option<chrono::NaiveDate>,
    }

    #[test]
    fn a_refusal_names_the_place() {
        let cases = [
            (r#"{"name": 1}"#, Code::InvalidRequest, "name"),
            (r#"{"name": "a", "nick": "b"}"#, Code::InvalidRequest, "nick"),
            (r#"{"name": "a", "born": "2023-02-30"}"#, Code::InvalidRequest, "born"),
            (r#"{}"#, Code::InvalidRequest, "name"),
            (r#"["a", null]"#, Code::InvalidRequest, "sequence"),
        ];
        for (body, code, named) in cases {
            let problem = parse::<Body>(body.as_bytes()).unwrap_err();
            assert_eq!(problem.code(), code, "{body}");
            assert!(problem.text().contains(named), "{body}: {problem}");
        }
        for body in ["", "{", "{\"name\": \"a\"} x", "\u{feff}{}"] {
            assert_eq!(parse::<Body>(body.as_bytes()).unwrap_err().code(), Code::MalformedJson, "{body}");
        }
    }
}
