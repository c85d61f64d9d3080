//! `GET /audit/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::audit::AuditEntry;
use hms_model::id::AuditEntryId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use super::sight;
use crate::State;
use crate::domain::{self, Refusal};
use crate::store::entries;

/// Shows one entry.
#[utoipa::path(tag = "audit", params(("id" = Uuid, Path, description = "The entry.")),
    responses((status = 200, body = AuditEntry), Problems), security(("bearer" = ["audit:read"])))]
#[get("/audit/{id}")]
pub async fn get(
    call: Call<scope::AuditRead>,
    state: web::Data<State>,
    id: web::Path<AuditEntryId>,
) -> Result<Reply, Problem> {
    let (sight, id, now) = (sight(&call, &state)?, id.into_inner(), call.context().clock.now());
    let entry = call.read(move |db| {
        let entry = entries::find(db, id)?;
        let Some(carer) = sight.carer(db)? else { return Ok(entry) };
        let seen = carer.seen_of(db, &entry.patient_ids, now)?;
        Ok(domain::shown_to(entry, carer.account_id(), &seen).ok_or(Refusal::NotInCare)?)
    });
    let entry = entry.await?;
    // It was asked for by its own id, so all that it tells was asked for.
    let patients = domain::patients_shown(std::slice::from_ref(&entry), |_| true);
    call.disclose(Disclosure::record(domain::AUDIT, id, patients)).await?;
    Reply::ok(&entry)
}
