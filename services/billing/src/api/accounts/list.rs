//! `GET /accounting/accounts`.

use actix_web::get;
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};

use crate::api::of_the_whole;
use crate::domain::Account;
use crate::store;

/// The chart of accounts.
#[utoipa::path(tag = "ledger", operation_id = "list_ledger_accounts",
    responses((status = 200, body = Vec<Account>), Problems), security(("bearer" = ["ledger:read"])))]
#[get("/accounting/accounts")]
pub async fn list(call: Call<scope::LedgerRead>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    Reply::ok(&call.read(move |db| Ok(store::ledger::accounts(db)?)).await?)
}
