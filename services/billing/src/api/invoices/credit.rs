//! `POST /billing/invoices/{id}/credit`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::event::BillingInvoiceIssued;
use hms_model::id::InvoiceId;
use hms_model::money::Money;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::hold;
use super::new::NewInvoiceLine;
use crate::books;
use crate::domain::{Invoice, Note, Refusal, Side, booking};
use crate::store;

/// What a client sends to credit an invoice.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCredit {
    /// Why; it becomes the note of the credit note.
    reason: Note,
    /// What is taken back, as an invoice would say it.
    lines: Vec<NewInvoiceLine>,
}

/// Takes back a part of an invoice, or all of it: makes a credit note with a number of its own.
///
/// It closes what is open first; what was paid already becomes credit of whoever paid.
#[utoipa::path(tag = "invoices", params(("id" = Uuid, Path, description = "The invoice")),
    operation_id = "credit_invoice", request_body = NewCredit,
    responses((status = 201, body = Invoice, description = "The credit note"), Problems),
    security(("bearer" = ["invoice:issue"])))]
#[post("/billing/invoices/{id}/credit")]
pub async fn credit(
    call: Call<scope::InvoiceIssue>,
    id: web::Path<InvoiceId>,
    body: Json<NewCredit>,
) -> Result<Reply, Problem> {
    let (reach, id, new) = (call.reach()?, id.into_inner(), body.into_inner());
    call.write(move |work| {
        let invoice = hold(work, id, reach)?;
        let note = make(work, &invoice, new)?;
        let place = format!("/api/v1/billing/invoices/{}", note.id);
        Ok(Reply::created(&note)?.version(note.version).at(place))
    })
    .await
}

fn make(work: &mut Work<'_>, invoice: &Invoice, new: NewCredit) -> Result<Invoice, Problem> {
    let mut lines = Vec::with_capacity(new.lines.len());
    for line in new.lines {
        lines.push(line.priced(work, invoice.currency, work.now.date_naive())?);
    }
    let note = invoice.credit_note(work.new_id(), lines, new.reason, work.now)?;
    let credited = invoice.credited_by(note.total)?;
    let mut next = take_off(work, invoice.clone(), Side::Patient, credited.patient_excess)?;
    next = take_off(work, next, Side::Payer, credited.payer_excess)?;
    next = next.take_credit(&credited, work.now)?;
    next.version = invoice.version + 1;
    books::save_invoice(work, invoice, &next)?;
    let owed = note.issue_note(work.now.date_naive(), &credited);
    let stamp = books::stamp(work);
    let book = |note: &Invoice| booking::credited(note, &credited, stamp);
    let note = books::number(work, owed, book, |work, note| Ok(store::invoices::insert(work.db, note)?))?;
    work.publish(&BillingInvoiceIssued(books::facts(&note)))?;
    books::audit(work, Action::Create, &note, "credit note")?;
    Ok(note)
}

/// Takes this much of the payments of a side off the invoice, the latest first: it becomes their credit.
fn take_off(work: &mut Work<'_>, invoice: Invoice, side: Side, excess: Money) -> Result<Invoice, Problem> {
    if excess.is_zero() {
        return Ok(invoice);
    }
    let mut left = excess;
    for (payment, amount) in store::payments::hold_of_invoice(work.db, invoice.id, side)?.into_iter().rev() {
        if left.is_zero() {
            break;
        }
        let part = left.least(Money::new(amount, left.currency)).map_err(Refusal::from)?;
        let mut next = payment.touched(work.now);
        next.unapplied = next.unapplied.plus(part).map_err(Refusal::from)?;
        books::written(store::payments::save(work.db, &next))?;
        store::payments::take_back(work.db, payment.id, invoice.id, part.amount)?;
        left = left.minus(part).map_err(Refusal::from)?;
    }
    if !left.is_zero() {
        // What was settled by an earlier credit is not there to be credited again.
        return Err(Refusal::TooMuch(excess.minus(left).map_err(Refusal::from)?).into());
    }
    Ok(invoice.settle(side, excess.negated().map_err(Refusal::from)?, work.now)?)
}
