//! `PATCH /appointments/{id}`.

use actix_web::{patch, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::{AppointmentId, DepartmentId};
use hms_model::role::{Reach, scope};
use hms_problem::Problem;
use hms_service::{Call, Reply, Work};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::{audit, hold, save, shown};
use crate::domain::{Appointment, Change, Changed, Description, Known, Moment, Reason, Refusal};
use crate::events::{self, Fact};
use crate::store;

/// What a client sends to change an appointment: only the fields that shall be different; null takes away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppointmentChange {
    /// From.
    #[serde(default, deserialize_with = "named")]
    #[schema(nullable = false)]
    start: Option<Moment>,
    /// Up to, not including.
    #[serde(default, deserialize_with = "named")]
    #[schema(nullable = false)]
    end: Option<Moment>,
    /// Where.
    #[serde(default, deserialize_with = "named")]
    department_id: Option<Option<DepartmentId>>,
    /// Why the patient comes.
    #[serde(default, deserialize_with = "named")]
    reason: Option<Option<Reason>>,
    /// What else there is to say about it.
    #[serde(default, deserialize_with = "named")]
    description: Option<Option<Description>>,
}

/// A field that is named has a value, and be it null; serde would take null for "not named".
fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl From<AppointmentChange> for Change {
    fn from(change: AppointmentChange) -> Self {
        Self {
            start: change.start.map(|at| at.0),
            end: change.end.map(|at| at.0),
            department_id: change.department_id,
            reason: change.reason,
            description: change.description,
        }
    }
}

/// Reschedules an appointment, or changes what is said of it.
///
/// Another time is taken as by a new booking: 409 `SLOT_TAKEN` when the practitioner is not free; its own time is not
/// in its way. Patients change their own appointments; staff all.
#[utoipa::path(tag = "appointments", params(("id" = Uuid, Path, description = "The appointment")),
    request_body = AppointmentChange,
    responses((status = 200, body = Appointment), Problems), security(("bearer" = ["appointment:write"])))]
#[patch("/appointments/{id}")]
pub async fn update(
    call: Call<scope::AppointmentWrite>,
    id: web::Path<AppointmentId>,
    body: Json<AppointmentChange>,
) -> Result<Reply, Problem> {
    let (reach, id, change) = (call.reach()?, id.into_inner(), Change::from(body.into_inner()));
    call.write(move |work| apply(work, id, reach, change)).await
}

fn apply(work: &mut Work<'_>, id: AppointmentId, reach: Reach, change: Change) -> Result<Reply, Problem> {
    let held = hold(work, id, reach)?;
    if let (Reach::Department { department_id }, Some(wanted)) = (reach, change.department_id)
        && wanted != Some(department_id)
    {
        return Err(Refusal::OtherDepartment.into());
    }
    let changed = Changed::new(&held.appointment, change, work.now)?;
    if changed.fields().is_empty() {
        return shown(&held.appointment);
    }
    let known = match changed.question() {
        Some(question) => store::known(work.db, &question, &[])?,
        None => Known::default(),
    };
    let (moved, fields) = (changed.is_moved(), changed.fields().join(", "));
    let next = changed.confirm(&known)?;
    save(work, &next)?;
    if moved {
        events::publish(work, &next, &held.practitioner_name, Fact::Moved)?;
    }
    audit(work, Action::Update, &next, &fields)?;
    shown(&next)
}
