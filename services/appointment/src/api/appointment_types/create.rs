//! `POST /appointment-types`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};

use super::check;
use crate::api::here;
use crate::domain::{AppointmentType, AppointmentTypeDetails};
use crate::store;

/// Makes an appointment type.
#[utoipa::path(tag = "appointment-types", operation_id = "create_appointment_type", request_body = AppointmentTypeDetails,
    responses((status = 201, body = AppointmentType), Problems), security(("bearer" = ["schedule:write"])))]
#[post("/appointment-types")]
pub async fn create(
    call: Call<scope::ScheduleWrite>,
    body: Json<AppointmentTypeDetails>,
) -> Result<Reply, Problem> {
    let (reach, details) = (call.reach()?, body.into_inner());
    call.write(move |work| {
        here(reach, None)?;
        check(work, &details)?;
        let (created_at, updated_at) = (work.now, work.now);
        let made = AppointmentType { id: work.new_id(), details, version: 1, created_at, updated_at };
        store::types::insert(work.db, &made)?;
        work.audit(Act::new(Action::Create, "appointment_type").on(made.id))?;
        Ok(Reply::created(&made)?.version(made.version).at(format!("/api/v1/appointment-types/{}", made.id)))
    })
    .await
}
