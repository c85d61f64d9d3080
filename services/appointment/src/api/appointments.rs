//! `/api/v1/appointments`.

pub mod arrive;
pub mod cancel;

pub mod create;
pub mod delete;
pub mod fulfil;
pub mod get;
mod later;
pub mod list;
pub mod noshow;
pub mod series;
pub mod update;

use hms_care::Sight;
use hms_db::Error;
use hms_model::audit::Action;
use hms_model::id::AppointmentId;
use hms_model::role::{Reach, Requirement, Scope, scope};
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};

use crate::domain::{Appointment, AppointmentType, Caller, Refusal, Status};
use crate::events::{self, Fact};
use crate::store::{self, Held};

/// Holds an appointment of the caller's until the unit of work ends; `If-Match` is checked.
pub(super) fn hold(work: &mut Work<'_>, id: AppointmentId, sight: &Sight) -> Result<Held, Problem> {
    let held = store::hold(work.db, id)?;
    let patient = held.appointment.patient_id;
    if !sight.reach().covers_in(patient, held.appointment.department_id) {
        return Err(Code::NotFound.into());
    }
    sight.check(work.db, patient, work.now)?;
    work.check_version(held.appointment.version)?;
    Ok(held)
}

/// Writes the next version of a held appointment.
pub(super) fn save(work: &mut Work<'_>, before: &Appointment, next: &Appointment) -> Result<(), Problem> {
    written(store::save(work.db, before, next))
}

/// Who asks, and what they may.
pub(super) fn caller(call: &Call<scope::AppointmentWrite>) -> Result<Caller, Problem> {
    let claims = call.claims()?;
    let may = |scope| claims.meets(Requirement::Scope(scope));
    Ok(Caller {
        reach: call.reach()?,
        account_id: claims.sub,
        may_record: may(Scope::AppointmentRecord),
        may_overbook: may(Scope::AppointmentOverbook),
    })
}

/// The type of an appointment, if it has one that is known.
fn kind_of(work: &mut Work<'_>, appointment: &Appointment) -> Result<Option<AppointmentType>, Problem> {
    match appointment.appointment_type_id {
        Some(id) => Ok(Some(store::types::find(work.db, id)?)),
        None => Ok(None),
    }
}

/// Nobody else can have changed what is held; should it be so nonetheless, nobody's change is lost.
fn written(saved: hms_db::Result<bool>) -> Result<(), Problem> {
    if saved.map_err(taken)? { Ok(()) } else { Err(Code::PreconditionFailed.into()) }
}

/// What the database itself excludes is a double booking.
pub fn taken(error: Error) -> Problem {
    match error {
        Error::Exclusion { .. } => Refusal::SlotTaken.into(),
        other => other.into(),
    }
}

/// Moves an appointment on to another status, as only staff may.
async fn move_on(
    call: Call<scope::AppointmentWrite>,
    id: AppointmentId,
    sight: Sight,
    status: Status,
) -> Result<Reply, Problem> {
    if sight.reach() != Reach::Everyone {
        return Err(Problem::new(Code::Forbidden).message("Only staff may do this."));
    }
    call.write(move |work| {
        let held = hold(work, id, &sight)?;
        let next = held.appointment.become_status(status, work.now)?;
        save(work, &held.appointment, &next)?;
        events::publish(work, &next, &held.practitioner_name, Fact::Status)?;
        audit(work, Action::Update, &next, "status")?;
        shown(&next)
    })
    .await
}

pub(super) fn audit(
    work: &mut Work<'_>,
    action: Action,
    appointment: &Appointment,
    detail: &str,
) -> Result<(), Problem> {
    let act = Act::new(action, "appointment").on(appointment.id).of_patient(appointment.patient_id);
    work.audit(act.detail(detail))
}

fn shown(appointment: &Appointment) -> Result<Reply, Problem> {
    Ok(Reply::ok(appointment)?.version(appointment.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_excludes_is_a_taken_slot() {
        let exclusion =
            Error::Exclusion { constraint: Some("occupancy_no_overlap".into()), message: "m".into() };
        assert_eq!(taken(exclusion).code(), Code::SlotTaken);
        assert_eq!(taken(Error::Busy).code(), Code::Unavailable);
    }
}
