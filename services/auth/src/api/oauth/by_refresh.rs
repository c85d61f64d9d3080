//! Tokens for a refresh token, which is used up by it (RFC 6749, 6; RFC 9700, 4.14.2).

use actix_web::web;
use hms_model::audit::Action;
use hms_problem::Problem;
use hms_service::{Act, Call, Work};

use super::token::{TokenAnswer, TokenRequest};
use super::{GRANT, OauthError};
use crate::State;
use crate::domain::oauth::client::{GrantType, OauthClient};
use crate::domain::oauth::error::{ErrorCode, Refused};
use crate::domain::oauth::scope::Scopes;
use crate::domain::refresh::{self, Decision};
use crate::grant_tokens::{self, Recipient};
use crate::store::grants::Grant;
use crate::store::{accounts, grants, revocations};
use crate::tokens;

type Outcome = Result<TokenAnswer, Refused>;

/// The rules are those of a sign-in: the immediate predecessor is tolerated once, an older one ends the grant.
pub async fn give<R>(
    call: &Call<R>,
    state: web::Data<State>,
    client: OauthClient,
    form: TokenRequest,
) -> Result<TokenAnswer, OauthError> {
    let token = form.refresh_token;
    let token =
        token.ok_or_else(|| OauthError::new(ErrorCode::InvalidRequest, "there is no refresh_token"))?;
    let (hash, asked) = (tokens::hash_of(&token), form.scope);
    let outcome = call.write_for(move |work| refresh(work, &state, &client, &hash, asked.as_deref()));
    Ok(outcome.await??)
}

fn refuse(code: ErrorCode, reason: &'static str) -> Outcome {
    Err(Refused::new(code, reason))
}

fn refresh(
    work: &mut Work<'_>,
    state: &State,
    client: &OauthClient,
    hash: &str,
    asked: Option<&str>,
) -> Result<Outcome, Problem> {
    let invalid = || refuse(ErrorCode::InvalidGrant, "the refresh token is not valid");
    if !client.may(GrantType::RefreshToken) {
        return Ok(refuse(ErrorCode::UnauthorizedClient, "the client may not use refresh_token"));
    }
    let Some((grant, token)) = grants::find_by_token(work.db, hash)? else { return Ok(invalid()) };
    if grant.client_id != client.id {
        return Ok(invalid());
    }
    let decision = refresh::decide(&grant.family, &token, work.now);
    match decision {
        Decision::Expired | Decision::Revoked => return Ok(invalid()),
        Decision::Reused => {
            end(work, &grant)?;
            return Ok(invalid());
        }
        Decision::Rotate | Decision::Tolerate => {}
    }
    let account = accounts::find(work.db, grant.account_id)?;
    if !account.is_active() {
        return Ok(invalid());
    }
    // RFC 6749, 6: fewer than were granted, never more; the next time all of them again.
    let scopes = match asked.map(|asked| Scopes::requested(Some(asked), &grant.scopes)) {
        Some(Err(refused)) => return Ok(Err(refused)),
        Some(Ok(scopes)) => scopes,
        None => grant.scopes.clone(),
    };
    let next = tokens::new_refresh_token()?;
    let next_hash = tokens::hash_of(&next);
    let done = match decision {
        Decision::Tolerate => grants::tolerate(work.db, &grant, &next_hash, work.now)?,
        _ => grants::rotate(work.db, &grant, &next_hash, work.now)?,
    };
    if !done {
        return Ok(invalid());
    }
    let narrowed = Grant { scopes, ..grant };
    let recipient = Recipient { client, nonce: None };
    Ok(Ok(grant_tokens::give(state, &narrowed, &account, recipient, Some(next), work.now)?))
}

fn end(work: &mut Work<'_>, grant: &Grant) -> Result<(), Problem> {
    grants::revoke(work.db, grant.id, work.now)?;
    let roles = accounts::roles(work.db, grant.account_id)?;
    let act = Act::new(Action::Execute, GRANT).on(grant.id).refused().by(grant.account_id, roles);
    work.audit(act.detail("refresh token reused, grant ended"))?;
    Ok(revocations::revoke(work.db, grant.sid(), work.now)?)
}
