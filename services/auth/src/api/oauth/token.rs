//! `POST /oauth/token`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use hms_model::Secret;
use hms_model::role::scope;
use hms_service::Call;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::client::{Caller, identify};
use super::form::Form;
use super::{OauthError, by_client, by_code, by_refresh, uncached};
use crate::State;
use crate::domain::oauth::error::ErrorCode;
use crate::service_clients;

/// What a client asks for.
#[derive(Deserialize, ToSchema)]
pub struct TokenRequest {
    /// `authorization_code`, `refresh_token` or `client_credentials`.
    grant_type: Option<String>,
    /// The client, unless it shows itself by `Authorization: Basic`.
    client_id: Option<String>,
    /// Its secret, likewise.
    client_secret: Option<Secret>,
    /// What it asks for.
    pub scope: Option<String>,
    /// The code.
    pub code: Option<Secret>,
    /// Where it was sent.
    pub redirect_uri: Option<String>,
    /// The secret behind the challenge.
    pub code_verifier: Option<Secret>,
    /// The refresh token.
    pub refresh_token: Option<Secret>,
}

/// Tokens (RFC 6749, 5.1).
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer {
    /// The access token.
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(examples("Bearer"))]
    pub token_type: &'static str,
    /// For how many seconds it is valid.
    #[schema(examples(900))]
    pub expires_in: i64,
    /// What it allows.
    #[schema(examples("openid patient:read"))]
    pub scope: String,
    /// The next tokens, once; where `offline_access` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Who signed in; where `openid` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
}

/// Gives tokens for a code, for a refresh token, or to a client for itself. The client shows itself by
/// `Authorization: Basic`, or by `client_id` and `client_secret` in the body. Errors have the form of RFC 6749, 5.2.
#[utoipa::path(tag = "oauth", operation_id = "oauth_token",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = TokenAnswer),
        (status = 400, body = OauthError, description = "What is asked for cannot be given."),
        (status = 401, body = OauthError, description = "The client is not known, or did not prove who it is."),
    ))]
#[post("/oauth/token")]
pub async fn token(
    call: Call<scope::Anyone>,
    state: web::Data<State>,
    request: HttpRequest,
    form: Form<TokenRequest>,
) -> Result<HttpResponse, OauthError> {
    let Form(mut form) = form;
    let refused = |code, description| Err(OauthError::new(code, description));
    let Some(grant) = form.grant_type.take() else {
        return refused(ErrorCode::InvalidRequest, "there is no grant_type");
    };
    let (id, secret) = (form.client_id.take(), form.client_secret.take());
    let caller = identify(&call, &state, &request, id, secret).await?;
    let answer = match (caller, grant.as_str()) {
        (Caller::Service(name), "client_credentials") => service(&call, &state, name)?,
        (Caller::Service(_), _) => {
            return refused(ErrorCode::UnauthorizedClient, "a service uses client_credentials");
        }
        (Caller::Client(client), "client_credentials") => {
            by_client::give(&call, state, *client, form).await?
        }
        (Caller::Client(client), "authorization_code") => by_code::give(&call, state, *client, form).await?,
        (Caller::Client(client), "refresh_token") => by_refresh::give(&call, state, *client, form).await?,
        _ => return refused(ErrorCode::UnsupportedGrantType, "there is no such grant here"),
    };
    Ok(uncached(HttpResponse::Ok()).json(answer))
}

/// No entry in the audit: each service does this all day long.
fn service<R>(call: &Call<R>, state: &State, name: &str) -> Result<TokenAnswer, OauthError> {
    let claims = service_clients::claims(name, call.context().clock.now());
    Ok(TokenAnswer {
        access_token: state.issuer.issue(&claims).map_err(hms_problem::Problem::from)?,
        token_type: "Bearer",
        expires_in: service_clients::LIFETIME.num_seconds(),
        scope: String::new(),
        refresh_token: None,
        id_token: None,
    })
}
