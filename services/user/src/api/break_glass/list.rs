use actix_web::get;
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::id::{AccountId, PatientId};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use crate::domain::BreakGlass;
use crate::store;

list_filters! {
    /// What it can be filtered by.
    pub struct BreakGlassFilters {
        account_id: AccountId = Set,
        patient_id: PatientId = Set,
        created_at: DateTime<Utc> = Range,
    }
    search: None,
    ordering: ["created_at"],
}

/// Lists who has broken the glass, for whom and why, latest first.
#[utoipa::path(
    tag = "patients", operation_id = "list_break_glass", params(List<BreakGlassFilters>),
    responses((status = 200, body = Page<BreakGlass>), Problems), security(("bearer" = ["break_glass:read"])),
)]
#[get("/break-glass")]
pub async fn list(
    call: Call<scope::BreakGlassRead>,
    list: List<BreakGlassFilters>,
) -> Result<Reply, Problem> {
    let page = call.read(move |db| {
        let (all, count) = store::broken_glass::list(db, &list)?;
        Ok(Page::new(&list, all, count, |glass| glass.id.uuid()))
    });
    let page = page.await?;
    call.disclose(Disclosure::list("break_glass", page.results.iter().map(|glass| glass.patient_id))).await?;
    Reply::ok(&page)
}
