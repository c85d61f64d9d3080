//! `GET /billing/payers/{id}`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::id::PayerId;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::domain::Payer;
use crate::store;

/// One payer.
#[utoipa::path(tag = "insurance", params(("id" = Uuid, Path, description = "The payer")),
    operation_id = "get_payer",
    responses((status = 200, body = Payer), Problems), security(("bearer" = ["coverage:read"])))]
#[get("/billing/payers/{id}")]
pub async fn get(call: Call<scope::CoverageRead>, id: web::Path<PayerId>) -> Result<Reply, Problem> {
    let id = id.into_inner();
    Reply::ok(&call.read(move |db| Ok(store::coverages::payer(db, id)?)).await?)
}
