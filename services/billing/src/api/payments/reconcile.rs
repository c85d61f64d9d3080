//! `POST /billing/payments/reconcile`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::of_the_whole;
use crate::books;
use crate::domain::statement::{self, Match};
use crate::store;

/// A bank statement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// CSV with the columns `date`, `amount`, `currency` and `reference`; others are passed over.
    csv: String,
}

/// Which payments stand on the statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reconciled {
    /// The lines whose payment was found; it is reconciled now.
    matched: Vec<Match>,
    /// The lines whose payment was not found.
    unmatched: Vec<Match>,
}

/// Finds the payments of a bank statement: by amount, currency and reference. What was found is reconciled, once.
#[utoipa::path(tag = "payments", request_body = Statement, operation_id = "reconcile_payments",
    responses((status = 200, body = Reconciled), Problems), security(("bearer" = ["ledger:write"])))]
#[post("/billing/payments/reconcile")]
pub async fn reconcile(call: Call<scope::LedgerWrite>, body: Json<Statement>) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let lines = statement::read(&body.into_inner().csv)?;
    call.write(move |work| {
        let payments = store::payments::unreconciled(work.db)?;
        let found = statement::match_up(&lines, &payments);
        for (line, found) in lines.iter().zip(&found) {
            let payment = payments.iter().find(|payment| Some(payment.id) == found.payment_id);
            if let Some(payment) = payment {
                let mut next = payment.touched(work.now);
                next.reconciled_on = Some(line.date);
                books::written(store::payments::save(work.db, &next))?;
                books::audit_payment(work, Action::Update, &next, "reconciled")?;
            }
        }
        let (matched, unmatched) = found.into_iter().partition(|line| line.payment_id.is_some());
        Reply::ok(&Reconciled { matched, unmatched })
    })
    .await
}
