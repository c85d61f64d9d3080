//! `GET /audit`.

use actix_web::get;
use chrono::{DateTime, Utc};
use hms_api::{Cmp, List, Page, Problems, list_filters};
use hms_model::audit::{Action, AuditEntry, Outcome};
use hms_model::id::{AccountId, PatientId};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use crate::domain;
use crate::store::entries;

list_filters! {
    /// What the entries can be filtered by.
    pub struct EntryFilters {
        patient_id: PatientId = Set,
        actor_id: AccountId = Set,
        action: Action = Set,
        resource: String = Set,
        resource_id: String = Set,
        service: String = Set,
        outcome: Outcome = Set,
        at: DateTime<Utc> = Range,
    }
    search: None,
    ordering: ["at"],
}

/// Lists entries, latest first. Who looked at a patient, when and from where, is `?patient_id=…&action=read`.
#[utoipa::path(tag = "audit", params(List<EntryFilters>),
    responses((status = 200, body = Page<AuditEntry>), Problems), security(("bearer" = ["audit:read"])))]
#[get("/audit")]
pub async fn list(call: Call<scope::AuditRead>, list: List<EntryFilters>) -> Result<Reply, Problem> {
    let asked = list.filters.patient_id.clone();
    let page = call.read(move |db| Ok(entries::list(db, &list)?)).await?;
    let patients = domain::patients_shown(&page.results, |patient| names(&asked, patient));
    call.disclose(Disclosure::list(domain::AUDIT, patients)).await?;
    Reply::ok(&page)
}

fn names(asked: &Cmp<PatientId>, patient: PatientId) -> bool {
    asked.eq == Some(patient) || asked.r#in.as_ref().is_some_and(|patients| patients.contains(&patient))
}
