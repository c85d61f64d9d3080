//! `GET /billing/claims`.

use actix_web::get;
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use crate::api::of_the_whole;
use crate::domain::Claim;
use crate::store::{self, claims::ClaimFilters};

/// What insurances are asked to pay, newest first.
#[utoipa::path(tag = "insurance", params(List<ClaimFilters>), operation_id = "list_claims",
    responses((status = 200, body = Page<Claim>), Problems), security(("bearer" = ["coverage:read"])))]
#[get("/billing/claims")]
pub async fn list(call: Call<scope::CoverageRead>, list: List<ClaimFilters>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let page = call.read(move |db| Ok(store::claims::list(db, &list)?)).await?;
    call.disclose(Disclosure::list("claim", page.results.iter().map(|claim| claim.patient_id))).await?;
    Reply::ok(&page)
}
