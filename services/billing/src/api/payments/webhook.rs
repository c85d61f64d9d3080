//! `POST /billing/payments/webhook`.

use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, post};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::PaymentId;
use hms_model::money::{Currency, Money};
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::State;
use crate::books;
use crate::domain::{Payment, PaymentStatus, Refusal};
use crate::provider::is_signed;
use crate::store;

/// What the payment provider tells; it says more than is read here.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ProviderEvent {
    /// What has happened: `payment_intent.succeeded`, `payment_intent.payment_failed`; others are passed over.
    #[serde(rename = "type")]
    kind: String,
    /// To what.
    data: ProviderData,
}

/// Wraps what it has happened to.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ProviderData {
    #[schema(value_type = Object)]
    object: serde_json::Value,
}

#[derive(Debug, Deserialize)]
struct IntentObject {
    id: String,
    #[serde(default)]
    amount_received: i64,
    currency: String,
    #[serde(default)]
    metadata: Metadata,
    last_payment_error: Option<IntentError>,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    payment_id: Option<PaymentId>,
}

#[derive(Debug, Deserialize)]
struct IntentError {
    #[serde(default)]
    code: String,
}

/// Takes what the payment provider tells of a payment: that it was taken, or was not. Told twice, done once.
///
/// No token, but the header `Stripe-Signature`: `t=<seconds>,v1=<HMAC-SHA256 of "<t>.<body>" in hex>`, at most five
/// minutes old; anything else is 400.
#[utoipa::path(tag = "payments", operation_id = "payment_webhook", request_body = ProviderEvent,
    responses((status = 204, description = "Taken, or passed over"), Problems))]
#[post("/billing/payments/webhook")]
pub async fn webhook(
    call: Call<scope::Anyone>,
    state: web::Data<State>,
    request: HttpRequest,
    body: Bytes,
) -> Result<Reply, Problem> {
    let provider = state.provider.as_ref().ok_or(Code::NotFound)?;
    let header = request.headers().get("Stripe-Signature").and_then(|value| value.to_str().ok());
    let now = call.context().clock.now();
    if !is_signed(header.unwrap_or_default(), &body, &provider.webhook_secret, now) {
        return Err(Problem::field(
            Code::InvalidRequest,
            "Stripe-Signature",
            "is not the provider's, or too old",
        ));
    }
    let unreadable = |_| Problem::new(Code::InvalidRequest);
    let event: ProviderEvent = serde_json::from_slice(&body).map_err(unreadable)?;
    if !matches!(event.kind.as_str(), "payment_intent.succeeded" | "payment_intent.payment_failed") {
        return Ok(Reply::no_content());
    }
    let intent: IntentObject = serde_json::from_value(event.data.object).map_err(unreadable)?;
    let taken = event.kind == "payment_intent.succeeded";
    call.write_unkeyed(move |work| {
        take(work, &intent, taken)?;
        Ok(Reply::no_content())
    })
    .await
}

fn take(work: &mut Work<'_>, intent: &IntentObject, taken: bool) -> Result<(), Problem> {
    let payment = find(work, intent)?;
    if payment.status != PaymentStatus::Pending {
        return Ok(());
    }
    if !taken {
        // The patient may try another card: the intent stays open, and the reason is told meanwhile.
        let mut next = payment.touched(work.now);
        next.provided.failure = intent.last_payment_error.as_ref().map(|error| error.code.clone());
        books::written(store::payments::save(work.db, &next))?;
        return books::audit_payment(work, Action::Update, &next, "not taken by the provider");
    }
    let currency: Currency = intent.currency.to_uppercase().parse().map_err(|_| Code::InvalidRequest)?;
    if Money::new(intent.amount_received, currency) != payment.amount {
        return Err(Refusal::Field("amount_received", "is not the amount of the payment").into());
    }
    let mut next = payment.capture(work.now)?;
    next.provided.provider_reference = Some(intent.id.clone());
    next.provided.failure = None;
    next.received_on = work.now.date_naive();
    let invoice = next.invoice_id.map(|id| store::invoices::hold(work.db, id)).transpose()?;
    let saved = books::capture(work, next, invoice, |work, next| Ok(store::payments::save(work.db, next)?))?;
    // Overtaken by the same news, or by the courier: the provider tells it again.
    saved.map(|_| ()).ok_or_else(|| Code::Unavailable.into())
}

/// By the provider's name for it; where that is not known yet, by ours, which it gives back.
fn find(work: &mut Work<'_>, intent: &IntentObject) -> Result<Payment, Problem> {
    if let Some(payment) = store::payments::by_provider_reference(work.db, &intent.id)? {
        return Ok(payment);
    }
    let id = intent.metadata.payment_id.ok_or(Code::NotFound)?;
    let payment = store::payments::find(work.db, id)?;
    // Another intent than the one that was made for it, or no payment of the provider's at all.
    if !payment.provided.by_provider || payment.provided.provider_reference.is_some() {
        return Err(Code::NotFound.into());
    }
    Ok(payment)
}
