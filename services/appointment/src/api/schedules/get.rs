//! `GET /schedules/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::ScheduleId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::Schedule;
use crate::store;

/// A schedule.
#[utoipa::path(tag = "schedules", operation_id = "get_schedule", params(("id" = Uuid, Path, description = "The schedule")),
    responses((status = 200, body = Schedule), Problems), security(("bearer" = ["schedule:read"])))]
#[get("/schedules/{id}")]
pub async fn get(call: Call<scope::ScheduleRead>, id: web::Path<ScheduleId>) -> Result<Reply, Problem> {
    let id = id.into_inner();
    let found = call.read(move |db| Ok(store::schedules::find(db, id)?)).await?;
    Ok(Reply::ok(&found)?.version(found.version))
}
