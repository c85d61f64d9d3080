//! `GET /billing/coverages/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::CoverageId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Disclosure, Reply};

use crate::domain::Coverage;
use crate::store;

/// One coverage.
#[utoipa::path(tag = "insurance", params(("id" = Uuid, Path, description = "The coverage")),
    operation_id = "get_coverage",
    responses((status = 200, body = Coverage), Problems), security(("bearer" = ["coverage:read"])))]
#[get("/billing/coverages/{id}")]
pub async fn get(call: Call<scope::CoverageRead>, id: web::Path<CoverageId>) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    let coverage = call.read(move |db| Ok(store::coverages::find(db, id)?)).await?;
    if !reach.covers(coverage.patient_id) {
        return Err(Code::NotFound.into());
    }
    call.disclose(Disclosure::one("coverage", id, coverage.patient_id)).await?;
    Reply::ok(&coverage)
}
