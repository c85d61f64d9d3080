//! `/api/v1/analytics`: figures by day, by week, and for a front page.

mod asked;
pub mod daily;
pub mod dashboard;
pub mod rebuild;
pub mod rebuilds;
mod sheet;
pub mod weekly;

use actix_web::{HttpRequest, HttpResponse};
use hms_db::Db;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::Call;

use crate::State;
use crate::domain::{Overflow, Report, Selection, Step, report};
use crate::store::{directory, hours, read};
use asked::{Asked, Query, sight};

/// The longest span that is answered at once.
const LONGEST: i64 = 366;

/// Answers `GET /analytics/daily` and `/analytics/weekly`.
async fn answer(
    call: &Call<scope::AnalyticsRead>,
    state: &State,
    (request, query): (&HttpRequest, Query),
    step: Step,
    usual_days: u64,
) -> Result<HttpResponse, Problem> {
    let asked: Asked =
        query.map_err(|error| Problem::new(Code::InvalidRequest).message(error.to_string()))?.into_inner();
    let as_sheet = asked.wants_csv(request);
    let (zone, now) = (state.config.zone, call.context().clock.now());
    let span = asked.span(zone.day(now), step, usual_days)?;
    let sight = sight(call, &asked).await?;
    let selection = Selection { span, step, group_by: asked.group_by, sight };
    let found = call.read(move |db| figures(db, selection, (zone, now))).await?;
    if as_sheet { sheet::answer(&found, step) } else { Ok(HttpResponse::Ok().json(found)) }
}

/// What is right of a selection at this moment.
fn figures(
    db: &mut Db,
    selection: Selection,
    (zone, now): (hms_model::Zone, chrono::DateTime<chrono::Utc>),
) -> Result<Report, Problem> {
    let days = read::days(db, selection.span, zone)?;
    let calendar = hours::calendar(db, selection.span)?;
    let names = directory::names(db)?;
    report(&days, &calendar, &names, selection, (zone, now)).map_err(too_large)
}

fn too_large(overflow: Overflow) -> Problem {
    tracing::error!(%overflow, "figures cannot be summed");
    Problem::new(Code::Internal)
}
