//! `GET /audit/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::audit::AuditEntry;
use hms_model::id::AuditEntryId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use crate::domain;
use crate::store::entries;

/// Shows one entry.
#[utoipa::path(tag = "audit", params(("id" = Uuid, Path, description = "The entry.")),
    responses((status = 200, body = AuditEntry), Problems), security(("bearer" = ["audit:read"])))]
#[get("/audit/{id}")]
pub async fn get(call: Call<scope::AuditRead>, id: web::Path<AuditEntryId>) -> Result<Reply, Problem> {
    let id = id.into_inner();
    let entry = call.read(move |db| Ok(entries::find(db, id)?)).await?;
    // It was asked for by its own id, so all that it tells was asked for.
    let patients = domain::patients_shown(std::slice::from_ref(&entry), |_| true);
    call.disclose(Disclosure::record(domain::AUDIT, id, patients)).await?;
    Reply::ok(&entry)
}
