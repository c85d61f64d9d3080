//! What a handler answers: made inside the unit of work, so that it can be kept beside its effect.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, ETAG, LOCATION};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use hms_problem::{Code, Problem};
use serde::{Deserialize, Serialize};

/// An answer that is complete.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It was done.
    Done(Answer),
    /// It was refused, and yet what the unit of work wrote stays: a failed sign-in is counted.
    Refused(Problem),
}

/// Status, headers and body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) location: Option<String>,
    /// JSON, as it goes out.
    pub(crate) body: Option<String>,
    /// Whether it is the first answer to this key, given again.
    #[serde(skip)]
    pub(crate) replayed: bool,
}

impl Reply {
    /// 200 with a body.
    pub fn ok<T: Serialize>(body: &T) -> Result<Self, Problem> {
        Self::with(StatusCode::OK, body)
    }

    /// 201 with a body.
    pub fn created<T: Serialize>(body: &T) -> Result<Self, Problem> {
        Self::with(StatusCode::CREATED, body)
    }

    /// 202 with a body: it is being done.
    pub fn accepted<T: Serialize>(body: &T) -> Result<Self, Problem> {
        Self::with(StatusCode::ACCEPTED, body)
    }

    /// 204.
    pub fn no_content() -> Self {
        let status = StatusCode::NO_CONTENT.as_u16();
        Self::Done(Answer { status, etag: None, location: None, body: None, replayed: false })
    }

    fn with<T: Serialize>(status: StatusCode, body: &T) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(|error| {
            tracing::error!(%error, "an answer cannot be written as JSON");
            Problem::new(Code::Internal)
        })?;
        Ok(Self::Done(Answer {
            status: status.as_u16(),
            etag: None,
            location: None,
            body: Some(body),
            replayed: false,
        }))
    }

    /// Adds the version of the record as its entity tag.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        if let Self::Done(answer) = &mut self {
            answer.etag = Some(hms_api::etag(version));
        }
        self
    }

    /// Says where the record is.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        if let Self::Done(answer) = &mut self {
            answer.location = Some(path.into());
        }
        self
    }
}

impl Responder for Reply {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        match self {
            Self::Refused(problem) => problem.error_response(),
            Self::Done(answer) => answer.into_response(),
        }
    }
}

impl Answer {
    fn into_response(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        if let Some(etag) = self.etag {
            response.insert_header((ETAG, etag));
        }
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        if self.replayed {
            response.insert_header(("Idempotent-Replayed", "true"));
        }
        match self.body {
            Some(body) => response.content_type(ContentType::json()).body(body),
            None => response.finish(),
        }
    }
}
