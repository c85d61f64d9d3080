//! `POST /appointments`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_care::Sight;
use hms_model::audit::Action;
use hms_model::id::{AppointmentTypeId, DepartmentId, HoldId, PatientId, PractitionerId, ResourceId};
use hms_model::role::scope;
use hms_model::{Coded, Identifier};
use hms_problem::Problem;
use hms_service::{Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{audit, caller, taken};
use crate::State;
use crate::api::placing;
use crate::api::sight;
use crate::domain::{
    Appointment, Booking, Caller, Description, InitialStatus, Moment, Placement, Reason, Refusal, Request,
};
use crate::events::{self, Fact};
use crate::store;

/// What a client sends to book an appointment, or to record one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAppointment {
    /// For whom.
    patient_id: PatientId,
    /// With whom.
    practitioner_id: PractitionerId,
    /// Where.
    department_id: Option<DepartmentId>,
    /// From.
    start: Moment,
    /// Up to, not including.
    end: Moment,
    /// `booked` unless it is said; the others record what is over, and need the scope `appointment:record`.
    #[serde(default = "booked")]
    status: InitialStatus,
    /// Why the patient comes.
    reason: Option<Reason>,
    /// What else there is to say about it.
    description: Option<Description>,
    /// What other systems call it; each belongs to one appointment.
    #[serde(default)]
    identifiers: Vec<Identifier>,
    /// What for: its type says how long it lasts and what it takes.
    appointment_type_id: Option<AppointmentTypeId>,
    /// These rooms and this equipment, all at the place; what the type needs beside them is found.
    #[serde(default)]
    resource_ids: Vec<ResourceId>,
    /// The hold that is redeemed: time, practitioner, place and type must be those that are held.
    hold_id: Option<HoldId>,
    /// Books even where the time is taken or not offered, beside what is there; needs the scope
    /// `appointment:overbook`.
    overbook: Option<Overbook>,
}

/// Why an appointment shall stand beside what is booked already.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Overbook {
    /// Why.
    reason: Reason,
}

fn booked() -> InitialStatus {
    InitialStatus::Booked
}

impl From<NewAppointment> for Request {
    fn from(new: NewAppointment) -> Self {
        Self {
            patient_id: new.patient_id,
            practitioner_id: new.practitioner_id,
            department_id: new.department_id,
            start: new.start.0,
            end: new.end.0,
            status: new.status,
            reason: new.reason,
            description: new.description,
            identifiers: new.identifiers,
            appointment_type_id: new.appointment_type_id,
            resource_ids: new.resource_ids,
            hold_id: new.hold_id,
            overbook: new.overbook.map(|overbook| overbook.reason),
        }
    }
}

/// Books an appointment.
///
/// Never twice for one time: a practitioner, room or equipment that is taken then is 409 `SLOT_TAKEN`. A practitioner
/// with a schedule is booked when it is open, patients book its slots (422 `SLOT_NOT_OFFERED`); one without any can be
/// booked at any time. Patients book for themselves; staff for everyone. With a status that is over it records what took
/// place: it takes nobody's time.
#[utoipa::path(tag = "appointments", request_body = NewAppointment,
    responses((status = 201, body = Appointment), Problems), security(("bearer" = ["appointment:write"])))]
#[post("/appointments")]
pub async fn create(
    call: Call<scope::AppointmentWrite>,
    state: web::Data<State>,
    body: Json<NewAppointment>,
) -> Result<Reply, Problem> {
    let (caller, sight) = (caller(&call)?, sight(&call, &state)?);
    let request = Request::from(body.into_inner());
    call.write(move |work| book(work, request, (caller, &sight))).await
}

fn book(work: &mut Work<'_>, request: Request, (caller, sight): (Caller, &Sight)) -> Result<Reply, Problem> {
    let patient = request.patient_id;
    let booking = Booking::new(request, caller, work.now)?;
    let (id, is_record) = (work.new_id(), booking.is_record());
    let known = store::known(work.db, &booking.question(id, work.now), booking.identifiers())?;
    booking.allowed(&known)?;
    // An appointment binds those who have it to the patient: nobody reaches a record by making one.
    sight.check(work.db, patient, work.now)?;
    let found = match (booking.hold_id(), booking.ask(work.now)) {
        (Some(hold), _) => redeem(work, &booking, hold)?,
        (None, Some(ask)) => placing::find(work, &known, &ask, &[])?,
        (None, None) => Placement::default(),
    };
    let appointment = booking.confirm(found, id, work.now);
    if let Some(owner) = store::insert(work.db, &appointment).map_err(taken)? {
        return Err(owner.in_the_way(caller.reach).into());
    }
    let fact = if is_record { Fact::Recorded } else { Fact::Status };
    events::publish(work, &appointment, known.practitioner_name(), fact)?;
    let overbooked = if appointment.overbook_reason.is_some() { ", overbooked" } else { "" };
    audit(work, Action::Create, &appointment, &format!("{}{overbooked}", appointment.status.code()))?;
    let place = format!("/api/v1/appointments/{id}");
    Ok(Reply::created(&appointment)?.version(appointment.version).at(place))
}

/// What was held is free for this booking and for nobody else: both happen in one transaction.
fn redeem(work: &mut Work<'_>, booking: &Booking, id: HoldId) -> Result<Placement, Problem> {
    let hold = store::holds::hold(work.db, id)?.ok_or(Refusal::HoldExpired)?;
    let found = booking.redeem(&hold, work.now)?;
    store::holds::release(work.db, id)?;
    Ok(found)
}
