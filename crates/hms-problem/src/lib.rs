//! Errors as clients meet them: one table of codes with status and meaning, and the one JSON envelope
//! `{"error":{"code","message","details"},"request_id"}`. What a client reads and what a log keeps are two
//! things: a [`Problem`] never carries a cause.

mod code;
pub mod request_id;

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use code::{CODES, Code};

/// A refusal, ready to be shown to a client.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    code: Code,
    message: String,
    details: Map<String, Value>,
    retry_after: Option<u32>,
}

/// The outcome of a handler.
pub type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    /// A problem with the words that stand in the table.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            message: code.meaning().to_owned(),
            details: Map::new(),
            retry_after: code.retry_after(),
        }
    }

    /// Says in other words what is wrong.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Adds a detail that a program can read.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Says after how many seconds another try may help.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// A field of the request that cannot be accepted: `field` as a path, `reason` in words.
    pub fn field(code: Code, field: &str, reason: impl fmt::Display) -> Self {
        Self::new(code).message(format!("{field}: {reason}")).detail("field", field)
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The words for people.
    pub fn text(&self) -> &str {
        &self.message
    }

    /// The details for programs.
    pub fn details(&self) -> &Map<String, Value> {
        &self.details
    }

    /// The seconds after which another try may help.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.retry_after
    }

    /// The envelope as it is sent, with the id of the present request.
    pub fn envelope(&self) -> Envelope {
        Envelope {
            error: ErrorBody {
                code: self.code.as_str().to_owned(),
                message: self.message.clone(),
                details: Value::Object(self.details.clone()),
            },
            request_id: request_id::current(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for Problem {}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.status_code() == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        response.json(self.envelope())
    }
}

/// The body of every error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Envelope {
    /// What is wrong.
    pub error: ErrorBody,
    /// The id of the request, which stands in the logs too.
    pub request_id: Option<String>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// A code for programs, such as `SLOT_TAKEN`.
    #[schema(examples("SLOT_TAKEN"))]
    pub code: String,
    /// Words for people; they may change.
    pub message: String,
    /// What else a program may want to know; depends on the code.
    #[schema(value_type = Object)]
    pub details: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_has_code_message_and_details() {
        let problem = Problem::field(Code::InvalidRequest, "phone", "must be E.164");
        let json = serde_json::to_value(problem.envelope()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "error": {"code": "INVALID_REQUEST", "message": "phone: must be E.164", "details": {"field": "phone"}},
                "request_id": null,
            })
        );
    }

    #[test]
    fn what_may_be_tried_again_says_when() {
        let response = Problem::new(Code::Unavailable).retry_after(7).error_response();
        assert_eq!(response.headers().get("retry-after").unwrap(), "7");
        assert_eq!(response.status(), 503);
    }
}
