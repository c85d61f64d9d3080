//! `GET /billing/coverages`.

use actix_web::get;
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Disclosure, Reply};

use crate::api::of_the_whole;
use crate::domain::Coverage;
use crate::store::{self, coverages::CoverageFilters};

/// The coverages of patients.
#[utoipa::path(tag = "insurance", params(List<CoverageFilters>), operation_id = "list_coverages",
    responses((status = 200, body = Page<Coverage>), Problems), security(("bearer" = ["coverage:read"])))]
#[get("/billing/coverages")]
pub async fn list(call: Call<scope::CoverageRead>, list: List<CoverageFilters>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let page = call.read(move |db| Ok(store::coverages::list(db, &list)?)).await?;
    call.disclose(Disclosure::list("coverage", page.results.iter().map(|row| row.patient_id))).await?;
    Reply::ok(&page)
}
