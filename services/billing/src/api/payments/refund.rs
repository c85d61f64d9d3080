//! `POST /billing/payments/{id}/refund`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::PaymentId;
use hms_model::money::Money;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::State;
use crate::api::of_the_whole;
use crate::books;
use crate::domain::{Note, Payment, Refund, RefundStatus, Refusal};
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
///
/// What the payment provider took, it gives back: the refund is `pending` until it has.
#[utoipa::path(tag = "payments", params(("id" = Uuid, Path, description = "The payment")),
    operation_id = "refund_payment", request_body = NewRefund,
    responses((status = 200, body = Payment), Problems), security(("bearer" = ["payment:refund"])))]
#[post("/billing/payments/{id}/refund")]
pub async fn refund(
    call: Call<scope::PaymentRefund>,
    state: web::Data<State>,
    id: web::Path<PaymentId>,
    body: Json<NewRefund>,
) -> Result<Reply, Problem> {
    of_the_whole(&call)?;
    let (id, new) = (id.into_inner(), body.into_inner());
    let reply = call.write(move |work| give_back(work, id, new)).await?;
    if let Some(provider) = &state.provider {
        provider.wake.notify_one();
    }
    Ok(reply)
}

fn give_back(work: &mut Work<'_>, id: PaymentId, new: NewRefund) -> Result<Reply, Problem> {
    let payment = store::payments::find(work.db, id)?;
    work.check_version(payment.version)?;
    let amount = match new.amount {
        Some(amount) => amount,
        None => payment.refundable()?,
    };
    let wish = Refund {
        id: work.new_id(),
        payment_id: id,
        amount,
        status: RefundStatus::Pending,
        reason: new.reason,
        created_at: work.now,
    };
    let payment = if payment.provided.by_provider {
        ask_provider(work, &wish)?
    } else {
        // Refused here, before anything is held, and once more by the rules when it is done.
        payment.refund(amount, Money::zero(amount.currency), work.now)?;
        books::refund_now(work, &wish, &payment)?
    };
    Ok(Reply::ok(&payment)?.version(payment.version))
}

/// Writes down what the provider shall give back; what it has been asked for before counts as given back.
fn ask_provider(work: &mut Work<'_>, wish: &Refund) -> Result<Payment, Problem> {
    let payment = store::payments::hold(work.db, wish.payment_id)?;
    let pending = store::payments::refunds(work.db, payment.id)?
        .into_iter()
        .filter(|wish| wish.status == RefundStatus::Pending)
        .map(|wish| wish.amount);
    let currency = payment.amount.currency;
    let asked = Money::sum(currency, pending).map_err(Refusal::from)?;
    let left = payment.refundable()?.minus(asked).map_err(Refusal::from)?;
    if wish.amount.currency != currency || wish.amount.amount > left.amount {
        return Err(Refusal::TooMuch(left).into());
    }
    if wish.amount.amount <= 0 {
        return Err(Refusal::NoAmount.into());
    }
    store::payments::insert_refund(work.db, wish)?;
    books::audit_payment(work, Action::Update, &payment, "refund asked for")?;
    Ok(payment)
}
