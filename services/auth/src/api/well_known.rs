//! The documents by which clients find their way: `/.well-known/oauth-authorization-server` (RFC 8414) and
//! `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0).

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, get, web};
use hms_problem::{Code, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::State;
use crate::domain::oauth::scope::{Granted, Identity};
use crate::signing::Signing;

/// What a client must know of the server; the fields are those of RFC 8414, 2.
#[derive(Serialize, ToSchema)]
pub struct ServerMetadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    /// Where tokens are signed with a shared secret there is nothing to publish, and no OpenID Connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    scopes_supported: Vec<&'static str>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 3],
    token_endpoint_auth_methods_supported: [&'static str; 3],
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
    introspection_endpoint_auth_methods_supported: [&'static str; 2],
    code_challenge_methods_supported: [&'static str; 1],
    authorization_response_iss_parameter_supported: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    openid: Option<OpenidMetadata>,
}

/// What OpenID Connect adds (Discovery 1.0, 3).
#[derive(Serialize, ToSchema)]
pub struct OpenidMetadata {
    userinfo_endpoint: String,
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
    claims_supported: [&'static str; 10],
    prompt_values_supported: [&'static str; 3],
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    claims_parameter_supported: bool,
}

/// Says how clients get tokens here (RFC 8414).
#[utoipa::path(tag = "oauth", operation_id = "oauth_metadata", responses((status = 200, body = ServerMetadata)))]
#[get("/.well-known/oauth-authorization-server")]
pub async fn server(state: web::Data<State>) -> HttpResponse {
    answer(&metadata(&state.issuer, None))
}

/// Says how people sign in here (OpenID Connect Discovery 1.0). There is no such thing where tokens are signed with a
/// shared secret.
#[utoipa::path(tag = "oauth", operation_id = "openid_configuration", responses((status = 200, body = ServerMetadata)))]
#[get("/.well-known/openid-configuration")]
pub async fn provider(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    if !state.issuer.has_public_keys() {
        let reason =
            "There is no OpenID Connect with JWT_ALGORITHM=HS256: others cannot check its signatures.";
        return Err(Problem::new(Code::NotFound).message(reason));
    }
    let openid = OpenidMetadata {
        userinfo_endpoint: at(&state.issuer, "userinfo"),
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["EdDSA"],
        claims_supported: [
            "iss",
            "sub",
            "aud",
            "iat",
            "exp",
            "auth_time",
            "nonce",
            "preferred_username",
            "updated_at",
            "email",
        ],
        prompt_values_supported: ["none", "login", "consent"],
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        claims_parameter_supported: false,
    };
    Ok(answer(&metadata(&state.issuer, Some(openid))))
}

fn answer(metadata: &ServerMetadata) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).json(metadata)
}

fn at(signing: &Signing, endpoint: &str) -> String {
    format!("{}/api/v1/oauth/{endpoint}", signing.issuer())
}

fn metadata(signing: &Signing, openid_metadata: Option<OpenidMetadata>) -> ServerMetadata {
    let public_keys = signing.has_public_keys();
    let known = |scope: &Granted| public_keys || *scope != Granted::Identity(Identity::Openid);
    ServerMetadata {
        issuer: signing.issuer().to_owned(),
        authorization_endpoint: at(signing, "authorize"),
        token_endpoint: at(signing, "token"),
        revocation_endpoint: at(signing, "revoke"),
        introspection_endpoint: at(signing, "introspect"),
        jwks_uri: public_keys.then(|| format!("{}/.well-known/jwks.json", signing.issuer())),
        scopes_supported: Granted::all().filter(known).map(Granted::word).collect(),
        response_types_supported: ["code"],
        response_modes_supported: ["query"],
        grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"],
        token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
        revocation_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
        introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
        code_challenge_methods_supported: ["S256"],
        authorization_response_iss_parameter_supported: true,
        openid: openid_metadata,
    }
}
