//! `POST /auth/logout`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply, Work};

use super::ending;
use super::refresh::RefreshToken;
use crate::store::sessions::{Session, Which};
use crate::store::{accounts, sessions};
use crate::tokens;

/// Ends the session of a refresh token. One that is not known, or whose session has ended, is no error: what the
/// caller wants is so (RFC 7009, 2.2).
#[utoipa::path(
    tag = "auth",
    request_body = RefreshToken,
    responses((status = 204, description = "The session has ended."), Problems)
)]
#[post("/auth/logout")]
pub async fn logout(call: Call<scope::Anyone>, body: Json<RefreshToken>) -> Result<Reply, Problem> {
    let hash = tokens::hash_of(&body.into_inner().refresh);
    call.write_unkeyed(move |work| {
        if let Some((session, _)) = sessions::find_by_token(work.db, &hash)? {
            end(work, &session)?;
        }
        Ok(Reply::no_content())
    })
    .await
}

fn end(work: &mut Work<'_>, session: &Session) -> Result<(), Problem> {
    let roles = accounts::roles(work.db, session.account_id)?;
    if ending::end(work, session.account_id, Which::One(session.id), "signed out")? > 0 {
        work.audit(Act::new(Action::Delete, "session").on(session.id).by(session.account_id, roles))?;
    }
    Ok(())
}
