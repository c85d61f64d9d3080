//! `POST /billing/payments`.

use actix_web::{post, web};
use chrono::NaiveDate;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::{InvoiceId, PatientId, PayerId};
use hms_model::money::Money;
use hms_model::role::{Reach, scope};
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::State;
use crate::books;
use crate::domain::{Method, NewPayment, Payment, PaymentStatus, Reference, Refusal};
use crate::store;

/// What a client sends to take a payment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakePayment {
    /// How it comes in.
    method: Method,
    /// The invoice that it is for. Without one it is credit of the patient.
    invoice_id: Option<InvoiceId>,
    /// The patient; of the invoice unless it is said.
    patient_id: Option<PatientId>,
    /// The insurance that pays; of the invoice unless it is said.
    payer_id: Option<PayerId>,
    /// How much, in minor units.
    amount: Money,
    /// The day that the money came in; today unless it is said.
    received_on: Option<NaiveDate>,
    /// What stands beside it on a bank statement.
    reference: Option<Reference>,
    /// Whether the payment provider shall take it, by card: it stays `pending` until the provider says that it was taken,
    /// and `client_secret` comes as soon as the provider knows of it.
    #[serde(default)]
    by_provider: bool,
}

/// Takes a payment in. What is more than the invoice's open part becomes credit.
#[utoipa::path(tag = "payments", request_body = TakePayment, operation_id = "take_payment",
    responses((status = 201, body = Payment), Problems), security(("bearer" = ["payment:write"])))]
#[post("/billing/payments")]
pub async fn create(
    call: Call<scope::PaymentWrite>,
    state: web::Data<State>,
    body: Json<TakePayment>,
) -> Result<Reply, Problem> {
    let new = body.into_inner();
    if new.by_provider && state.provider.is_none() {
        return Err(Refusal::Field("by_provider", "no payment provider is set").into());
    }
    let reach = call.reach()?;
    let reply = call.write(move |work| take(work, new, reach)).await?;
    if let Some(provider) = &state.provider {
        provider.wake.notify_one();
    }
    Ok(reply)
}

fn take(work: &mut Work<'_>, new: TakePayment, reach: Reach) -> Result<Reply, Problem> {
    let invoice = match new.invoice_id.map(|id| store::invoices::hold(work.db, id)).transpose() {
        Err(hms_db::Error::NotFound) => return Err(Refusal::Unknown("invoice_id").into()),
        found => found?,
    };
    let department = invoice.as_ref().and_then(|invoice| invoice.department_id);
    let of_invoice = invoice.as_ref().map(|invoice| invoice.patient_id);
    let patient_id = new.patient_id.or(of_invoice).ok_or(Refusal::Field("patient_id", "who pays?"))?;
    if of_invoice.is_some_and(|of| of != patient_id) {
        return Err(Refusal::Field("patient_id", "the invoice is another patient's").into());
    }
    if !reach.covers_in(patient_id, department) {
        return Err(Refusal::Unknown("invoice_id").into());
    }
    if let Some(invoice) = invoice.as_ref().filter(|invoice| !invoice.status.is_owed()) {
        return Err(Refusal::Illegal(invoice.status).into());
    }
    if invoice.is_none() && store::directory::patient_name(work.db, patient_id)?.is_none() {
        return Err(Refusal::Unknown("patient_id").into());
    }
    let insured = new.method == Method::Insurance;
    let payer_id = new.payer_id.or(invoice.as_ref().and_then(|invoice| invoice.payer_id)).filter(|_| insured);
    let new = NewPayment {
        method: new.method,
        patient_id: Some(patient_id),
        payer_id,
        invoice_id: new.invoice_id,
        amount: new.amount,
        received_on: new.received_on.unwrap_or(work.now.date_naive()),
        reference: new.reference,
        source: None,
        by_provider: new.by_provider,
    };
    let payment = Payment::new(new, work.new_id(), work.now)?;
    if payment.status == PaymentStatus::Pending {
        store::payments::insert(work.db, &payment)?;
        books::audit_payment(work, Action::Create, &payment, "pending")?;
        return made(&payment);
    }
    let write = |work: &mut Work<'_>, payment: &Payment| Ok(store::payments::insert(work.db, payment)?);
    let taken = books::capture(work, payment, invoice, write)?;
    made(&taken.ok_or(Code::Internal)?)
}

fn made(payment: &Payment) -> Result<Reply, Problem> {
    let place = format!("/api/v1/billing/payments/{}", payment.id);
    Ok(Reply::created(payment)?.version(payment.version).at(place))
}
