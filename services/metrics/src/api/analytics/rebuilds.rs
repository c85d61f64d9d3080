//! `GET /analytics/rebuilds/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::MetricsRebuildId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::store::rebuilds::{self, Rebuild};

/// How far a rebuild has come.
#[utoipa::path(tag = "analytics", operation_id = "get_rebuild",
    params(("id" = Uuid, Path, description = "The rebuild")),
    responses((status = 200, body = Rebuild), Problems), security(("bearer" = ["operation:read"])))]
#[get("/analytics/rebuilds/{id}")]
pub async fn get(
    call: Call<scope::OperationRead>,
    id: web::Path<MetricsRebuildId>,
) -> Result<Reply, Problem> {
    let id = id.into_inner();
    Reply::ok(&call.read(move |db| Ok(rebuilds::find(db, id)?)).await?)
}
