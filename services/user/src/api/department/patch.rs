use actix_web::{patch, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::DepartmentId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{DepartmentView, change, shown};
use crate::domain::DepartmentPatch;

/// Changes what is named of a department (RFC 7396).
#[utoipa::path(
    tag = "departments", operation_id = "change_department", params(("id" = Uuid, Path, description = "The department.")),
    request_body = DepartmentPatch,
    responses((status = 200, body = DepartmentView), Problems), security(("bearer" = ["department:write"])),
)]
#[patch("/departments/{id}")]
pub async fn patch(
    call: Call<scope::DepartmentWrite>,
    id: web::Path<DepartmentId>,
    body: Json<DepartmentPatch>,
) -> Result<Reply, Problem> {
    let (id, patch) = (id.into_inner(), body.into_inner());
    call.write(move |work| {
        shown(change(work, id, Action::Update, |department, now| department.patch(patch, now))?)
    })
    .await
}
