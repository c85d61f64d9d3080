//! `/api/v1/queue`: the queue at the counter.

pub mod by_hand;
pub mod check_in;
pub mod current;
pub mod desks;
pub mod status;
pub mod stream;

use hms_model::audit::Action;
use hms_model::event::{QueueChanged, TicketFacts};
use hms_model::id::{DepartmentId, DeskId, TicketId};
use hms_model::role::Reach;
use hms_problem::{Code, Problem};
use hms_service::{Act, Reply, Work};

use super::here;
use crate::domain::{Desk, Reference, Refusal, Ticket};
use crate::store;

/// There is such a department.
fn known(work: &mut Work<'_>, department: DepartmentId) -> Result<(), Problem> {
    if store::schedules::knows_department(work.db, department)? {
        return Ok(());
    }
    Err(Refusal::Unknown(Reference::Department).into())
}

/// A ticket that nobody else can change until the unit of work ends; another department's is not there. `If-Match` is
/// checked.
fn hold(work: &mut Work<'_>, id: TicketId, reach: Reach) -> Result<Ticket, Problem> {
    let ticket = store::queue::hold(work.db, id)?;
    here(reach, ticket.department_id).map_err(|_| Code::NotFound)?;
    work.check_version(ticket.version)?;
    Ok(ticket)
}

/// The desk that somebody is to be called to, which must be there and free.
fn free_desk(work: &mut Work<'_>, id: DeskId, ticket: &Ticket) -> Result<Desk, Problem> {
    let desk = store::queue::find_desk(work.db, id)?
        .ok_or_else(|| Refusal::field("desk_id", "there is no such desk"))?;
    match store::queue::at_desk(work.db, id, ticket.day)? {
        Some(other) if other.id != ticket.id => Err(occupied(&other)),
        _ => Ok(desk),
    }
}

/// A desk has one ticket at a time.
fn occupied(by: &Ticket) -> Problem {
    Problem::new(Code::Duplicate)
        .message(format!("Ticket {} is at this desk: serve or skip it first.", by.number))
        .detail("ticket_id", by.id.to_string())
}

/// Writes the next version of a held ticket and tells of it.
fn save(work: &mut Work<'_>, before: &Ticket, next: &Ticket, detail: &str) -> Result<(), Problem> {
    if !store::queue::save(work.db, before, next)? {
        return Err(Code::PreconditionFailed.into());
    }
    tell(work, next, Action::Update, detail)
}

/// Tells the screens, the other services and the audit.
fn tell(work: &mut Work<'_>, ticket: &Ticket, action: Action, detail: &str) -> Result<(), Problem> {
    store::queue::tell(work.db, ticket)?;
    work.publish(&QueueChanged(TicketFacts {
        ticket_id: ticket.id,
        version: ticket.version,
        department_id: ticket.department_id,
        day: ticket.day,
        number: ticket.number.clone(),
        status: ticket.status.to_string(),
        desk: ticket.desk.clone(),
        patient_id: ticket.patient_id,
        appointment_id: ticket.appointment_id,
        arrived_at: Some(ticket.arrived_at),
        called_at: ticket.called_at,
        ended_at: ticket.ended_at,
        changed_at: Some(ticket.updated_at),
    }))?;
    let act = Act::new(action, "ticket").on(ticket.id).of_patients(ticket.patient_id);
    work.audit(act.detail(detail))
}

fn shown(ticket: &Ticket) -> Result<Reply, Problem> {
    Ok(Reply::ok(ticket)?.version(ticket.version))
}
