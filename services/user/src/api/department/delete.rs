use actix_web::{delete, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::DepartmentId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::change;

/// Takes a department out of use; the record stays, as `inactive`.
#[utoipa::path(
    tag = "departments", operation_id = "delete_department", params(("id" = Uuid, Path, description = "The department.")),
    responses((status = 204), Problems), security(("bearer" = ["department:write"])),
)]
#[delete("/departments/{id}")]
pub async fn delete(
    call: Call<scope::DepartmentWrite>,
    id: web::Path<DepartmentId>,
) -> Result<Reply, Problem> {
    let id = id.into_inner();
    call.write(move |work| {
        change(work, id, Action::Delete, |department, now| department.retire(now))?;
        Ok(Reply::no_content())
    })
    .await
}
