//! `POST /oauth/revoke`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use hms_model::Secret;
use hms_model::audit::Action;
use hms_model::id::GrantId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::client::{Caller, identify};
use super::form::Form;
use super::{GRANT, OauthError, uncached};
use crate::State;
use crate::domain::oauth::client::OauthClient;
use crate::domain::oauth::error::ErrorCode;
use crate::store::grants::{self, Grant};
use crate::store::{accounts, revocations};
use crate::tokens;

/// A token, and who shows it.
#[derive(Deserialize, ToSchema)]
pub struct ShownToken {
    /// The token.
    pub token: Option<Secret>,
    /// What it is thought to be; not needed here.
    #[serde(rename = "token_type_hint")]
    _hint: Option<String>,
    /// The client, unless it shows itself by `Authorization: Basic`.
    pub client_id: Option<String>,
    /// Its secret, likewise.
    pub client_secret: Option<Secret>,
}

/// Ends a grant by one of its tokens, be it a refresh token or an access token (RFC 7009). One that is not known, or is
/// another client's, is no error: what the caller wants is so.
#[utoipa::path(tag = "oauth", operation_id = "oauth_revoke",
    request_body(content = ShownToken, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token is not good any more."),
        (status = 400, body = OauthError, description = "There is no token, or none that can be revoked."),
        (status = 401, body = OauthError, description = "The client is not known, or did not prove who it is."),
    ))]
#[post("/oauth/revoke")]
pub async fn revoke(
    call: Call<scope::Anyone>,
    state: web::Data<State>,
    request: HttpRequest,
    form: Form<ShownToken>,
) -> Result<HttpResponse, OauthError> {
    let Form(ShownToken { token, client_id, client_secret, .. }) = form;
    let token = token.ok_or_else(|| OauthError::new(ErrorCode::InvalidRequest, "there is no token"))?;
    let Caller::Client(client) = identify(&call, &state, &request, client_id, client_secret).await? else {
        return Err(OauthError::new(
            ErrorCode::UnauthorizedClient,
            "the token of a service expires by itself",
        ));
    };
    let access = call.context().verify(token.expose()).await.ok();
    if access.as_ref().is_some_and(|claims| claims.sid.uuid() == client.id.uuid()) {
        let reason = "a token of client_credentials expires by itself";
        return Err(OauthError::new(ErrorCode::UnsupportedTokenType, reason));
    }
    let sid = access.map(|claims| GrantId::from_uuid(claims.sid.uuid()));
    let hash = tokens::hash_of(&token);
    let outcome = call.write_for(move |work| {
        let grant = match sid {
            Some(id) => grants::find(work.db, id)?,
            None => grants::find_by_token(work.db, &hash)?.map(|(grant, _)| grant),
        };
        match grant.filter(|grant| grant.client_id == client.id) {
            Some(grant) => end(work, &grant, &client),
            None => Ok(()),
        }
    });
    outcome.await?;
    Ok(uncached(HttpResponse::Ok()).finish())
}

fn end(work: &mut Work<'_>, grant: &Grant, client: &OauthClient) -> Result<(), Problem> {
    if !grants::revoke(work.db, grant.id, work.now)? {
        return Ok(());
    }
    let roles = accounts::roles(work.db, grant.account_id)?;
    let act = Act::new(Action::Delete, GRANT).on(grant.id).by(grant.account_id, roles);
    work.audit(act.detail(format!("by client {}", client.id)))?;
    Ok(revocations::revoke(work.db, grant.sid(), work.now)?)
}
