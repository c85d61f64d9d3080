//! `POST /appointments/{id}/arrive`.

use actix_web::{post, web};
use hms_api::Problems;
use hms_model::id::AppointmentId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::move_on;
use crate::State;
use crate::api::sight;
use crate::domain::{Appointment, Status};

/// The patient is there. Only staff may say so.
#[utoipa::path(tag = "appointments", params(("id" = Uuid, Path, description = "The appointment")),
    responses((status = 200, body = Appointment), Problems), security(("bearer" = ["appointment:write"])))]
#[post("/appointments/{id}/arrive")]
pub async fn arrive(
    call: Call<scope::AppointmentWrite>,
    state: web::Data<State>,
    id: web::Path<AppointmentId>,
) -> Result<Reply, Problem> {
    let sight = sight(&call, &state)?;
    move_on(call, id.into_inner(), sight, Status::Arrived).await
}
