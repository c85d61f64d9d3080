//! `PATCH /queue/{id}/status`.

use actix_web::{patch, web};
use hms_api::{Json, Problems};
use hms_model::id::{DeskId, TicketId};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{free_desk, hold, save, shown};
use crate::State;
use crate::domain::{Ticket, TicketStatus};

/// What a client sends to move a ticket on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStatus {
    /// What becomes of it.
    status: TicketStatus,
    /// The desk that it is called to; only with `called`.
    desk_id: Option<DeskId>,
}

/// Moves a ticket on: 409 `ILLEGAL_TRANSITION` with the allowed ones where it cannot.
#[utoipa::path(tag = "queue", operation_id = "change_ticket_status",
    params(("id" = Uuid, Path, description = "The ticket")), request_body = NewStatus,
    responses((status = 200, body = Ticket), Problems), security(("bearer" = ["queue:write"])))]
#[patch("/queue/{id}/status")]
pub async fn status(
    call: Call<scope::QueueWrite>,
    state: web::Data<State>,
    id: web::Path<TicketId>,
    body: Json<NewStatus>,
) -> Result<Reply, Problem> {
    let (reach, id, body) = (call.reach()?, id.into_inner(), body.into_inner());
    let reply = call
        .write(move |work| {
            let before = hold(work, id, reach)?;
            let desk = body.desk_id.filter(|_| body.status == TicketStatus::Called);
            let desk = desk.map(|desk| free_desk(work, desk, &before)).transpose()?;
            let next = before.become_status(body.status, desk.as_ref(), work.now)?;
            save(work, &before, &next, "status")?;
            shown(&next)
        })
        .await?;
    state.feed.wake();
    Ok(reply)
}
