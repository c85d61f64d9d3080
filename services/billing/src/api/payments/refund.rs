//! `POST /billing/payments/{id}/refund`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::id::PaymentId;
use hms_model::money::Money;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::books;
use crate::domain::{Note, Payment, Refund, RefundStatus};
use crate::store;

/// What a client sends to give a payment back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    /// How much, in minor units; all that is left of it unless it is said.
    amount: Option<Money>,
    /// Why.
    reason: Note,
}

/// Gives a payment back, or a part of it: its credit first, then what it paid for, which is owed again.
#[utoipa::path(tag = "payments", params(("id" = Uuid, Path, description = "The payment")),
    operation_id = "refund_payment", request_body = NewRefund,
    responses((status = 200, body = Payment), Problems), security(("bearer" = ["payment:refund"])))]
#[post("/billing/payments/{id}/refund")]
pub async fn refund(
    call: Call<scope::PaymentRefund>,
    id: web::Path<PaymentId>,
    body: Json<NewRefund>,
) -> Result<Reply, Problem> {
    let (id, new) = (id.into_inner(), body.into_inner());
    call.write(move |work| {
        let payment = store::payments::find(work.db, id)?;
        work.check_version(payment.version)?;
        let amount = match new.amount {
            Some(amount) => amount,
            None => payment.refundable()?,
        };
        // Refused here, before anything is held, and once more by the rules when it is done.
        payment.refund(
            amount,
            amount.least(payment.unapplied).map_err(crate::domain::Refusal::from)?,
            work.now,
        )?;
        let refund = Refund {
            id: work.new_id(),
            payment_id: id,
            amount,
            status: RefundStatus::Done,
            reason: new.reason,
            created_at: work.now,
        };
        let payment = books::refund_now(work, &refund)?;
        Ok(Reply::ok(&payment)?.version(payment.version))
    })
    .await
}
