use actix_web::{get, web};
use chrono::{DateTime, Utc};
use hms_api::{List, Page, Problems, list_filters};
use hms_model::role::{Reach, scope};
use hms_model::{Email, Phone};
use hms_problem::Problem;
use hms_service::{Asked, Call, Disclosure, Reply};

use super::{PatientView, sight};
use crate::domain::{BirthDate, Gender, IdentifierToken, PatientStatus};
use crate::records::Records;
use crate::store;

list_filters! {
    /// What patients can be filtered by; `age` in full years, `identifier` as `system|value`.
    pub struct PatientFilters {
        status: PatientStatus = Set,
        gender: Gender = Set,
        birth_date: BirthDate = Range,
        age: u16 = Range,
        email: Email = Set,
        phone: Phone = Set,
        identifier: IdentifierToken = Set,
        created_at: DateTime<Utc> = Range,
    }
    search: Some("names, MRN, e-mail and phone, by parts of words; every word must be found"),
    ordering: ["created_at", "family_name", "birth_date"],
}

/// Lists patients: staff see all, or those in their care where the deployment says so; patients see themselves.
#[utoipa::path(
    tag = "patients", operation_id = "list_patients", params(List<PatientFilters>),
    responses((status = 200, body = Page<PatientView>), Problems), security(("bearer" = ["patient:read"])),
)]
#[get("/patients")]
pub async fn list(
    call: Call<scope::PatientRead>,
    records: web::Data<Records>,
    list: List<PatientFilters>,
) -> Result<Reply, Problem> {
    let (sight, now) = (sight(&call, &records.rules)?, call.context().clock.now());
    // Who does not see all has a list of their own.
    let sees_all = sight.reach() == Reach::Everyone && !sight.is_held_to_care();
    let asked = sees_all.then(|| call.context().ask(&list));
    let known = asked.as_ref().map(Asked::known).unwrap_or_default();
    let page = call.read(move |db| {
        let carer = sight.carer(db)?;
        let whose = (sight.reach(), carer.as_ref());
        let (patients, count) = store::patient::list(db, &list, whose, now, known)?;
        Ok(Page::new(&list, patients, count, |patient| patient.id.uuid()))
    });
    let page = page.await?;
    if let Some(asked) = asked {
        asked.learn(page.count, page.results.iter().map(|patient| patient.id.uuid()));
    }
    call.disclose(Disclosure::list("patient", page.results.iter().map(|patient| patient.id))).await?;
    Reply::ok(&page.map(PatientView::from))
}
