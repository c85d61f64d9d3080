//! `POST /appointments`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::{DepartmentId, PatientId, PractitionerId};
use hms_model::role::{Requirement, Scope, scope};
use hms_model::{Coded, Identifier};
use hms_problem::Problem;
use hms_service::{Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{audit, taken};
use crate::domain::{Appointment, Booking, Caller, Description, InitialStatus, Moment, Reason, Request};
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
        }
    }
}

/// Books an appointment.
///
/// Never twice for one time: a practitioner who has another appointment then is 409 `SLOT_TAKEN`. Patients book for
/// themselves; staff for everyone. With a status that is over it records what took place: it takes nobody's time.
#[utoipa::path(tag = "appointments", request_body = NewAppointment,
    responses((status = 201, body = Appointment), Problems), security(("bearer" = ["appointment:write"])))]
#[post("/appointments")]
pub async fn create(
    call: Call<scope::AppointmentWrite>,
    body: Json<NewAppointment>,
) -> Result<Reply, Problem> {
    let may_record = call.claims()?.meets(Requirement::Scope(Scope::AppointmentRecord));
    let caller = Caller { reach: call.reach()?, may_record };
    let request = Request::from(body.into_inner());
    call.write(move |work| book(work, request, caller)).await
}

fn book(work: &mut Work<'_>, request: Request, caller: Caller) -> Result<Reply, Problem> {
    let booking = Booking::new(request, caller, work.now)?;
    let (id, is_record) = (work.new_id(), booking.is_record());
    let known = store::known(work.db, &booking.question(id), booking.identifiers())?;
    let appointment = booking.confirm(&known, id, work.now)?;
    if let Some(owner) = store::insert(work.db, &appointment).map_err(taken)? {
        return Err(owner.in_the_way(caller.reach).into());
    }
    let fact = if is_record { Fact::Recorded } else { Fact::Status };
    events::publish(work, &appointment, known.practitioner_name(), fact)?;
    audit(work, Action::Create, &appointment, appointment.status.code())?;
    let place = format!("/api/v1/appointments/{id}");
    Ok(Reply::created(&appointment)?.version(appointment.version).at(place))
}
