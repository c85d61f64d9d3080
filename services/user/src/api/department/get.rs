use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::DepartmentId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{DepartmentView, shown};
use crate::store;

/// Shows a department.
#[utoipa::path(
    tag = "departments", operation_id = "get_department", params(("id" = Uuid, Path, description = "The department.")),
    responses((status = 200, body = DepartmentView), Problems), security(("bearer" = ["department:read"])),
)]
#[get("/departments/{id}")]
pub async fn get(call: Call<scope::DepartmentRead>, id: web::Path<DepartmentId>) -> Result<Reply, Problem> {
    let id = id.into_inner();
    shown(call.read(move |db| Ok(store::department::find(db, id)?)).await?)
}
