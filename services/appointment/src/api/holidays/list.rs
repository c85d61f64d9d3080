//! `GET /holidays`.

use actix_web::get;
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::Holiday;
use crate::store::holidays::{self, HolidayFilters};

/// The holidays, newest first.
#[utoipa::path(tag = "holidays", operation_id = "list_holidays", params(List<HolidayFilters>),
    responses((status = 200, body = Page<Holiday>), Problems), security(("bearer" = ["schedule:read"])))]
#[get("/holidays")]
pub async fn list(call: Call<scope::ScheduleRead>, list: List<HolidayFilters>) -> Result<Reply, Problem> {
    Reply::ok(&call.read(move |db| Ok(holidays::list(db, &list)?)).await?)
}
