//! `GET /accounting/reports/trial-balance`.

use actix_web::web::Query;
use actix_web::{HttpResponse, get};
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::Call;

use super::{Asked, account_rows, asked, balances, reply};
use crate::domain::report::TrialBalance;

/// Debits and credits of every account within a span of days; their sums are the same, always.
#[utoipa::path(tag = "reports", params(Asked), operation_id = "trial_balance",
    responses((status = 200, body = TrialBalance), Problems), security(("bearer" = ["ledger:read"])))]
#[get("/accounting/reports/trial-balance")]
pub async fn trial_balance(
    call: Call<scope::LedgerRead>,
    query: Result<Query<Asked>, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let asked = asked(&call, query)?;
    let (currency, span) = (asked.currency, asked.span());
    let accounts = balances(&call, currency, span).await?;
    let report = TrialBalance::of(currency, accounts);
    reply(&asked, "trial-balance", &report, || account_rows(&report.accounts, currency))
}
