//! `GET /resources`.

use actix_web::get;
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::Resource;
use crate::store::resources::{self, ResourceFilters};

/// The resources, newest first.
#[utoipa::path(tag = "resources", operation_id = "list_resources", params(List<ResourceFilters>),
    responses((status = 200, body = Page<Resource>), Problems), security(("bearer" = ["schedule:read"])))]
#[get("/resources")]
pub async fn list(call: Call<scope::ScheduleRead>, list: List<ResourceFilters>) -> Result<Reply, Problem> {
    Reply::ok(&call.read(move |db| Ok(resources::list(db, &list)?)).await?)
}
