//! `POST /billing/claims/{id}/reject`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::id::ClaimId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{hold, save};
use crate::books;
use crate::domain::{Claim, ClaimStatus, Note, Side, booking};

/// That the insurance pays nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    /// Why.
    reason: Note,
}

/// The insurance pays nothing: what is open of its part is owed by the patient.
#[utoipa::path(tag = "insurance", params(("id" = Uuid, Path, description = "The claim")),
    operation_id = "reject_claim", request_body = Rejection,
    responses((status = 200, body = Claim), Problems), security(("bearer" = ["coverage:write"])))]
#[post("/billing/claims/{id}/reject")]
pub async fn reject(
    call: Call<scope::CoverageWrite>,
    id: web::Path<ClaimId>,
    body: Json<Rejection>,
) -> Result<Reply, Problem> {
    let (reach, id, reason) = (call.reach()?, id.into_inner(), body.into_inner().reason);
    call.write(move |work| {
        let (claim, invoice) = hold(work, id, reach)?;
        let next = claim.become_status(ClaimStatus::Rejected, work.now)?;
        let reply = save(work, &Claim { reason: Some(reason), ..next })?;
        let open = invoice.open_of(Side::Payer)?;
        if !open.is_zero() {
            let shifted = invoice.shift_to_patient(open, work.now)?;
            books::save_invoice(work, &invoice, &shifted)?;
            let entry = booking::shifted(&shifted, open, books::stamp(work))?;
            books::post(work, entry)?;
        }
        Ok(reply)
    })
    .await
}
