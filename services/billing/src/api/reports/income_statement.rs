//! `GET /accounting/reports/income-statement`.

use actix_web::web::Query;
use actix_web::{HttpResponse, get};
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::Call;

use super::{Asked, account_rows, asked, balances, reply};
use crate::domain::report::IncomeStatement;

/// What came in and what went out within a span of days.
#[utoipa::path(tag = "reports", params(Asked), operation_id = "income_statement",
    responses((status = 200, body = IncomeStatement), Problems), security(("bearer" = ["ledger:read"])))]
#[get("/accounting/reports/income-statement")]
pub async fn income_statement(
    call: Call<scope::LedgerRead>,
    query: Result<Query<Asked>, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let asked = asked(&call, query)?;
    let (currency, span) = (asked.currency, asked.span());
    let accounts = balances(&call, currency, span).await?;
    let report = IncomeStatement::of(currency, accounts);
    reply(&asked, "income-statement", &report, || account_rows(&report.accounts, currency))
}
