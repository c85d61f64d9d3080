use actix_web::get;
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::DepartmentView;
use crate::domain::{DepartmentKind, IdentifierToken, Status};
use crate::store;

list_filters! {
    /// What departments can be filtered by; `identifier` as `system|value`.
    pub struct DepartmentFilters {
        status: Status = Set,
        kind: DepartmentKind = Set,
        identifier: IdentifierToken = Set,
        created_at: DateTime<Utc> = Range,
    }
    search: Some("the name and the phone, by parts of words; every word must be found"),
    ordering: ["created_at", "name"],
}

/// Lists departments.
#[utoipa::path(
    tag = "departments", operation_id = "list_departments", params(List<DepartmentFilters>),
    responses((status = 200, body = Page<DepartmentView>), Problems), security(("bearer" = ["department:read"])),
)]
#[get("/departments")]
pub async fn list(
    call: Call<scope::DepartmentRead>,
    list: List<DepartmentFilters>,
) -> Result<Reply, Problem> {
    let page = call.read(move |db| {
        let (departments, count) = store::department::list(db, &list)?;
        Ok(Page::new(&list, departments, count, |department| department.id.uuid()))
    });
    Reply::ok(&page.await?.map(DepartmentView::from))
}
