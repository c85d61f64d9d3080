//! What is asked for, and what whoever asks may see of it.

use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, web};
use chrono::NaiveDate;
use hms_model::coded_enum;
use hms_model::id::{DepartmentId, PractitionerId};
use hms_model::role::{Reach, Requirement, Scope, scope};
use hms_problem::{Code, Problem};
use hms_service::Call;
use serde::Deserialize;
use utoipa::IntoParams;

use super::LONGEST;
use crate::domain::{GroupBy, Sight, Span, Step};
use crate::store::directory;

coded_enum! {
    /// How figures are written.
    pub enum Format {
        /// As JSON.
        Json = "json",
        /// As a table for a spreadsheet.
        Csv = "csv",
    }
}

/// The query of a request, or what is wrong with it.
pub type Query = Result<web::Query<Asked>, actix_web::Error>;

/// Which figures.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// The first day, in the zone of the clinic.
    #[param(example = "2026-01-01")]
    pub from: Option<NaiveDate>,
    /// The last day; today unless it is said. At most 366 days in all.
    #[param(example = "2026-01-31")]
    pub to: Option<NaiveDate>,
    /// Only of this department.
    pub department_id: Option<DepartmentId>,
    /// Only of this practitioner.
    pub practitioner_id: Option<PractitionerId>,
    /// By what the figures are told apart.
    #[param(inline)]
    pub group_by: Option<GroupBy>,
    /// `json` or `csv`; `Accept: text/csv` says the same.
    #[param(inline)]
    pub format: Option<Format>,
}

impl Asked {
    /// The days that are asked for; where nothing is said, so many up to today. Weeks are whole ones.
    pub fn span(&self, today: NaiveDate, step: Step, usual: u64) -> Result<Span, Problem> {
        let to = self.to.unwrap_or(today);
        let span = match self.from {
            Some(from) => Span { from, to },
            None => Span::until(to, usual),
        };
        if span.len() == 0 {
            return Err(Problem::field(Code::Unprocessable, "to", "must not be before from"));
        }
        if span.len() > LONGEST {
            let reason = format!("must not be more than {LONGEST} days after from");
            return Err(Problem::field(Code::Unprocessable, "to", reason));
        }
        Ok(if step == Step::Week { span.weeks() } else { span })
    }

    /// Whether a table is asked for: by the query, or else by what the client accepts.
    pub fn wants_csv(&self, request: &HttpRequest) -> bool {
        match self.format {
            Some(format) => format == Format::Csv,
            None => prefers_csv(request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok())),
        }
    }
}

/// Whether `text/csv` stands there by name and JSON does not.
fn prefers_csv(accept: Option<&str>) -> bool {
    let named = |kind: &str| {
        let kinds = accept.unwrap_or_default().split(',');
        kinds.filter_map(|part| part.split(';').next()).any(|name| name.trim().eq_ignore_ascii_case(kind))
    };
    named("text/csv") && !named("application/json")
}

/// What the caller sees of it. Access that is bound to a department sees that department; those who treat see their own
/// figures; money is shown to those who may read invoices.
pub async fn sight(call: &Call<scope::AnalyticsRead>, asked: &Asked) -> Result<Sight, Problem> {
    let claims = call.claims()?;
    let own = bound_to_themselves(call).await?;
    let department = match claims.reach() {
        Reach::Everyone => None,
        Reach::Department { department_id } => Some(department_id),
        Reach::Own { .. } => return Err(Code::Forbidden.into()),
    };
    Ok(Sight {
        money: own.is_none() && claims.meets(Requirement::Scope(Scope::InvoiceRead)),
        patients: own.is_none() && department.is_none(),
        department_id: narrowed("department_id", department, asked.department_id)?,
        practitioner_id: narrowed("practitioner_id", own, asked.practitioner_id)?,
    })
}

/// The practitioner whose figures alone a caller sees: their own, where all that they do is to treat.
async fn bound_to_themselves(call: &Call<scope::AnalyticsRead>) -> Result<Option<PractitionerId>, Problem> {
    let claims = call.claims()?;
    let mut staff = claims.roles.iter().filter(|role| role.is_staff()).peekable();
    if staff.peek().is_none() || !staff.all(|role| role.is_clinical()) {
        return Ok(None);
    }
    let (named, account) = (claims.practitioner_id, claims.sub);
    let known = match named {
        Some(id) => Some(id),
        None => call.read(move |db| Ok(directory::practitioner_of(db, account)?)).await?,
    };
    let unknown = || Problem::new(Code::Forbidden).message("Your account is not linked to a practitioner.");
    known.map(Some).ok_or_else(unknown)
}

/// What is asked for within what may be seen.
fn narrowed<T: PartialEq>(field: &str, bound: Option<T>, asked: Option<T>) -> Result<Option<T>, Problem> {
    match (bound, asked) {
        (Some(bound), Some(asked)) if bound != asked => {
            Err(Problem::field(Code::Forbidden, field, "you see other figures than these"))
        }
        (bound, asked) => Ok(bound.or(asked)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_given_to_those_who_name_it() {
        for (accept, table) in [
            (None, false),
            (Some("*/*"), false),
            (Some("text/csv"), true),
            (Some("text/html, text/CSV;q=0.9"), true),
            (Some("text/csv, application/json"), false),
        ] {
            assert_eq!(prefers_csv(accept), table, "{accept:?}");
        }
    }
}
