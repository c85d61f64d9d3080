//! `POST /slots/hold`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::TimeSlot;
use hms_model::audit::Action;
use hms_model::id::{AccountId, AppointmentTypeId, DepartmentId, PractitionerId, ResourceId};
use hms_model::role::{Reach, scope};
use hms_problem::Problem;
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::appointments::taken;
use crate::api::placing;
use crate::domain::{Ask, Hold, Moment, Refusal, USUAL_HOLD};
use crate::store;

/// What a client sends to hold a slot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// With whom.
    practitioner_id: PractitionerId,
    /// Where.
    department_id: Option<DepartmentId>,
    /// From.
    start: Moment,
    /// Up to, not including.
    end: Moment,
    /// What for.
    appointment_type_id: Option<AppointmentTypeId>,
    /// These rooms and this equipment.
    #[serde(default)]
    resource_ids: Vec<ResourceId>,
    /// For how many minutes, 1 to 30 (5).
    minutes: Option<i64>,
}

/// Keeps a slot for the caller for some minutes: nobody else can book it meanwhile.
///
/// `POST /appointments` with its `hold_id` books it. It is over by the clock, with no one having to do anything. Patients
/// hold at most 5 slots at a time.
#[utoipa::path(tag = "slots", operation_id = "hold_slot", request_body = NewHold,
    responses((status = 201, body = Hold), Problems), security(("bearer" = ["appointment:write"])))]
#[post("/slots/hold")]
pub async fn hold(call: Call<scope::AppointmentWrite>, body: Json<NewHold>) -> Result<Reply, Problem> {
    let (reach, account, new) = (call.reach()?, call.claims()?.sub, body.into_inner());
    call.write(move |work| keep(work, new, reach, account)).await
}

fn keep(work: &mut Work<'_>, new: NewHold, reach: Reach, account: AccountId) -> Result<Reply, Problem> {
    let slot = TimeSlot::new(new.start.0, new.end.0).map_err(|_| Refusal::EndNotAfterStart)?;
    let ask = Ask {
        practitioner_id: new.practitioner_id,
        department_id: new.department_id,
        appointment_type_id: new.appointment_type_id,
        slot,
        resource_ids: new.resource_ids,
        others_will_do: false,
        bound: matches!(reach, Reach::Own { .. }),
        overbook: None,
        now: work.now,
    };
    let held = store::holds::count(work.db, account, work.now)?;
    let expires_at = Hold::check(slot, new.minutes.unwrap_or(USUAL_HOLD), held, reach, &ask)?;
    let known = store::known(work.db, &Hold::question(work.new_id(), &ask), &[])?;
    Hold::allowed(&known, &ask)?;
    let found = placing::find(work, &known, &ask, &[])?;
    let kept = Hold::new(work.new_id(), account, &ask, found, expires_at);
    store::holds::insert(work.db, &kept, work.now).map_err(taken)?;
    work.audit(Act::new(Action::Create, "hold").on(kept.id))?;
    Reply::created(&kept)
}
