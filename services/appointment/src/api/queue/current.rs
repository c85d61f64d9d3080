//! `GET /queue/current`.

use actix_web::get;
use actix_web::web::{self, Query};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use hms_api::Problems;
use hms_model::id::{AppointmentId, DepartmentId, PatientId, TicketId};
use hms_model::role::{Requirement, Scope, scope};
use hms_problem::{Code, Problem};
use hms_service::{Call, Disclosure, Reply};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::here;
use crate::State;
use crate::domain::queue::{average_service, wait};
use crate::domain::{Ticket, TicketStatus, Triage};
use crate::store;

/// Which queue.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// That of this department.
    department_id: DepartmentId,
}

/// The queue of a department as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queue {
    /// The department.
    department_id: DepartmentId,
    /// The day, in the zone of the counter.
    day: NaiveDate,
    /// The number of the newest change; a stream goes on from here (`after`).
    position: i64,
    /// How many desks there are.
    desks: usize,
    /// Who is called, or at a desk.
    at_desks: Vec<Turn>,
    /// Who waits, the next one first.
    waiting: Vec<Turn>,
    /// Who was passed over.
    skipped: Vec<Turn>,
}

/// A ticket in the queue. Whose it is and how urgent, only those see who run the queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct Turn {
    /// The ticket.
    id: TicketId,
    /// What stands on it.
    number: String,
    /// How it stands.
    status: TicketStatus,
    /// The desk that it is called to.
    desk: Option<String>,
    /// Its place among those who wait, from 1.
    position: Option<usize>,
    /// How long it is likely to wait, in minutes.
    wait_minutes: Option<i64>,
    /// When it was given.
    arrived_at: DateTime<Utc>,
    /// How urgent.
    #[serde(skip_serializing_if = "Option::is_none")]
    triage: Option<Triage>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_id: Option<PatientId>,
    /// The appointment that was checked in.
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment_id: Option<AppointmentId>,
    /// For `If-Match`.
    version: i64,
}

impl Turn {
    fn of(ticket: Ticket, runs: bool) -> Self {
        Self {
            id: ticket.id,
            number: ticket.number,
            status: ticket.status,
            desk: ticket.desk,
            position: None,
            wait_minutes: None,
            arrived_at: ticket.arrived_at,
            triage: runs.then_some(ticket.triage),
            patient_id: ticket.patient_id.filter(|_| runs),
            appointment_id: ticket.appointment_id.filter(|_| runs),
            version: ticket.version,
        }
    }
}

/// What was read of a queue.
struct Read {
    position: i64,
    tickets: Vec<Ticket>,
    desks: usize,
    served: Vec<TimeDelta>,
}

/// The queue of a department as it stands today: who is called where, who is next, and how long they will wait.
///
/// Screens and patients see numbers and desks; whoever has `queue:write` sees whose the tickets are.
#[utoipa::path(tag = "queue", operation_id = "get_queue", params(Asked),
    responses((status = 200, body = Queue), Problems), security(("bearer" = ["queue:read"])))]
#[get("/queue/current")]
pub async fn current(
    call: Call<scope::QueueRead>,
    state: web::Data<State>,
    query: Result<Query<Asked>, actix_web::Error>,
) -> Result<Reply, Problem> {
    let asked = query.map_err(|error| Problem::new(Code::InvalidRequest).message(error.to_string()))?;
    let department = asked.department_id;
    here(call.reach()?, department)?;
    let runs = call.claims()?.meets(Requirement::Scope(Scope::QueueWrite));
    let day = state.config.queue_zone.day(call.context().clock.now());
    let read = call
        .read(move |db| {
            // The position first: what comes in between is told twice, and not left out.
            let position = store::queue::newest(db)?;
            let desks = usize::try_from(store::queue::count_desks(db, department)?).unwrap_or_default();
            let served = store::queue::served(db, department, day)?;
            Ok(Read { position, tickets: store::queue::open(db, department, day)?, desks, served })
        })
        .await?;
    if runs {
        let patients = read.tickets.iter().filter_map(|ticket| ticket.patient_id);
        call.disclose(Disclosure::list("ticket", patients)).await?;
    }
    Reply::ok(&queue(department, day, read, runs))
}

fn queue(department_id: DepartmentId, day: NaiveDate, read: Read, runs: bool) -> Queue {
    let Read { position, tickets, desks, served } = read;
    let each = average_service(&served);
    let taken = tickets.iter().filter(|ticket| ticket.status.is_at_desk()).count();
    let (at_desks, others): (Vec<_>, Vec<_>) =
        tickets.into_iter().partition(|ticket| ticket.status.is_at_desk());
    let (waiting, skipped): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|ticket| ticket.status == TicketStatus::Waiting);
    let turns = |tickets: Vec<Ticket>| tickets.into_iter().map(|ticket| Turn::of(ticket, runs)).collect();
    let in_line = waiting.into_iter().enumerate().map(|(ahead, ticket)| Turn {
        position: Some(ahead + 1),
        wait_minutes: Some(wait(ahead, desks, taken, each).num_minutes()),
        ..Turn::of(ticket, runs)
    });
    let waiting = in_line.collect();
    Queue { department_id, day, position, desks, at_desks: turns(at_desks), waiting, skipped: turns(skipped) }
}
