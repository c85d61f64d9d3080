//! `POST /internal/billing/payments`: for other services of the platform, past the gateway.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::id::PatientId;
use hms_model::money::Money;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::books;
use crate::domain::{Method, NewPayment, Payment, Reference};
use crate::store;

/// A payment that another service took, such as for the storage of belongings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BookPayment {
    /// The service: `facility`.
    source: Reference,
    /// Its own name for the payment. With `source` it stands for one payment, however often it is sent.
    source_reference: Reference,
    /// How it came in.
    method: Method,
    /// How much, in minor units.
    amount: Money,
    /// The patient, where it is credit for invoices here; none where the other service has earned it itself.
    patient_id: Option<PatientId>,
}

/// Books a payment that another service took: once, however often it is asked for.
///
/// The same source and reference with another amount is 409 `DUPLICATE`.
#[utoipa::path(tag = "internal", request_body = BookPayment, operation_id = "book_payment",
    responses((status = 201, body = Payment), (status = 200, body = Payment, description = "It was there already"),
        Problems), security(("bearer" = [])))]
#[post("/internal/billing/payments")]
pub async fn book(call: Call<scope::Internal>, body: Json<BookPayment>) -> Result<Reply, Problem> {
    let asked = body.into_inner();
    call.write(move |work| once(work, asked)).await
}

fn once(work: &mut Work<'_>, asked: BookPayment) -> Result<Reply, Problem> {
    let names = (String::from(asked.source), String::from(asked.source_reference));
    let new = NewPayment {
        method: asked.method,
        patient_id: asked.patient_id,
        payer_id: None,
        invoice_id: None,
        amount: asked.amount,
        received_on: work.now.date_naive(),
        reference: None,
        source: Some(names.clone()),
        by_provider: false,
    };
    let payment = Payment::new(new, work.new_id(), work.now)?;
    let write = |work: &mut Work<'_>, payment: &Payment| Ok(store::payments::insert(work.db, payment)?);
    let booked = books::capture(work, payment, None, write)?;
    if let Some(payment) = booked {
        return Ok(Reply::created(&payment)?.version(payment.version));
    }
    let there = store::payments::by_source(work.db, &names.0, &names.1)?;
    if there.amount != asked.amount || there.method != asked.method || there.patient_id != asked.patient_id {
        return Err(Problem::new(Code::Duplicate).detail("id", there.id.to_string()));
    }
    Ok(Reply::ok(&there)?.version(there.version))
}
