//! `POST /billing/dunning`.

use actix_web::{post, web};
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Serialize;
use utoipa::ToSchema;

use crate::State;
use crate::api::of_the_whole;
use crate::dunning;

/// The most invoices that one request raises, but for the rest of the last round.
const MOST: usize = 1_000;

/// What the dunning of today has done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dunned {
    /// How many invoices are on a higher level now.
    raised: usize,
    /// Whether there may be more to raise today: ask once more, or leave it to the next hour.
    more: bool,
}

/// Does the dunning of today, about 1,000 invoices of it at a time, unless it has been done: it happens by itself, within the
/// hour.
#[utoipa::path(tag = "invoices", operation_id = "dun_invoices",
    responses((status = 200, body = Dunned), Problems), security(("bearer" = ["invoice:issue"])))]
#[post("/billing/dunning")]
pub async fn dun(call: Call<scope::InvoiceIssue>, state: web::Data<State>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let steps = state.config.dunning;
    call.write(move |work| {
        let mut raised = 0;
        loop {
            let round = dunning::round(work, steps)?;
            raised += round.raised;
            if round.done || raised >= MOST {
                return Reply::ok(&Dunned { raised, more: !round.done });
            }
        }
    })
    .await
}
