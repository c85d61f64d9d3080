//! `POST /auth/refresh`.

use actix_web::{HttpRequest, post, web};
use hms_api::{Json, Problems};
use hms_model::Secret;
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Uncached, ending, entering, uncached};
use crate::State;
use crate::domain::account::Account;
use crate::domain::place::Place;
use crate::domain::refresh::{Decision, decide};
use crate::store::accounts;
use crate::store::sessions::{self, Session, Use, Which};
use crate::tokens::{self, Holder, Tokens};

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
    request: HttpRequest,
    state: web::Data<State>,
    body: Json<RefreshToken>,
) -> Result<Uncached, Problem> {
    let hash = tokens::hash_of(&body.into_inner().refresh);
    let place = entering::place(&request)?;
    let reply = call.write_unkeyed(move |work| {
        let Some((session, token)) = sessions::find_by_token(work.db, &hash)? else { return Err(invalid()) };
        let account = match accounts::find(work.db, session.account_id) {
            Err(hms_db::Error::NotFound) => return Err(invalid()),
            found => found?,
        };
        match decide(&session.family, &token, work.now) {
            Decision::Expired => Err(Code::TokenExpired.into()),
            Decision::Revoked => Err(invalid()),
            Decision::Reused => end_family(work, &session, &account),
            _ if !account.is_active() => Err(invalid()),
            decision => give_next(work, &state, (&session, decision), account, place),
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
    (session, decision): (&Session, Decision),
    account: Account,
    place: Place,
) -> Result<Reply, Problem> {
    let next = tokens::new_refresh_token()?;
    let hash = tokens::hash_of(&next);
    let used = Use { now: work.now, place, access_until: work.now + state.access_lifetime };
    let done = match decision {
        Decision::Tolerate => sessions::tolerate(work.db, session, &hash, &used)?,
        _ => sessions::rotate(work.db, session, &hash, &used)?,
    };
    if !done {
        return Err(invalid());
    }
    let amr = session.amr.clone();
    let holder = Holder { account, session: session.id, refresh: &next, amr, device_token: None };
    Reply::ok(&state.tokens(holder, work.now)?)
}

/// Either the one who shows this token has stolen it, or the one who used it before had: nobody can tell.
fn end_family(work: &mut Work<'_>, session: &Session, account: &Account) -> Result<Reply, Problem> {
    let act = Act::new(Action::Execute, "session").on(session.id).refused();
    work.audit(act.detail("refresh token reused, session ended").by(account.id, account.roles.clone()))?;
    ending::end(work, account.id, Which::One(session.id), "refresh token reused")?;
    Ok(Reply::Refused(invalid()))
}
