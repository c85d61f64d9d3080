//! `POST /appointments/{id}/cancel`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_care::Sight;
use hms_model::audit::Action;
use hms_model::id::AppointmentId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{audit, caller, hold, kind_of, save, shown};
use crate::State;
use crate::api::sight;
use crate::domain::{Appointment, Caller, Reason, Refusal};
use crate::events::{self, Fact};
use crate::store;

/// What a client sends to call an appointment off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancellation {
    /// Why.
    reason: Reason,
    /// Calls off those of its series that come later too.
    #[serde(default)]
    following: bool,
}

/// Calls an appointment off; the time is free again. Patients call off their own; staff all.
///
/// One that comes later than its type allows for is marked as late, or refused to patients (409 `LATE_CANCELLATION`), as
/// the type says.
#[utoipa::path(tag = "appointments", params(("id" = Uuid, Path, description = "The appointment")),
    request_body = Cancellation,
    responses((status = 200, body = Appointment), Problems), security(("bearer" = ["appointment:write"])))]
#[post("/appointments/{id}/cancel")]
pub async fn cancel(
    call: Call<scope::AppointmentWrite>,
    state: web::Data<State>,
    id: web::Path<AppointmentId>,
    body: Json<Cancellation>,
) -> Result<Reply, Problem> {
    let (caller, sight) = (caller(&call)?, sight(&call, &state)?);
    let (id, cancellation) = (id.into_inner(), body.into_inner());
    call.write(move |work| call_off(work, id, (caller, &sight), cancellation)).await
}

fn call_off(
    work: &mut Work<'_>,
    id: AppointmentId,
    (caller, sight): (Caller, &Sight),
    cancellation: Cancellation,
) -> Result<Reply, Problem> {
    let held = hold(work, id, sight)?;
    let kind = kind_of(work, &held.appointment)?;
    let mut all = vec![held.appointment];
    if cancellation.following {
        let this = all.first().map(|this| (this.series_id, this.start));
        let Some((Some(series), start)) = this else {
            return Err(Refusal::field("following", "the appointment belongs to no series").into());
        };
        let later = store::following(work.db, series, start)?;
        all.extend(later.into_iter().filter(|appointment| appointment.id != id));
    }
    let mut answer = Reply::no_content();
    for before in all {
        let reason = Some(cancellation.reason.clone());
        let next = before.cancel(reason, kind.as_ref(), caller.is_patient(), work.now)?;
        save(work, &before, &next)?;
        events::publish(work, &next, &held.practitioner_name, Fact::Status)?;
        audit(work, Action::Update, &next, "status, cancellation_reason")?;
        if next.id == id {
            answer = shown(&next)?;
        }
    }
    Ok(answer)
}
