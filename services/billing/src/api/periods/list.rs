//! `GET /accounting/periods`.

use actix_web::get;
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use super::Period;
use crate::api::of_the_whole;
use crate::store;

/// The months that are closed, the last first.
#[utoipa::path(tag = "ledger", operation_id = "list_periods",
    responses((status = 200, body = Vec<Period>), Problems), security(("bearer" = ["ledger:read"])))]
#[get("/accounting/periods")]
pub async fn list(call: Call<scope::LedgerRead>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let closed = call.read(move |db| Ok(store::ledger::closed(db)?)).await?;
    let periods =
        closed.into_iter().map(|(month, last_day, closed_at)| Period { month, last_day, closed_at });
    Reply::ok(&periods.collect::<Vec<_>>())
}
