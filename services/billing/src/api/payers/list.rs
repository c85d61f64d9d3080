//! `GET /billing/payers`.

use actix_web::get;
use hms_api::{List, Page, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::Payer;
use crate::store::{self, coverages::PayerFilters};

/// Who pays for patients.
#[utoipa::path(tag = "insurance", params(List<PayerFilters>), operation_id = "list_payers",
    responses((status = 200, body = Page<Payer>), Problems), security(("bearer" = ["coverage:read"])))]
#[get("/billing/payers")]
pub async fn list(call: Call<scope::CoverageRead>, list: List<PayerFilters>) -> Result<Reply, Problem> {
    Reply::ok(&call.read(move |db| Ok(store::coverages::list_payers(db, &list)?)).await?)
}
