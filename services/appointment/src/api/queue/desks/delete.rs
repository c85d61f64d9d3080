//! `DELETE /queue/desks/{id}`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::DeskId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use crate::State;
use crate::api::queue::{here, occupied};
use crate::store;

/// Closes a desk; not while somebody is called to it.
#[utoipa::path(tag = "queue", operation_id = "delete_desk", params(("id" = Uuid, Path, description = "The desk")),
    responses((status = 204), Problems), security(("bearer" = ["schedule:write"])))]
#[delete("/queue/desks/{id}")]
pub async fn delete(
    call: Call<scope::ScheduleWrite>,
    state: web::Data<State>,
    id: web::Path<DeskId>,
) -> Result<Reply, Problem> {
    let (reach, id, zone) = (call.reach()?, id.into_inner(), state.config.queue_zone);
    call.write(move |work| {
        store::queue::hold_all(work.db)?;
        let desk = store::queue::find_desk(work.db, id)?.ok_or(Code::NotFound)?;
        here(reach, desk.department_id).map_err(|_| Code::NotFound)?;
        if let Some(ticket) = store::queue::at_desk(work.db, id, zone.day(work.now))? {
            return Err(occupied(&ticket));
        }
        store::queue::close_desk(work.db, id)?;
        work.audit(Act::new(Action::Delete, "desk").on(id))?;
        Ok(Reply::no_content())
    })
    .await
}
