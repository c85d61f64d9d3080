//! `POST /queue/desks/{id}/next`.

use actix_web::{post, web};
use hms_api::Problems;
use hms_model::id::DeskId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply};

use crate::State;
use crate::api::queue::{here, occupied, save, shown};
use crate::domain::{Ticket, TicketStatus};
use crate::store;

/// Calls the next one to a desk; 204 when nobody waits. No ticket is called to two desks, however many ask at once.
#[utoipa::path(tag = "queue", operation_id = "call_next", params(("id" = Uuid, Path, description = "The desk")),
    responses((status = 200, body = Ticket), (status = 204, description = "Nobody waits"), Problems),
    security(("bearer" = ["queue:write"])))]
#[post("/queue/desks/{id}/next")]
pub async fn next(
    call: Call<scope::QueueWrite>,
    state: web::Data<State>,
    id: web::Path<DeskId>,
) -> Result<Reply, Problem> {
    let (reach, id, zone) = (call.reach()?, id.into_inner(), state.config.queue_zone);
    let reply = call
        .write(move |work| {
            store::queue::hold_all(work.db)?;
            let desk = store::queue::find_desk(work.db, id)?.ok_or(Code::NotFound)?;
            here(reach, desk.department_id).map_err(|_| Code::NotFound)?;
            let day = zone.day(work.now);
            if let Some(ticket) = store::queue::at_desk(work.db, id, day)? {
                return Err(occupied(&ticket));
            }
            let open = store::queue::open(work.db, desk.department_id, day)?;
            let Some(before) = open.into_iter().find(|ticket| ticket.status == TicketStatus::Waiting) else {
                return Ok(Reply::no_content());
            };
            let next = before.become_status(TicketStatus::Called, Some(&desk), work.now)?;
            save(work, &before, &next, "called")?;
            shown(&next)
        })
        .await?;
    state.feed.wake();
    Ok(reply)
}
