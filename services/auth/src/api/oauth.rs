//! OAuth 2.1 and OpenID Connect: what clients ask, and the page where people allow it.

pub mod authorize;
pub mod decide;
pub mod introspect;
pub mod revoke;
pub mod token;
pub mod userinfo;

mod by_client;
mod by_code;
mod by_refresh;
mod client;
mod form;
mod page;
mod person;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, PRAGMA, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use hms_model::Coded;
use hms_problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::oauth::error::{ErrorCode, Refused};

/// What the audit calls a grant and a client.
pub const GRANT: &str = "oauth_grant";
pub const CLIENT: &str = "oauth_client";

/// An error as OAuth has it (RFC 6749, 5.2), in the place of our envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct OauthError {
    /// What is wrong.
    error: ErrorCode,
    /// In words for the developer of the client.
    error_description: String,
    #[serde(skip)]
    status: u16,
}

impl OauthError {
    fn new(code: ErrorCode, description: &str) -> Self {
        Refused::new(code, description.to_owned()).into()
    }
}

impl std::fmt::Display for OauthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error.code(), self.error_description)
    }
}

impl From<Refused> for OauthError {
    fn from(refused: Refused) -> Self {
        let status = if refused.code == ErrorCode::InvalidClient { 401 } else { 400 };
        Self { error: refused.code, error_description: refused.description.into_owned(), status }
    }
}

/// What concerns no client keeps its status and its words.
impl From<Problem> for OauthError {
    fn from(problem: Problem) -> Self {
        let status = problem.code().status();
        let error = match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                ErrorCode::TemporarilyUnavailable
            }
            status if status.is_server_error() => ErrorCode::ServerError,
            _ => ErrorCode::InvalidRequest,
        };
        Self { error, error_description: problem.text().to_owned(), status: status.as_u16() }
    }
}

impl ResponseError for OauthError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = uncached(HttpResponse::build(self.status_code()));
        if self.status_code() == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, "Basic realm=\"hms\""));
        }
        response.json(self)
    }
}

/// An answer with tokens in it, which nobody may keep on the way (RFC 6749, 5.1).
fn uncached(mut response: HttpResponseBuilder) -> HttpResponseBuilder {
    response.insert_header((CACHE_CONTROL, "no-store")).insert_header((PRAGMA, "no-cache"));
    response
}
