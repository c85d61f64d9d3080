//! `POST /appointments/{id}/cancel`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::AppointmentId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{audit, hold, save, shown};
use crate::domain::{Appointment, Reason};
use crate::events::{self, Fact};

/// What a client sends to call an appointment off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancellation {
    /// Why.
    reason: Reason,
}

/// Calls an appointment off; the practitioner's time is free again. Patients call off their own; staff all.
#[utoipa::path(tag = "appointments", params(("id" = Uuid, Path, description = "The appointment")),
    request_body = Cancellation,
    responses((status = 200, body = Appointment), Problems), security(("bearer" = ["appointment:write"])))]
#[post("/appointments/{id}/cancel")]
pub async fn cancel(
    call: Call<scope::AppointmentWrite>,
    id: web::Path<AppointmentId>,
    body: Json<Cancellation>,
) -> Result<Reply, Problem> {
    let (reach, id, reason) = (call.reach()?, id.into_inner(), body.into_inner().reason);
    call.write(move |work| {
        let held = hold(work, id, reach)?;
        let next = held.appointment.cancel(reason, work.now)?;
        save(work, &next)?;
        events::publish(work, &next, &held.practitioner_name, Fact::Status)?;
        audit(work, Action::Update, &next, "status, cancellation_reason")?;
        shown(&next)
    })
    .await
}
