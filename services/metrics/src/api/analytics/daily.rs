//! `GET /analytics/daily`.

use actix_web::{HttpRequest, HttpResponse, get, web};
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::Call;

use super::answer;
use super::asked::{Asked, Query};
use crate::State;
use crate::domain::{Report, Step};

/// The figures of each day; the last 30 unless it is said.
///
/// Days are those of the clinic's zone. Whoever may read invoices sees money, each currency by itself; those who treat see
/// their own figures; access that is bound to a department sees that department.
#[utoipa::path(tag = "analytics", operation_id = "daily_figures", params(Asked),
    responses((status = 200, content((Report = "application/json"), (String = "text/csv"))), Problems),
    security(("bearer" = ["analytics:read"])))]
#[get("/analytics/daily")]
pub async fn daily(
    call: Call<scope::AnalyticsRead>,
    state: web::Data<State>,
    request: HttpRequest,
    query: Query,
) -> Result<HttpResponse, Problem> {
    answer(&call, &state, (&request, query), Step::Day, 30).await
}
