//! `POST /dead-letters/{event_id}/redrive`.

use std::sync::Arc;

use actix_web::{post, web};
use hms_api::Problems;
use hms_bus::Redriven;
use hms_model::audit::Action;
use hms_model::id::EventId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use tokio::sync::oneshot;

use super::RESOURCE;
use crate::health::Watch;
use crate::{Act, Call, Reply};

/// Hands the event to the service once more. When it is taken, the letter is gone: 204. When it is not, the letter
/// stays and has the new reason: 409. Its effect is there once, however often it is sent.
#[utoipa::path(tag = "dead letters", operation_id = "redrive_dead_letter",
    params(("event_id" = Uuid, Path, description = "The event.")),
    responses((status = 204, description = "It was taken."), Problems),
    security(("bearer" = ["operation:write"])))]
#[post("/dead-letters/{event_id}/redrive")]
pub(crate) async fn redrive(
    call: Call<scope::OperationWrite>,
    event_id: web::Path<EventId>,
    watch: web::Data<Watch>,
) -> Result<Reply, Problem> {
    let (id, bus) = (event_id.into_inner(), Arc::clone(&watch.bus));
    let (due, told) = oneshot::channel();
    let reply = call.write(move |work| {
        let (letter, outcome) = bus.redrive(work.db, id)?;
        let act = Act::new(Action::Execute, RESOURCE).on(id).of_patients(letter.patients).detail("redriven");
        match outcome {
            Redriven::Taken(after) => {
                work.audit(act)?;
                // The other end waits below.
                let _waits = due.send(after);
                Ok(Reply::no_content())
            }
            Redriven::Refused(reason) => {
                work.audit(act.refused())?;
                Ok(Reply::Refused(Problem::new(Code::EventNotTaken).detail("reason", reason)))
            }
        }
    });
    let reply = reply.await?;
    if let Ok(after) = told.await {
        watch.bus.after_commit(after);
    }
    Ok(reply)
}
