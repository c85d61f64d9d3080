//! `POST /queue/override`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::coded_enum;
use hms_model::id::{DeskId, TicketId};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{free_desk, hold, save, shown};
use crate::State;
use crate::domain::queue::place_at;
use crate::domain::{Reason, Refusal, Ticket, TicketStatus};
use crate::store;

coded_enum! {
    /// What is done past the order of the queue.
    pub enum ByHand {
        /// It is called to this desk now, whoever comes before it.
        Assign = "assign",
        /// It gets another place in the order.
        Move = "move",
        /// It is passed over.
        Skip = "skip",
    }
}

/// What a client sends to do something past the order of the queue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Of which ticket.
    ticket_id: TicketId,
    /// What.
    action: ByHand,
    /// The desk; needed to assign, and for nothing else.
    desk_id: Option<DeskId>,
    /// The place among those who wait, 1 being the next; needed to move, and for nothing else.
    position: Option<u16>,
    /// Why; it stands in the audit.
    reason: Reason,
}

/// Does something past the order of the queue, with a reason that the audit keeps.
#[utoipa::path(tag = "queue", operation_id = "override_queue", request_body = Override,
    responses((status = 200, body = Ticket), Problems), security(("bearer" = ["queue:write"])))]
#[post("/queue/override")]
pub async fn by_hand(
    call: Call<scope::QueueWrite>,
    state: web::Data<State>,
    body: Json<Override>,
) -> Result<Reply, Problem> {
    let (reach, body) = (call.reach()?, body.into_inner());
    let reply = call
        .write(move |work| {
            let before = hold(work, body.ticket_id, reach)?;
            let next = act(work, &before, &body)?;
            save(work, &before, &next, &format!("{}: {}", body.action, body.reason))?;
            shown(&next)
        })
        .await?;
    state.feed.wake();
    Ok(reply)
}

fn act(work: &mut Work<'_>, before: &Ticket, body: &Override) -> Result<Ticket, Problem> {
    match (body.action, body.desk_id, body.position) {
        (ByHand::Assign, Some(desk), None) => {
            let desk = free_desk(work, desk, before)?;
            // Who was passed over waits again first, in the same step.
            let waiting = match before.status {
                TicketStatus::Skipped => TicketStatus::Waiting,
                other => other,
            };
            let from = Ticket { status: waiting, ..before.clone() };
            Ok(from.become_status(TicketStatus::Called, Some(&desk), work.now)?)
        }
        (ByHand::Move, None, Some(position)) if position > 0 => {
            let mut others = store::queue::open(work.db, before.department_id, before.day)?;
            others.retain(|ticket| ticket.status == TicketStatus::Waiting && ticket.id != before.id);
            Ok(before.moved(place_at(&others, position.into(), before.place), work.now)?)
        }
        (ByHand::Skip, None, None) => Ok(before.become_status(TicketStatus::Skipped, None, work.now)?),
        (ByHand::Assign, ..) => {
            Err(Refusal::field("desk_id", "to assign needs a desk, and nothing else").into())
        }
        (ByHand::Move, ..) => {
            Err(Refusal::field("position", "to move needs a position from 1, and nothing else").into())
        }
        (ByHand::Skip, ..) => Err(Refusal::field("action", "to skip needs neither desk nor position").into()),
    }
}
