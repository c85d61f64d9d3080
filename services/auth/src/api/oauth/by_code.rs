//! Tokens for an authorization code (RFC 6749, 4.1.3; RFC 7636, 4.5).

use actix_web::web;
use hms_model::Secret;
use hms_model::audit::Action;
use hms_model::id::GrantId;
use hms_problem::Problem;
use hms_service::{Act, Call, Work};

use super::token::{TokenAnswer, TokenRequest};
use super::{GRANT, OauthError};
use crate::State;
use crate::domain::oauth::client::{GrantType, OauthClient};
use crate::domain::oauth::code::{Code, Decision};
use crate::domain::oauth::error::{ErrorCode, Refused};
use crate::domain::oauth::scope::Identity;
use crate::domain::refresh::{Family, LIFETIME};
use crate::grant_tokens::{self, Recipient};
use crate::store::grants::Grant;
use crate::store::{accounts, codes, grants, revocations};
use crate::tokens;

type Outcome = Result<TokenAnswer, Refused>;

/// A refusal may have something to keep: who shows a code twice ends what came of it.
pub async fn give<R>(
    call: &Call<R>,
    state: web::Data<State>,
    client: OauthClient,
    form: TokenRequest,
) -> Result<TokenAnswer, OauthError> {
    let missing = |what: &str| OauthError::new(ErrorCode::InvalidRequest, what);
    let code = form.code.ok_or_else(|| missing("there is no code"))?;
    let verifier = form.code_verifier.ok_or_else(|| missing("there is no code_verifier"))?;
    let shown = Shown { hash: tokens::hash_of(&code), verifier, redirect_uri: form.redirect_uri };
    let outcome = call.write_for(move |work| redeem(work, &state, &client, &shown)).await?;
    Ok(outcome?)
}

struct Shown {
    hash: String,
    verifier: Secret,
    redirect_uri: Option<String>,
}

fn refuse(reason: &'static str) -> Outcome {
    Err(Refused::new(ErrorCode::InvalidGrant, reason))
}

fn redeem(
    work: &mut Work<'_>,
    state: &State,
    client: &OauthClient,
    shown: &Shown,
) -> Result<Outcome, Problem> {
    let Some(code) = codes::find_locked(work.db, &shown.hash)? else {
        return Ok(refuse("the code is not known"));
    };
    let uri = shown.redirect_uri.as_deref();
    match code.decide(client.id, uri, shown.verifier.expose(), work.now) {
        Decision::Refuse(reason) => Ok(refuse(reason)),
        Decision::Reused(grant) => {
            end(work, grant, &code)?;
            Ok(refuse("the code was used before"))
        }
        Decision::Redeem => begin(work, state, client, code, &shown.hash),
    }
}

/// Either the one who shows the code has stolen it, or the one who used it had: nobody can tell (RFC 6749, 4.1.2).
fn end(work: &mut Work<'_>, grant: GrantId, code: &Code) -> Result<(), Problem> {
    if !grants::revoke(work.db, grant, work.now)? {
        return Ok(());
    }
    let roles = accounts::roles(work.db, code.account_id)?;
    let act = Act::new(Action::Execute, GRANT).on(grant).refused().by(code.account_id, roles);
    work.audit(act.detail("authorization code reused, grant ended"))?;
    Ok(revocations::revoke(work.db, hms_model::id::SessionId::from_uuid(grant.uuid()), work.now)?)
}

fn begin(
    work: &mut Work<'_>,
    state: &State,
    client: &OauthClient,
    code: Code,
    hash: &str,
) -> Result<Outcome, Problem> {
    let account = accounts::find(work.db, code.account_id)?;
    if !account.is_active() {
        return Ok(refuse("the account is disabled"));
    }
    let grant = Grant {
        id: work.new_id(),
        client_id: client.id,
        account_id: account.id,
        scopes: code.scopes,
        auth_time: code.auth_time,
        family: Family { generation: 1, rotated_at: work.now, grace_spent: false, revoked: false },
    };
    let offline = grant.scopes.has(Identity::OfflineAccess) && client.may(GrantType::RefreshToken);
    let refresh = offline.then(tokens::new_refresh_token).transpose()?;
    let refresh_hash = refresh.as_ref().map(tokens::hash_of);
    let until = work.now + state.access_lifetime.max(LIFETIME);
    grants::begin(work.db, &grant, refresh_hash.as_deref(), until, work.now)?;
    if !codes::redeem(work.db, hash, grant.id)? {
        return Ok(refuse("the code was used before"));
    }
    let act = Act::new(Action::Create, GRANT).on(grant.id).by(account.id, account.roles.clone());
    work.audit(act.detail(client.id.to_string()))?;
    let recipient = Recipient { client, nonce: code.nonce };
    Ok(Ok(grant_tokens::give(state, &grant, &account, recipient, refresh, work.now)?))
}
