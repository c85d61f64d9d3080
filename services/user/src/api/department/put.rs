use actix_web::{put, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::DepartmentId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{DepartmentView, change, shown};
use crate::domain::DepartmentDetails;

/// Replaces all that is known of a department.
#[utoipa::path(
    tag = "departments", operation_id = "replace_department", params(("id" = Uuid, Path, description = "The department.")),
    request_body = DepartmentDetails,
    responses((status = 200, body = DepartmentView), Problems), security(("bearer" = ["department:write"])),
)]
#[put("/departments/{id}")]
pub async fn put(
    call: Call<scope::DepartmentWrite>,
    id: web::Path<DepartmentId>,
    body: Json<DepartmentDetails>,
) -> Result<Reply, Problem> {
    let (id, details) = (id.into_inner(), body.into_inner());
    call.write(move |work| {
        shown(change(work, id, Action::Update, |department, now| department.replace(details, now))?)
    })
    .await
}
