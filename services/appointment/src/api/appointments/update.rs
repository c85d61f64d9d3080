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

use super::{audit, caller, hold, later, save, shown};
use crate::State;
use crate::api::placing;
use crate::api::sight;
use crate::domain::{Appointment, Caller, Change, Changed, Description, Known, Moment, Reason, Refusal};
use crate::events::{self, Fact};
use crate::store::{self, Held};

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
    /// Changes those of its series that come later too; their times by as much on the clock of the wall.
    #[serde(default)]
    following: bool,
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
/// Another time is taken as by a new booking: 409 `SLOT_TAKEN` when it is not free; its own time is not in its way.
/// Patients change their own appointments; staff all. With `following`, those of the series that come later change as
/// well, all or none: 409 `SERIES_CLASH` with the times that cannot be had.
#[utoipa::path(tag = "appointments", params(("id" = Uuid, Path, description = "The appointment")),
    request_body = AppointmentChange,
    responses((status = 200, body = Appointment), Problems), security(("bearer" = ["appointment:write"])))]
#[patch("/appointments/{id}")]
pub async fn update(
    call: Call<scope::AppointmentWrite>,
    state: web::Data<State>,
    id: web::Path<AppointmentId>,
    body: Json<AppointmentChange>,
) -> Result<Reply, Problem> {
    let (caller, sight) = (caller(&call)?, sight(&call, &state)?);
    let (id, body) = (id.into_inner(), body.into_inner());
    call.write(move |work| {
        let held = hold(work, id, &sight)?;
        let (following, change) = (body.following, Change::from(body));
        for_department(caller.reach, &change)?;
        if following { later::apply(work, held, caller, &change) } else { apply(work, held, caller, change) }
    })
    .await
}

fn for_department(reach: Reach, change: &Change) -> Result<(), Refusal> {
    match (reach, change.department_id) {
        (Reach::Department { department_id }, Some(wanted)) if wanted != Some(department_id) => {
            Err(Refusal::OtherDepartment)
        }
        _ => Ok(()),
    }
}

fn apply(work: &mut Work<'_>, held: Held, caller: Caller, change: Change) -> Result<Reply, Problem> {
    let before = &held.appointment;
    let changed = Changed::new(before, change, work.now)?;
    if changed.fields().is_empty() {
        return shown(before);
    }
    let known = match changed.question() {
        Some(question) => store::known(work.db, &question, &[])?,
        None => Known::default(),
    };
    changed.allowed(&known)?;
    let ask = changed.ask(caller.is_patient());
    let found = ask.map(|ask| placing::find(work, &known, &ask, &[before.id.uuid()])).transpose()?;
    let fields = changed.fields().join(", ");
    let next = changed.confirm(found);
    save(work, before, &next)?;
    if let Some(fact) = Fact::of_change(before, &next) {
        events::publish(work, &next, &held.practitioner_name, fact)?;
    }
    audit(work, Action::Update, &next, &fields)?;
    shown(&next)
}
