//! `DELETE /auth/sessions`.

use actix_web::delete;
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};

use crate::api::auth::ending;
use crate::store::sessions::Which;

/// Ends all of one's own sessions, the one of this request among them.
#[utoipa::path(tag = "auth", operation_id = "end_all_sessions",
    responses((status = 204, description = "All have ended."), Problems), security(("bearer" = [])))]
#[delete("/auth/sessions")]
pub async fn end_all(call: Call<scope::InPerson>) -> Result<Reply, Problem> {
    let account = call.claims()?.sub;
    call.write(move |work| {
        work.audit(Act::new(Action::Delete, "session").detail("all sessions"))?;
        ending::end(work, account, Which::All, "signed out everywhere")?;
        Ok(Reply::no_content())
    })
    .await
}
