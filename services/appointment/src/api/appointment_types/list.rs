//! `GET /appointment-types`.

use actix_web::get;
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::AppointmentType;
use crate::store::types::{self, TypeFilters};

/// The appointment types, newest first.
#[utoipa::path(tag = "appointment-types", operation_id = "list_appointment_types", params(List<TypeFilters>),
    responses((status = 200, body = Page<AppointmentType>), Problems), security(("bearer" = ["schedule:read"])))]
#[get("/appointment-types")]
pub async fn list(call: Call<scope::ScheduleRead>, list: List<TypeFilters>) -> Result<Reply, Problem> {
    Reply::ok(&call.read(move |db| Ok(types::list(db, &list)?)).await?)
}
