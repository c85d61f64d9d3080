//! `GET /accounting/reports/revenue`.

use actix_web::web::Query;
use actix_web::{HttpResponse, get};
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::Call;

use super::{Asked, asked, decimal, reply};
use crate::domain::report::DepartmentRevenue;
use crate::store;

/// What each department brought in within a span of days, without tax.
#[utoipa::path(tag = "reports", params(Asked), operation_id = "revenue_by_department",
    responses((status = 200, body = Vec<DepartmentRevenue>), Problems), security(("bearer" = ["ledger:read"])))]
#[get("/accounting/reports/revenue")]
pub async fn revenue(
    call: Call<scope::LedgerRead>,
    query: Result<Query<Asked>, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let asked = asked(&call, query)?;
    let (currency, span) = (asked.currency, asked.span());
    let revenue = call.read(move |db| Ok(store::reports::revenue(db, currency, span)?)).await?;
    reply(&asked, "revenue", &revenue, || {
        let header = ["department_id", "department", "revenue", "currency"].map(String::from).to_vec();
        let row = |row: &DepartmentRevenue| {
            vec![
                row.department_id.map(|id| id.to_string()).unwrap_or_default(),
                row.name.clone().unwrap_or_default(),
                decimal(row.revenue, currency),
                currency.to_string(),
            ]
        };
        std::iter::once(header).chain(revenue.iter().map(row)).collect()
    })
}
