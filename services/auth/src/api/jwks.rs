//! `GET /.well-known/jwks.json`.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{Responder, get, web};
use hms_access::JwkSet;

use crate::State;

/// Shows the public keys by which access tokens are checked (RFC 7517); none where a shared secret is used.
#[utoipa::path(tag = "auth", responses((status = 200, body = JwkSet)))]
#[get("/.well-known/jwks.json")]
pub async fn jwks(state: web::Data<State>) -> impl Responder {
    let keys = web::Json(state.issuer.jwks());
    keys.customize().insert_header((CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")))
}
