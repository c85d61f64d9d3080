//! `GET /appointment-types/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::AppointmentTypeId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::AppointmentType;
use crate::store;

/// An appointment type.
#[utoipa::path(tag = "appointment-types", operation_id = "get_appointment_type", params(("id" = Uuid, Path, description = "The appointment type")),
    responses((status = 200, body = AppointmentType), Problems), security(("bearer" = ["schedule:read"])))]
#[get("/appointment-types/{id}")]
pub async fn get(
    call: Call<scope::ScheduleRead>,
    id: web::Path<AppointmentTypeId>,
) -> Result<Reply, Problem> {
    let id = id.into_inner();
    let found = call.read(move |db| Ok(store::types::find(db, id)?)).await?;
    Ok(Reply::ok(&found)?.version(found.version))
}
