//! Tokens for a client that acts for itself (RFC 6749, 4.4).

use actix_web::web;
use hms_access::Claims;
use hms_model::audit::Action;
use hms_model::id::{AccountId, SessionId};
use hms_model::role::Role;
use hms_service::{Act, Call};

use super::token::{TokenAnswer, TokenRequest};
use super::{CLIENT, OauthError};
use crate::State;
use crate::api::internal::exchange::INTEGRATION;
use crate::domain::oauth::client::OauthClient;

/// The client is its own account and its own session, by its id.
pub async fn give<R>(
    call: &Call<R>,
    state: web::Data<State>,
    client: OauthClient,
    form: TokenRequest,
) -> Result<TokenAnswer, OauthError> {
    let scopes = client.own_scopes(form.scope.as_deref())?;
    let answer = call.write_for(move |work| {
        let (sub, sid) = (AccountId::from_uuid(client.id.uuid()), SessionId::from_uuid(client.id.uuid()));
        let mut claims = Claims::new(sub, sid, vec![Role::Service], work.now, state.access_lifetime);
        claims.scope = scopes.hms();
        claims.client_id = Some(client.id.to_string());
        claims.department_id = client.department_id;
        claims.plan = Some(INTEGRATION.to_owned());
        work.audit(Act::new(Action::Execute, CLIENT).on(client.id).by(sub, vec![Role::Service]))?;
        Ok(TokenAnswer {
            access_token: state.issuer.issue(&claims)?,
            token_type: "Bearer",
            expires_in: state.access_lifetime.num_seconds(),
            scope: scopes.words(),
            refresh_token: None,
            id_token: None,
        })
    });
    Ok(answer.await?)
}
