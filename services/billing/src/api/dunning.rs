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

/// What the dunning of today has done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dunned {
    /// How many invoices are on a higher level now.
    raised: usize,
}

/// Does the dunning of today, unless it has been done: it happens by itself, within the hour.
#[utoipa::path(tag = "invoices", operation_id = "dun_invoices",
    responses((status = 200, body = Dunned), Problems), security(("bearer" = ["invoice:issue"])))]
#[post("/billing/dunning")]
pub async fn dun(call: Call<scope::InvoiceIssue>, state: web::Data<State>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let steps = state.config.dunning;
    let mut raised = 0;
    loop {
        let round = call.context().write(move |work| dunning::round(work, steps)).await?;
        raised += round.raised;
        if round.done {
            return Reply::ok(&Dunned { raised });
        }
    }
}
