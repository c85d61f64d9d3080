//! `POST /accounting/entries`.

use actix_web::post;
use chrono::NaiveDate;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::DepartmentId;
use hms_model::money::Currency;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::of_the_whole;
use crate::books;
use crate::domain::booking::{self, Stamp};
use crate::domain::{Description, Entry, Posting, Refusal};
use crate::store;

/// A line of an entry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPosting {
    /// The account.
    account: String,
    /// Debit positive, credit negative, in minor units; never 0.
    amount: i64,
    /// Whose revenue or cost it is.
    department_id: Option<DepartmentId>,
}

/// An entry that is written by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEntry {
    /// The day that it counts for; today unless it is said, and never one of a closed month.
    booked_on: Option<NaiveDate>,
    /// What it says.
    memo: Description,
    /// The currency of its amounts.
    currency: Currency,
    /// Its lines, which must sum to nothing: at least two.
    postings: Vec<NewPosting>,
}

/// Writes an entry by hand. It is there for ever: to correct it, it is reversed.
#[utoipa::path(tag = "ledger", request_body = NewEntry, operation_id = "create_entry",
    responses((status = 201, body = Entry), Problems), security(("bearer" = ["ledger:write"])))]
#[post("/accounting/entries")]
pub async fn create(call: Call<scope::LedgerWrite>, body: Json<NewEntry>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let new = body.into_inner();
    call.write(move |work| make(work, new)).await
}

fn make(work: &mut Work<'_>, new: NewEntry) -> Result<Reply, Problem> {
    if new.postings.len() > 100 {
        return Err(Refusal::Field("postings", "at most 100").into());
    }
    let known = store::ledger::accounts(work.db)?;
    if new.postings.iter().any(|posting| known.iter().all(|account| account.code != posting.account)) {
        return Err(Refusal::Unknown("postings").into());
    }
    let on = new.booked_on.unwrap_or(work.now.date_naive());
    if on > work.now.date_naive() {
        return Err(Refusal::Field("booked_on", "must not lie in the future").into());
    }
    let postings = new.postings.into_iter().map(|posting| Posting {
        account: posting.account,
        amount: posting.amount,
        department_id: posting.department_id,
    });
    let stamp = Stamp { on, ..books::stamp(work) };
    let entry = booking::manual(new.memo, new.currency, postings.collect(), stamp)?;
    books::post(work, Some(entry.clone()))?;
    work.audit(Act::new(Action::Create, "ledger_entry").on(entry.id))?;
    Ok(Reply::created(&entry)?.at(format!("/api/v1/accounting/entries/{}", entry.id)))
}
