//! `POST /waitlist`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_care::Sight;
use hms_model::audit::Action;
use hms_model::id::{AppointmentTypeId, DepartmentId, PatientId, PractitionerId};
use hms_model::role::{Reach, scope};
use hms_problem::Problem;
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::State;
use crate::api::sight;
use crate::domain::{Entry, EntryStatus, Moment, Priority, Reference, Refusal};
use crate::store::{directory, schedules, types, waitlist};

/// What a client sends to wait for a time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEntry {
    /// Who waits.
    patient_id: PatientId,
    /// With whom; anyone unless it is said.
    practitioner_id: Option<PractitionerId>,
    /// Where; anywhere unless it is said.
    department_id: Option<DepartmentId>,
    /// What for.
    appointment_type_id: Option<AppointmentTypeId>,
    /// The earliest time that will do.
    start: Moment,
    /// It must be over by then.
    end: Moment,
    /// How many minutes are needed; those of the type, else whatever becomes free.
    minutes: Option<i64>,
    /// How pressing it is: `normal` unless it is said; only staff say more.
    priority: Option<Priority>,
}

/// Waits for a time to become free. Whoever is next in line gets an offer, which `POST /waitlist/{id}/accept` books.
#[utoipa::path(tag = "waitlist", operation_id = "create_waitlist_entry", request_body = NewEntry,
    responses((status = 201, body = Entry), Problems), security(("bearer" = ["appointment:write"])))]
#[post("/waitlist")]
pub async fn create(
    call: Call<scope::AppointmentWrite>,
    state: web::Data<State>,
    body: Json<NewEntry>,
) -> Result<Reply, Problem> {
    let (sight, new) = (sight(&call, &state)?, body.into_inner());
    call.write(move |work| wait(work, new, &sight)).await
}

fn wait(work: &mut Work<'_>, new: NewEntry, sight: &Sight) -> Result<Reply, Problem> {
    allowed(&new, sight.reach())?;
    let minutes = known(work, &new)?;
    sight.check(work.db, new.patient_id, work.now)?;
    let entry = Entry {
        id: work.new_id(),
        patient_id: new.patient_id,
        practitioner_id: new.practitioner_id,
        department_id: new.department_id,
        appointment_type_id: new.appointment_type_id,
        start: new.start.0,
        end: new.end.0,
        minutes: new.minutes.or(minutes),
        priority: new.priority.unwrap_or(Priority::Normal),
        status: EntryStatus::Waiting,
        offer: None,
        appointment_id: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    entry.check(work.now)?;
    waitlist::insert(work.db, &entry)?;
    let act = Act::new(Action::Create, "waitlist_entry").on(entry.id).of_patient(entry.patient_id);
    work.audit(act)?;
    let place = format!("/api/v1/waitlist/{}", entry.id);
    Ok(Reply::created(&entry)?.version(entry.version).at(place))
}

fn allowed(new: &NewEntry, reach: Reach) -> Result<(), Refusal> {
    let covered = reach.covers_in(new.patient_id, new.department_id);
    match reach {
        Reach::Own { patient_id: None, .. } => Err(Refusal::NoRecord),
        Reach::Own { .. } if !covered => Err(Refusal::NotYourself),
        Reach::Own { .. } if new.priority.is_some_and(|wanted| wanted.rank() < Priority::Normal.rank()) => {
            Err(Refusal::field("priority", "only staff say that it is more pressing than normal"))
        }
        Reach::Department { .. } if !covered => Err(Refusal::OtherDepartment),
        _ => Ok(()),
    }
}

/// All that are named are known; how long the type lasts.
fn known(work: &mut Work<'_>, new: &NewEntry) -> Result<Option<i64>, Problem> {
    let unknown = |reference| Err(Problem::from(Refusal::Unknown(reference)));
    if !directory::knows_patient(work.db, new.patient_id)? {
        return unknown(Reference::Patient);
    }
    if let Some(id) = new.practitioner_id
        && !directory::knows_practitioner(work.db, id)?
    {
        return unknown(Reference::Practitioner);
    }
    if let Some(id) = new.department_id
        && !schedules::knows_department(work.db, id)?
    {
        return unknown(Reference::Department);
    }
    let Some(id) = new.appointment_type_id else { return Ok(None) };
    match types::find(work.db, id) {
        Ok(kind) => Ok(Some(kind.details.duration_minutes)),
        Err(hms_db::Error::NotFound) => unknown(Reference::AppointmentType),
        Err(error) => Err(error.into()),
    }
}
