//! `GET /analytics/dashboard`.

use actix_web::{get, web};
use chrono::{DateTime, Utc};
use hms_api::Problems;
use hms_model::id::{DepartmentId, PractitionerId};
use hms_model::role::{Reach, scope};
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::asked::{Asked, sight};
use super::figures;
use crate::State;
use crate::domain::{Report, Row, Selection, Span, Step};
use crate::store::directory;

/// The days that a front page looks back.
const DAYS: u64 = 30;

/// Whose figures.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// Only of this department.
    department_id: Option<DepartmentId>,
    /// Only of this practitioner.
    practitioner_id: Option<PractitionerId>,
}

/// A department that figures can be asked of.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NamedDepartment {
    /// Its id.
    pub id: DepartmentId,
    /// Its name.
    #[schema(examples("Cardiology"))]
    pub name: String,
}

/// What a front page shows.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Dashboard {
    /// When it was asked for.
    pub at: DateTime<Utc>,
    /// The IANA zone in which days begin and end.
    #[schema(examples("Europe/Berlin"))]
    pub zone: String,
    /// Today, up to now.
    pub today: Row,
    /// This week, from Monday on.
    pub this_week: Row,
    /// The last 30 days, today among them, as one.
    pub last_30_days: Row,
    /// Each of these days.
    pub days: Vec<Row>,
    /// The departments that can be asked of, by name.
    pub departments: Vec<NamedDepartment>,
}

/// What a front page needs, in one call: today, this week, and the last 30 days.
///
/// Who sees what is as for the figures of days.
#[utoipa::path(tag = "analytics", operation_id = "dashboard_figures", params(Whose),
    responses((status = 200, body = Dashboard), Problems), security(("bearer" = ["analytics:read"])))]
#[get("/analytics/dashboard")]
pub async fn dashboard(
    call: Call<scope::AnalyticsRead>,
    state: web::Data<State>,
    query: Result<web::Query<Whose>, actix_web::Error>,
) -> Result<Reply, Problem> {
    let whose =
        query.map_err(|error| Problem::new(Code::InvalidRequest).message(error.to_string()))?.into_inner();
    let Whose { department_id, practitioner_id } = whose;
    let asked = Asked { department_id, practitioner_id, ..Asked::default() };
    let sight = sight(&call, &asked).await?;
    let bound = match call.reach()? {
        Reach::Department { department_id } => Some(department_id),
        _ => None,
    };
    let (zone, now) = (state.config.zone, call.context().clock.now());
    let today = zone.day(now);
    let month = Span::until(today, DAYS);
    let week = Span { from: Span { from: today, to: today }.weeks().from, to: today };
    let found = call
        .read(move |db| {
            let mut of =
                |span, step| figures(db, Selection { span, step, group_by: None, sight }, (zone, now));
            let days = of(month, Step::Day)?.results;
            Ok(Dashboard {
                at: now,
                zone: zone.to_string(),
                today: only(of(Span { from: today, to: today }, Step::Whole)?)?,
                this_week: only(of(week, Step::Whole)?)?,
                last_30_days: only(of(month, Step::Whole)?)?,
                days,
                departments: departments(db, bound)?,
            })
        })
        .await?;
    Reply::ok(&found)
}

/// A report that is not cut has one row.
fn only(report: Report) -> Result<Row, Problem> {
    report.results.into_iter().next().ok_or_else(|| Code::Internal.into())
}

fn departments(db: &mut hms_db::Db, bound: Option<DepartmentId>) -> Result<Vec<NamedDepartment>, Problem> {
    let names = directory::names(db)?.departments;
    let seen = names.into_iter().filter(|(id, _)| bound.is_none_or(|bound| bound == *id));
    let mut departments: Vec<_> = seen.map(|(id, name)| NamedDepartment { id, name }).collect();
    departments.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
    Ok(departments)
}
