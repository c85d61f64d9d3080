//! `POST /auth/refresh`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::Secret;
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Uncached, uncached};
use crate::State;
use crate::domain::account::Account;
use crate::domain::refresh::{Decision, decide};
use crate::store::accounts;
use crate::store::sessions::{self, Session};
use crate::tokens::{self, Tokens};

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshToken {
    /// The token.
    pub(super) refresh: Secret,
}

/// Gives the next pair of tokens for a refresh token, which is thereby used up. One that was used up before ends
/// the session; only the immediate predecessor is tolerated, once and for 30 seconds.
#[utoipa::path(tag = "auth", request_body = RefreshToken, responses((status = 200, body = Tokens), Problems))]
#[post("/auth/refresh")]
pub async fn refresh(
    call: Call<scope::Anyone>,
    state: web::Data<State>,
    body: Json<RefreshToken>,
) -> Result<Uncached, Problem> {
    let hash = tokens::hash_of(&body.into_inner().refresh);
    let reply = call.write_unkeyed(move |work| {
        let Some((session, token)) = sessions::find_by_token(work.db, &hash)? else { return Err(invalid()) };
        let account = accounts::find(work.db, session.account_id)?;
        match decide(&session.family, &token, work.now) {
            Decision::Expired => Err(Code::TokenExpired.into()),
            Decision::Revoked => Err(invalid()),
            Decision::Reused => end_family(work, &session, &account),
            _ if !account.is_active() => Err(invalid()),
            decision => give_next(work, &state, &session, account, decision),
        }
    });
    Ok(uncached(reply.await?))
}

fn invalid() -> Problem {
    Problem::new(Code::Unauthenticated).message("The refresh token is not valid.")
}

fn give_next(
    work: &mut Work<'_>,
    state: &State,
    session: &Session,
    account: Account,
    decision: Decision,
) -> Result<Reply, Problem> {
    let next = tokens::new_refresh_token()?;
    let hash = tokens::hash_of(&next);
    let done = match decision {
        Decision::Tolerate => sessions::tolerate(work.db, session, &hash, work.now)?,
        _ => sessions::rotate(work.db, session, &hash, work.now)?,
    };
    if !done {
        return Err(invalid());
    }
    Reply::ok(&state.tokens(account, session.id, &next, work.now)?)
}

/// Either the one who shows this token has stolen it, or the one who used it before had: nobody can tell.
fn end_family(work: &mut Work<'_>, session: &Session, account: &Account) -> Result<Reply, Problem> {
    sessions::revoke(work.db, session.id, work.now)?;
    let act = Act::new(Action::Execute, "session").on(session.id).refused();
    work.audit(act.detail("refresh token reused, session ended").by(account.id, account.roles.clone()))?;
    Ok(Reply::Refused(invalid()))
}
