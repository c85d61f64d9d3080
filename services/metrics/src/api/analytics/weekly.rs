//! `GET /analytics/weekly`.

use actix_web::{HttpRequest, HttpResponse, get, web};
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::Call;

use super::answer;
use super::asked::{Asked, Query};
use crate::State;
use crate::domain::{Report, Step};

/// The figures of each week, from Monday to Sunday; the last 12 unless it is said.
///
/// Weeks are whole ones: those that the span touches, named by ISO 8601. Who sees what is as for the figures of days.
#[utoipa::path(tag = "analytics", operation_id = "weekly_figures", params(Asked),
    responses((status = 200, content((Report = "application/json"), (String = "text/csv"))), Problems),
    security(("bearer" = ["analytics:read"])))]
#[get("/analytics/weekly")]
pub async fn weekly(
    call: Call<scope::AnalyticsRead>,
    state: web::Data<State>,
    request: HttpRequest,
    query: Query,
) -> Result<HttpResponse, Problem> {
    answer(&call, &state, (&request, query), Step::Week, 12 * 7).await
}
