//! `POST /queue/check-in`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_care::Sight;
use hms_model::audit::Action;
use hms_model::id::{AppointmentId, DepartmentId, PatientId};
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{here, known, tell};
use crate::State;
use crate::api::{appointments, sight};
use crate::domain::queue::Arrival;
use crate::domain::{Reference, Refusal, Status, Ticket, Triage, Zone};
use crate::events::{self, Fact};
use crate::store;

/// What a client sends when somebody comes to the counter: an appointment, or a department for a walk-in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckIn {
    /// The appointment that they come for.
    appointment_id: Option<AppointmentId>,
    /// The queue; with an appointment, that of its department unless it is said.
    department_id: Option<DepartmentId>,
    /// Who a walk-in is, if that is known; with an appointment it follows from there.
    patient_id: Option<PatientId>,
    /// How urgent: `standard` unless it is said.
    triage: Option<Triage>,
}

/// Checks somebody in and gives them a ticket.
///
/// An appointment becomes `arrived`, and has one ticket. Served at the counter does not mean fulfilled: whoever treats
/// the patient says that.
#[utoipa::path(tag = "queue", operation_id = "check_in", request_body = CheckIn,
    responses((status = 201, body = Ticket), Problems), security(("bearer" = ["queue:write"])))]
#[post("/queue/check-in")]
pub async fn check_in(
    call: Call<scope::QueueWrite>,
    state: web::Data<State>,
    body: Json<CheckIn>,
) -> Result<Reply, Problem> {
    let (sight, zone, body) = (sight(&call, &state)?, state.config.queue_zone, body.into_inner());
    let reply = call.write(move |work| give(work, &body, &sight, zone)).await?;
    state.feed.wake();
    Ok(reply)
}

fn give(work: &mut Work<'_>, body: &CheckIn, sight: &Sight, zone: Zone) -> Result<Reply, Problem> {
    let arrival = match body.appointment_id {
        Some(id) => of_appointment(work, id, body, sight, zone)?,
        None => of_walk_in(work, body, zone)?,
    };
    here(sight.reach(), arrival.department_id)?;
    known(work, arrival.department_id)?;
    let (letters, nth) = store::queue::next_number(work.db, arrival.department_id, arrival.day)?;
    if let Some((id, _)) = arrival.appointment
        && let Some(ticket) = store::queue::of_appointment(work.db, id)?
    {
        let there = Problem::new(Code::Duplicate).message("The appointment is checked in already.");
        return Err(there.detail("id", ticket.id.to_string()));
    }
    let ticket = Ticket::give(work.new_id(), arrival, &letters, nth, work.now);
    store::queue::insert(work.db, &ticket)?;
    tell(work, &ticket, Action::Create, "check-in")?;
    Ok(Reply::created(&ticket)?.version(ticket.version))
}

fn of_walk_in(work: &mut Work<'_>, body: &CheckIn, zone: Zone) -> Result<Arrival, Problem> {
    let needed = || {
        Refusal::field("department_id", "a walk-in names a department, or else an appointment is checked in")
    };
    if let Some(patient) = body.patient_id
        && !store::directory::knows_patient(work.db, patient)?
    {
        return Err(Refusal::Unknown(Reference::Patient).into());
    }
    Ok(Arrival {
        department_id: body.department_id.ok_or_else(needed)?,
        day: zone.day(work.now),
        triage: body.triage.unwrap_or(Triage::Standard),
        patient_id: body.patient_id,
        appointment: None,
    })
}

/// The appointment becomes arrived, unless it is so already.
fn of_appointment(
    work: &mut Work<'_>,
    id: AppointmentId,
    body: &CheckIn,
    sight: &Sight,
    zone: Zone,
) -> Result<Arrival, Problem> {
    let held = appointments::hold(work, id, sight)?;
    let before = &held.appointment;
    if body.patient_id.is_some_and(|patient| patient != before.patient_id) {
        return Err(Refusal::field("patient_id", "the appointment is another patient's").into());
    }
    let day = zone.day(work.now);
    if zone.day(before.start) != day {
        return Err(Refusal::field("appointment_id", "the appointment is on another day").into());
    }
    let needed = || Refusal::field("department_id", "the appointment names no department");
    let department_id = body.department_id.or(before.department_id).ok_or_else(needed)?;
    if before.status != Status::Arrived {
        let next = before.become_status(Status::Arrived, work.now)?;
        appointments::save(work, before, &next)?;
        events::publish(work, &next, &held.practitioner_name, Fact::Status)?;
        appointments::audit(work, Action::Update, &next, "status")?;
    }
    Ok(Arrival {
        department_id,
        day,
        triage: body.triage.unwrap_or(Triage::Standard),
        patient_id: Some(before.patient_id),
        appointment: Some((before.id, before.start)),
    })
}
