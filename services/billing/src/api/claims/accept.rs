//! `POST /billing/claims/{id}/accept`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::id::ClaimId;
use hms_model::money::Money;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{hold, save};
use crate::books;
use crate::domain::{Claim, Note, booking};

/// What the insurance has agreed to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// How much it will pay, in minor units; all of the claim unless it is said.
    agreed: Option<Money>,
    /// Why not all of it.
    reason: Option<Note>,
}

/// The insurance has agreed, to all of it or to a part; the rest is owed by the patient.
#[utoipa::path(tag = "insurance", params(("id" = Uuid, Path, description = "The claim")),
    operation_id = "accept_claim", request_body = Acceptance,
    responses((status = 200, body = Claim), Problems), security(("bearer" = ["coverage:write"])))]
#[post("/billing/claims/{id}/accept")]
pub async fn accept(
    call: Call<scope::CoverageWrite>,
    id: web::Path<ClaimId>,
    body: Json<Acceptance>,
) -> Result<Reply, Problem> {
    let (reach, id, answer) = (call.reach()?, id.into_inner(), body.into_inner());
    call.write(move |work| {
        let (claim, invoice) = hold(work, id, reach)?;
        let (next, rest) = claim.accept(answer.agreed.unwrap_or(claim.claimed), answer.reason, work.now)?;
        let reply = save(work, &next)?;
        if !rest.is_zero() {
            let shifted = invoice.shift_to_patient(rest, work.now)?;
            books::save_invoice(work, &invoice, &shifted)?;
            let entry = booking::shifted(&shifted, rest, books::stamp(work))?;
            books::post(work, entry)?;
        }
        Ok(reply)
    })
    .await
}
