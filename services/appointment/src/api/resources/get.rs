//! `GET /resources/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::ResourceId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::Resource;
use crate::store;

/// A resource.
#[utoipa::path(tag = "resources", operation_id = "get_resource", params(("id" = Uuid, Path, description = "The resource")),
    responses((status = 200, body = Resource), Problems), security(("bearer" = ["schedule:read"])))]
#[get("/resources/{id}")]
pub async fn get(call: Call<scope::ScheduleRead>, id: web::Path<ResourceId>) -> Result<Reply, Problem> {
    let id = id.into_inner();
    let found = call.read(move |db| Ok(store::resources::find(db, id)?)).await?;
    Ok(Reply::ok(&found)?.version(found.version))
}
