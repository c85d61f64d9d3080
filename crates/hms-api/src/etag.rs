//! Versions of a record as entity tags (RFC 9110, 8.8.3 and 13.1.1).

use actix_web::HttpRequest;
use actix_web::http::header::IF_MATCH;
use hms_problem::{Code, Problem};

/// The entity tag of a version: `"7"`.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// What a client says in `If-Match` about the version it has seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IfMatch(Option<String>);

impl IfMatch {
    /// Reads the header, if there is one.
    pub fn of(request: &HttpRequest) -> Self {
        let header = request.headers().get(IF_MATCH).and_then(|value| value.to_str().ok());
        Self(header.map(str::to_owned))
    }

    /// Refuses with 412 when the client has seen another version than the one at hand. Without the header
    /// everything passes; a weak tag never matches, as the RFC has it.
    pub fn check(&self, version: i64) -> Result<(), Problem> {
        let Some(tags) = &self.0 else { return Ok(()) };
        let current = etag(version);
        if tags.split(',').map(str::trim).any(|tag| tag == "*" || tag == current) {
            Ok(())
        } else {
            Err(Problem::new(Code::PreconditionFailed).detail("version", version))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_compares_strongly() {
        let cases = [
            (None, true),
            (Some("\"3\""), true),
            (Some("\"1\", \"3\""), true),
            (Some("*"), true),
            (Some("\"2\""), false),
            (Some("W/\"3\""), false),
            (Some("3"), false),
            (Some(""), false),
        ];
        for (header, passes) in cases {
            let answer = IfMatch(header.map(str::to_owned)).check(3);
            assert_eq!(answer.is_ok(), passes, "{header:?}");
        }
    }
}
