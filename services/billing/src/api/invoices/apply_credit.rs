//! `POST /billing/invoices/{id}/apply-credit`.

use actix_web::{post, web};
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::id::InvoiceId;
use hms_model::money::Money;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply, Work};

use super::{hold, shown};
use crate::books;
use crate::domain::{Invoice, Refusal, Side, booking};
use crate::store;

/// Settles what the patient owes of an invoice with the patient's credit, as far as it goes, the oldest first.
#[utoipa::path(tag = "invoices", params(("id" = Uuid, Path, description = "The invoice")),
    operation_id = "apply_credit",
    responses((status = 200, body = Invoice), Problems), security(("bearer" = ["payment:write"])))]
#[post("/billing/invoices/{id}/apply-credit")]
pub async fn apply_credit(
    call: Call<scope::PaymentWrite>,
    id: web::Path<InvoiceId>,
) -> Result<Reply, Problem> {
    let (reach, id) = (call.reach()?, id.into_inner());
    call.write(move |work| {
        let invoice = hold(work, id, reach)?;
        shown(&apply(work, &invoice)?)
    })
    .await
}

fn apply(work: &mut Work<'_>, invoice: &Invoice) -> Result<Invoice, Problem> {
    let open = invoice.open_of(Side::Patient)?;
    if !invoice.status.is_owed() || open.is_zero() {
        return Err(Refusal::Illegal(invoice.status).into());
    }
    let used = use_up(work, invoice, open)?;
    if used.is_zero() {
        return Err(Refusal::NoCredit.into());
    }
    let next = invoice.settle(Side::Patient, used, work.now)?;
    books::save_invoice(work, invoice, &next)?;
    let entry = booking::credit_used(&next, Side::Patient, used, books::stamp(work))?;
    books::post(work, entry)?;
    books::audit(work, Action::Update, &next, "credit used")?;
    Ok(next)
}

/// Lets credit of the patient go to the invoice, as much as is open of it or as there is. Says how much that was.
fn use_up(work: &mut Work<'_>, invoice: &Invoice, mut open: Money) -> Result<Money, Problem> {
    let mut used = Money::zero(invoice.currency);
    let mut last = None;
    loop {
        let (few, more) = store::payments::hold_credit(work.db, invoice.patient_id, invoice.currency, last)?;
        for payment in &few {
            let part = payment.unapplied.least(open).map_err(Refusal::from)?;
            let mut next = payment.touched(work.now);
            next.unapplied = next.unapplied.minus(part).map_err(Refusal::from)?;
            books::written(store::payments::save(work.db, &next))?;
            store::payments::allocate(work.db, payment.id, invoice.id, part.amount)?;
            open = open.minus(part).map_err(Refusal::from)?;
            used = used.plus(part).map_err(Refusal::from)?;
            if open.is_zero() {
                return Ok(used);
            }
        }
        if !more {
            return Ok(used);
        }
        last = few.last().map(|payment| payment.id);
    }
}
