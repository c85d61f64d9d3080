//! Identify: who comes. A request without a token passes on, since some routes are for everybody and the
//! service knows which; a token that is there and not good ends the request here.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use hms_access::{Claims, Verifier};
use hms_problem::{Code, Problem};

/// The claims of the token, if there is one (RFC 6750, 2.1).
pub async fn caller(verifier: &Verifier, headers: &HeaderMap) -> Result<Option<Arc<Claims>>, Problem> {
    let mut given = headers.get_all(header::AUTHORIZATION);
    let Some(credentials) = given.next() else {
        return Ok(None);
    };
    // Of two, the service might take the other one.
    if given.next().is_some() {
        return Err(
            Problem::new(Code::Unauthenticated).message("There is more than one Authorization header.")
        );
    }
    let token = bearer(credentials).ok_or_else(|| {
        Problem::new(Code::Unauthenticated).message("The Authorization header must be: Bearer <token>.")
    })?;
    Ok(Some(verifier.verify(token).await?))
}

fn bearer(credentials: &HeaderValue) -> Option<&str> {
    let (scheme, token) = credentials.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}
