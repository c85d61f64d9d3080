//! `POST /billing/claims/{id}/submit`.

use actix_web::{post, web};
use hms_api::Problems;
use hms_model::id::ClaimId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::{hold, save};
use crate::domain::{Claim, ClaimStatus};

/// The insurance has been asked.
#[utoipa::path(tag = "insurance", params(("id" = Uuid, Path, description = "The claim")),
    operation_id = "submit_claim",
    responses((status = 200, body = Claim), Problems), security(("bearer" = ["coverage:write"])))]
#[post("/billing/claims/{id}/submit")]
pub async fn submit(call: Call<scope::CoverageWrite>, id: web::Path<ClaimId>) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    call.write(move |work| {
        let (claim, _) = hold(work, id, reach)?;
        save(work, &claim.become_status(ClaimStatus::Submitted, work.now)?)
    })
    .await
}
