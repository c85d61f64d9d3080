//! `DELETE /dead-letters/{event_id}`.

use actix_web::{delete, web};
use hms_api::Problems;
use hms_bus::dead_letters;
use hms_model::audit::Action;
use hms_model::id::EventId;
use hms_model::role::scope;
use hms_problem::Problem;

use super::RESOURCE;
use crate::{Act, Call, Reply};

/// Throws a letter away: the service will never see the event.
#[utoipa::path(tag = "dead letters", operation_id = "drop_dead_letter",
    params(("event_id" = Uuid, Path, description = "The event.")),
    responses((status = 204, description = "It is gone."), Problems),
    security(("bearer" = ["operation:write"])))]
#[delete("/dead-letters/{event_id}")]
pub(crate) async fn drop(
    call: Call<scope::OperationWrite>,
    event_id: web::Path<EventId>,
) -> Result<Reply, Problem> {
    let id = event_id.into_inner();
    call.write(move |work| {
        let letter = dead_letters::remove(work.db, id)?;
        work.audit(
            Act::new(Action::Delete, RESOURCE).on(id).of_patients(letter.patients).detail(letter.kind),
        )?;
        Ok(Reply::no_content())
    })
    .await
}
