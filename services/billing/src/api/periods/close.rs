//! `POST /accounting/periods/{month}/close`.

use actix_web::{post, web};
use chrono::{Days, Months, NaiveDate};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use super::Period;
use crate::api::of_the_whole;
use crate::domain::Refusal;
use crate::store;

/// Closes the books up to and with a month that is over. It cannot be undone: what is to be corrected is reversed later.
#[utoipa::path(tag = "ledger", params(("month" = String, Path, description = "The month, such as 2026-03")),
    operation_id = "close_period",
    responses((status = 201, body = Period), Problems), security(("bearer" = ["ledger:write"])))]
#[post("/accounting/periods/{month}/close")]
pub async fn close(call: Call<scope::LedgerWrite>, month: web::Path<String>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let month = month.into_inner();
    let wrong = || Problem::field(Code::InvalidRequest, "month", "must be a month such as 2026-03");
    let last_day = last_day(&month).ok_or_else(wrong)?;
    call.write(move |work| {
        let closed = store::ledger::closed(work.db)?;
        if last_day >= work.now.date_naive() || closed.first().is_some_and(|(_, last, _)| last_day <= *last) {
            return Err(Refusal::NotClosable.into());
        }
        store::ledger::close(work.db, &month, last_day, work.now)?;
        work.audit(Act::new(Action::Execute, "ledger_period").detail(month.clone()))?;
        Reply::created(&Period { month, last_day, closed_at: work.now })
    })
    .await
}

fn last_day(month: &str) -> Option<NaiveDate> {
    let right = month.len() == 7 && month.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let first = NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d").ok().filter(|_| right)?;
    first.checked_add_months(Months::new(1))?.checked_sub_days(Days::new(1))
}
