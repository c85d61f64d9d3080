//! `GET /accounting/reports/balance-sheet`.

use actix_web::web::Query;
use actix_web::{HttpResponse, get};
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::Call;

use super::{Asked, account_rows, asked, balances, reply};
use crate::domain::report::BalanceSheet;
use crate::store::reports::Span;

/// What is there and whose it is at the end of a day: assets are liabilities, equity and result together. `from` says nothing here.
#[utoipa::path(tag = "reports", params(Asked), operation_id = "balance_sheet",
    responses((status = 200, body = BalanceSheet), Problems), security(("bearer" = ["ledger:read"])))]
#[get("/accounting/reports/balance-sheet")]
pub async fn balance_sheet(
    call: Call<scope::LedgerRead>,
    query: Result<Query<Asked>, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let asked = asked(&call, query)?;
    let (currency, span) = (asked.currency, Span { from: None, ..asked.span() });
    let accounts = balances(&call, currency, span).await?;
    let report = BalanceSheet::of(currency, accounts);
    reply(&asked, "balance-sheet", &report, || account_rows(&report.accounts, currency))
}
