//! `GET /billing/claims/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::ClaimId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Disclosure, Reply};

use crate::domain::Claim;
use crate::store;

/// One claim.
#[utoipa::path(tag = "insurance", params(("id" = Uuid, Path, description = "The claim")),
    operation_id = "get_claim",
    responses((status = 200, body = Claim), Problems), security(("bearer" = ["coverage:read"])))]
#[get("/billing/claims/{id}")]
pub async fn get(call: Call<scope::CoverageRead>, id: web::Path<ClaimId>) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    let claim = call.read(move |db| Ok(store::claims::find(db, id)?)).await?;
    if !reach.covers(claim.patient_id) {
        return Err(Code::NotFound.into());
    }
    call.disclose(Disclosure::one("claim", id, claim.patient_id)).await?;
    Ok(Reply::ok(&claim)?.version(claim.version))
}
