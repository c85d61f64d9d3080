//! `GET /schedules`.

use actix_web::get;
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::Schedule;
use crate::store::schedules::{self, ScheduleFilters};

/// The schedules, newest first.
#[utoipa::path(tag = "schedules", operation_id = "list_schedules", params(List<ScheduleFilters>),
    responses((status = 200, body = Page<Schedule>), Problems), security(("bearer" = ["schedule:read"])))]
#[get("/schedules")]
pub async fn list(call: Call<scope::ScheduleRead>, list: List<ScheduleFilters>) -> Result<Reply, Problem> {
    Reply::ok(&call.read(move |db| Ok(schedules::list(db, &list)?)).await?)
}
