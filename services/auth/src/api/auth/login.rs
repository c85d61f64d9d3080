//! `POST /auth/login`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::AccountId;
use hms_model::role::scope;
use hms_model::{Secret, Text};
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Uncached, uncached};
use crate::State;
use crate::hashing::Verdict;
use crate::store::{accounts, sessions};
use crate::tokens::{self, Tokens};

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The e-mail address or the user name.
    username: Text<1, 254>,
    /// The password.
    password: Secret,
}

/// Signs in with an e-mail address or a user name.
#[utoipa::path(tag = "auth", request_body = Credentials, responses((status = 200, body = Tokens), Problems))]
#[post("/auth/login")]
pub async fn login(
    call: Call<scope::Anyone>,
    state: web::Data<State>,
    body: Json<Credentials>,
) -> Result<Uncached, Problem> {
    sign_in(call, state, body.into_inner()).await
}

/// An unknown user gets the same answer after the same time as a wrong password.
pub(super) async fn sign_in(
    call: Call<scope::Anyone>,
    state: web::Data<State>,
    credentials: Credentials,
) -> Result<Uncached, Problem> {
    let name = credentials.username;
    let found = call.read(move |db| Ok(accounts::find_credentials(db, name.as_str())?)).await?;
    let kept = found.as_ref().map(|(_, hash)| hash.clone());
    let verdict = state.hashing.verify(credentials.password, kept).await?;
    let reply = call.write_unkeyed(move |work| match (found, verdict) {
        (Some((id, hash)), Verdict::Right { renewed }) => admit(work, &state, id, &Proof { hash, renewed }),
        (Some((id, _)), Verdict::Wrong) => refuse(work, Some(id), "wrong password"),
        (None, _) => refuse(work, None, "no such account"),
    });
    Ok(uncached(reply.await?))
}

struct Proof {
    /// The hash that the password was verified with.
    hash: String,
    /// The one to keep from now on.
    renewed: Option<String>,
}

/// The password was verified before this transaction began; what has changed since is looked at once more.
fn admit(work: &mut Work<'_>, state: &State, id: AccountId, proof: &Proof) -> Result<Reply, Problem> {
    let account = accounts::find_locked(work.db, id)?;
    if !account.is_active() {
        return refuse(work, Some(id), "the account is disabled");
    }
    if !accounts::has_password(work.db, id, &proof.hash)? {
        return refuse(work, Some(id), "the password was changed meanwhile");
    }
    if let Some(renewed) = &proof.renewed {
        accounts::renew_password(work.db, id, &proof.hash, renewed)?;
    }
    let session = work.new_id();
    let refresh = tokens::new_refresh_token()?;
    sessions::begin(work.db, session, id, &tokens::hash_of(&refresh), work.now)?;
    work.audit(Act::new(Action::Execute, "session").on(session).by(id, account.roles.clone()))?;
    Reply::ok(&state.tokens(account, session, &refresh, work.now)?)
}

/// The audit names the account if there is one, and never what was typed: people type passwords there.
fn refuse(work: &mut Work<'_>, id: Option<AccountId>, reason: &str) -> Result<Reply, Problem> {
    let act = Act::new(Action::Execute, "session").refused().detail(reason);
    // Asked also where there is no account, so that it takes the same time.
    let roles = accounts::roles(work.db, id.unwrap_or_else(|| work.new_id()))?;
    work.audit(match id {
        Some(id) => act.by(id, roles),
        None => act,
    })?;
    Ok(Reply::Refused(Code::InvalidCredentials.into()))
}
