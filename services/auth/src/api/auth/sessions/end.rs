//! `DELETE /auth/sessions/{id}`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::SessionId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use crate::api::auth::ending;
use crate::store::sessions::Which;

/// Ends one of one's own sessions.
#[utoipa::path(tag = "auth", operation_id = "end_session", params(("id" = Uuid, Path, description = "The session.")),
    responses((status = 204, description = "It has ended."), Problems), security(("bearer" = [])))]
#[delete("/auth/sessions/{id}")]
pub async fn end(call: Call<scope::InPerson>, id: web::Path<SessionId>) -> Result<Reply, Problem> {
    let (account, id) = (call.claims()?.sub, id.into_inner());
    call.write(move |work| {
        work.audit(Act::new(Action::Delete, "session").on(id))?;
        match ending::end(work, account, Which::One(id), "signed out")? {
            0 => Err(Code::NotFound.into()),
            _ => Ok(Reply::no_content()),
        }
    })
    .await
}
