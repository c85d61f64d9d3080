//! `GET /audit`.

use actix_web::{get, web};
use chrono::{DateTime, Utc};
use hms_api::{Cmp, List, Page, Problems, list_filters};
use hms_care::Sight;
use hms_db::Db;
use hms_model::audit::{Action, AuditEntry, Outcome};
use hms_model::id::{AccountId, PatientId};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use super::sight;
use crate::State;
use crate::domain::{self, Question};
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
///
/// Where records are the care team's, those who treat name a patient in their care (`patient_id`) or themselves
/// (`actor_id`), and other patients are left out of the entries.
#[utoipa::path(tag = "audit", params(List<EntryFilters>),
    responses((status = 200, body = Page<AuditEntry>), Problems), security(("bearer" = ["audit:read"])))]
#[get("/audit")]
pub async fn list(
    call: Call<scope::AuditRead>,
    state: web::Data<State>,
    list: List<EntryFilters>,
) -> Result<Reply, Problem> {
    let (sight, now) = (sight(&call, &state)?, call.context().clock.now());
    let asked = list.filters.patient_id.clone();
    let page = call.read(move |db| seen(db, &list, &sight, now)).await?;
    let patients = domain::patients_shown(&page.results, |patient| names(&asked, patient));
    call.disclose(Disclosure::list(domain::AUDIT, patients)).await?;
    Reply::ok(&page)
}

/// The entries that match, as the caller may see them.
fn seen(
    db: &mut Db,
    asked: &List<EntryFilters>,
    sight: &Sight,
    now: DateTime<Utc>,
) -> Result<Page<AuditEntry>, Problem> {
    let Some(carer) = sight.carer(db)? else { return Ok(entries::list(db, asked)?) };
    let question = question(&asked.filters);
    let known = carer.seen_of(db, &question.patients, now)?;
    question.allowed(carer.account_id(), &known)?;
    let page = entries::list(db, asked)?;
    let named: Vec<_> = page.results.iter().flat_map(|entry| entry.patient_ids.clone()).collect();
    let known = carer.seen_of(db, &named, now)?;
    let shown = |entry| domain::shown_to(entry, carer.account_id(), &known);
    Ok(Page { results: page.results.into_iter().filter_map(shown).collect(), ..page })
}

fn question(filters: &EntryFilters) -> Question {
    let asked = &filters.patient_id;
    let patients = asked.eq.into_iter().chain(asked.r#in.clone().unwrap_or_default()).collect();
    Question { patients, actor: filters.actor_id.eq }
}

fn names(asked: &Cmp<PatientId>, patient: PatientId) -> bool {
    asked.eq == Some(patient) || asked.r#in.as_ref().is_some_and(|patients| patients.contains(&patient))
}
