//! `POST /oauth/introspect`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use chrono::{DateTime, Utc};
use hms_access::Claims;
use hms_db::Db;
use hms_model::id::GrantId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::Call;
use serde::Serialize;
use utoipa::ToSchema;

use super::client::{Caller, identify};
use super::form::Form;
use super::revoke::ShownToken;
use super::{OauthError, uncached};
use crate::State;
use crate::domain::oauth::client::{ClientKind, OauthClient};
use crate::domain::oauth::error::ErrorCode;
use crate::domain::refresh::{self, Decision};
use crate::store::{grants, revocation_feed};
use crate::tokens;

/// What there is to say of a token (RFC 7662, 2.2); of one that is not good, nothing else.
#[derive(Default, Serialize, ToSchema)]
pub struct Introspection {
    /// Whether it is good.
    active: bool,
    /// What it allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// For whom the client acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// From when on it is no longer valid, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// When it was issued, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    /// Who issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    /// For whom it is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    /// `Bearer` for an access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
}

/// Tells a confidential client whether one of its own tokens is good (RFC 7662); of others' it learns nothing.
#[utoipa::path(tag = "oauth", operation_id = "oauth_introspect",
    request_body(content = ShownToken, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = Introspection),
        (status = 400, body = OauthError, description = "There is no token."),
        (status = 401, body = OauthError, description = "The client is not known, or did not prove who it is."),
    ))]
#[post("/oauth/introspect")]
pub async fn introspect(
    call: Call<scope::Anyone>,
    state: web::Data<State>,
    request: HttpRequest,
    form: Form<ShownToken>,
) -> Result<HttpResponse, OauthError> {
    let Form(ShownToken { token, client_id, client_secret, .. }) = form;
    let token = token.ok_or_else(|| OauthError::new(ErrorCode::InvalidRequest, "there is no token"))?;
    let client = match identify(&call, &state, &request, client_id, client_secret).await? {
        Caller::Client(client) if client.kind == ClientKind::Confidential => client,
        _ => return Err(OauthError::new(ErrorCode::UnauthorizedClient, "the client has no secret")),
    };
    let access = call.context().verify(token.expose()).await.ok();
    let (hash, now) = (tokens::hash_of(&token), call.context().clock.now());
    let told = call.read(move |db| match access {
        Some(claims) => of_access(db, &client, &claims, now),
        None => of_refresh(db, &client, &hash, now),
    });
    Ok(uncached(HttpResponse::Ok()).json(told.await?))
}

fn of_access(
    db: &mut Db,
    client: &OauthClient,
    claims: &Claims,
    now: DateTime<Utc>,
) -> Result<Introspection, Problem> {
    let own = claims.client_id.as_deref() == Some(client.id.to_string().as_str());
    if !own || revocation_feed::is_revoked(db, claims.sid, now)? {
        return Ok(Introspection::default());
    }
    let grant = grants::find(db, GrantId::from_uuid(claims.sid.uuid()))?;
    let words: Vec<_> = claims.scope.iter().map(ToString::to_string).collect();
    let scope = grant.map_or(words.join(" "), |grant| grant.scopes.within(&claims.roles).words());
    Ok(Introspection {
        active: true,
        scope: Some(scope),
        client_id: claims.client_id.clone(),
        sub: Some(claims.sub.to_string()),
        exp: Some(claims.exp),
        iat: Some(claims.iat),
        iss: Some(claims.iss.clone()),
        aud: Some(claims.aud.clone()),
        token_type: Some("Bearer"),
    })
}

/// The successor of a token is not told by it, and neither is what it tolerates.
fn of_refresh(
    db: &mut Db,
    client: &OauthClient,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<Introspection, Problem> {
    let found = grants::find_by_token(db, hash)?.filter(|(grant, _)| grant.client_id == client.id);
    let current =
        found.filter(|(grant, token)| refresh::decide(&grant.family, token, now) == Decision::Rotate);
    Ok(current.map_or_else(Introspection::default, |(grant, token)| Introspection {
        active: true,
        scope: Some(grant.scopes.words()),
        client_id: Some(client.id.to_string()),
        sub: Some(grant.account_id.to_string()),
        exp: Some(token.expires_at.timestamp()),
        ..Introspection::default()
    }))
}
