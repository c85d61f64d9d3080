use actix_web::get;
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::id::DepartmentId;
use hms_model::role::scope;
use hms_model::{Email, Phone, Text};
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::PractitionerView;
use crate::domain::{Gender, IdentifierToken, Status};
use crate::store;

list_filters! {
    /// What practitioners can be filtered by; `identifier` as `system|value`.
    pub struct PractitionerFilters {
        status: Status = Set,
        gender: Gender = Set,
        specialty: Text<1, 200> = Set,
        department_id: DepartmentId = Set,
        email: Email = Set,
        phone: Phone = Set,
        identifier: IdentifierToken = Set,
        created_at: DateTime<Utc> = Range,
    }
    search: Some("names, specialty, e-mail and phone, by parts of words; every word must be found"),
    ordering: ["created_at", "family_name"],
}

/// Lists practitioners.
#[utoipa::path(
    tag = "practitioners", operation_id = "list_practitioners", params(List<PractitionerFilters>),
    responses((status = 200, body = Page<PractitionerView>), Problems), security(("bearer" = ["practitioner:read"])),
)]
#[get("/practitioners")]
pub async fn list(
    call: Call<scope::PractitionerRead>,
    list: List<PractitionerFilters>,
) -> Result<Reply, Problem> {
    let page = call.read(move |db| {
        let (practitioners, count) = store::practitioner::list(db, &list)?;
        Ok(Page::new(&list, practitioners, count, |practitioner| practitioner.id.uuid()))
    });
    Reply::ok(&page.await?.map(PractitionerView::from))
}
