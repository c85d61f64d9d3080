use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::event::DepartmentCreated;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};

use super::DepartmentView;
use crate::domain::{Department, DepartmentDetails};
use crate::events::department_facts;
use crate::store;

/// Makes a department.
#[utoipa::path(
    tag = "departments", operation_id = "create_department", request_body = DepartmentDetails,
    responses((status = 201, body = DepartmentView), Problems), security(("bearer" = ["department:write"])),
)]
#[post("/departments")]
pub async fn create(
    call: Call<scope::DepartmentWrite>,
    body: Json<DepartmentDetails>,
) -> Result<Reply, Problem> {
    let details = body.into_inner();
    call.write(move |work| {
        let department = Department::register(details, work.new_id(), work.now)?;
        store::department::insert(work.db, &department)?;
        work.publish(&DepartmentCreated(department_facts(&department)))?;
        work.audit(Act::new(Action::Create, "department").on(department.id))?;
        let (version, path) = (department.version, format!("/api/v1/departments/{}", department.id));
        Ok(Reply::created(&DepartmentView::from(department))?.version(version).at(path))
    })
    .await
}
