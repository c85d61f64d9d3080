//! What happens to money, as units of work do it: rows, ledger entry, events and audit together. The rules are pure
//! and stand in `domain`; the order in which rows are held is that of [`store::invoices::hold`].

use chrono::NaiveDate;
use hms_db::Error;
use hms_model::audit::Action;
use hms_model::event::{
    BillingInvoiceIssued, BillingInvoicePaid, BillingInvoiceVoided, BillingPaymentCaptured,
    BillingPaymentRefunded, InvoiceFacts, PaymentFacts,
};
use hms_model::id::{DepartmentId, Id, PractitionerId};
use hms_model::money::Money;
use hms_problem::{Code, Problem};
use hms_service::{Act, Work};

use crate::domain::booking::{self, Stamp};
use crate::domain::{
    Claim, ClaimStatus, Entry, Invoice, Issue, Kind, Payment, Refund, RefundStatus, Refusal, Side, Status,
    Unnumbered,
};
use crate::store;

/// How an invoice shall be issued.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The day that it counts for.
    pub on: NaiveDate,
    /// Within how many days it is to be paid.
    pub due_in_days: u64,
    /// What the insurance takes; none: as the coverage says.
    pub payer_due: Option<i64>,
}

/// What an entry of this unit of work is given.
pub fn stamp(work: &Work<'_>) -> Stamp {
    Stamp { id: Id::new(work.now), on: work.now.date_naive(), now: work.now }
}

/// Writes an entry, if there is one to write.
pub fn post(work: &mut Work<'_>, entry: Option<Entry>) -> Result<(), Problem> {
    let Some(entry) = entry else { return Ok(()) };
    store::ledger::post(work.db, &entry).map_err(|error| not_posted(error, &entry))
}

fn not_posted(error: Error, entry: &Entry) -> Problem {
    match error {
        Error::Exclusion { .. } => {
            Problem::new(Code::PeriodClosed).detail("day", entry.booked_on.to_string())
        }
        other => other.into(),
    }
}

/// Writes what is issued, with its number and its entry, which `book` makes of it; the row itself by `write`.
///
/// Whoever has taken a number holds its series until the commit, and all others who issue wait. So what does not say the
/// number, the postings, is written before it is taken, and after it there are as few statements as there can be.
pub fn number(
    work: &mut Work<'_>,
    owed: Unnumbered,
    book: impl Fn(&Invoice) -> Result<Option<Entry>, Refusal>,
    write: impl FnOnce(&mut Work<'_>, &Invoice) -> Result<(), Problem>,
) -> Result<Invoice, Problem> {
    if let Some(entry) = book(owed.invoice())? {
        store::ledger::lay(work.db, &entry)?;
    }
    let number = store::invoices::take_number(work.db, owed.invoice().kind)?;
    let issued = owed.numbered(number);
    write(work, &issued)?;
    if let Some(entry) = book(&issued)? {
        store::ledger::seal(work.db, &entry).map_err(|error| not_posted(error, &entry))?;
    }
    Ok(issued)
}

/// Nobody else can have changed what is held; should it be so nonetheless, nobody's change is lost.
pub fn written(saved: hms_db::Result<bool>) -> Result<(), Problem> {
    if saved? { Ok(()) } else { Err(Code::PreconditionFailed.into()) }
}

/// Saves an invoice that has changed. When nothing of it is open any more, it tells so.
pub fn save_invoice(work: &mut Work<'_>, before: &Invoice, next: &Invoice) -> Result<(), Problem> {
    written(store::invoices::save(work.db, next))?;
    if next.status == Status::Paid && before.status != Status::Paid {
        work.publish(&BillingInvoicePaid(facts(next)))?;
    }
    if next.payer_due.amount > 0 {
        follow(work, before, next)?;
    }
    Ok(())
}

/// The claim is paid when the insurance owes nothing more, and open again when its payment went back.
fn follow(work: &mut Work<'_>, before: &Invoice, next: &Invoice) -> Result<(), Problem> {
    let owes = |invoice: &Invoice| Ok::<_, Problem>(!invoice.open_of(Side::Payer)?.is_zero());
    let status = match (owes(before)?, owes(next)?) {
        (true, false) if next.status.is_owed() => ClaimStatus::Paid,
        (false, true) if before.status.is_owed() => ClaimStatus::Accepted,
        _ => return Ok(()),
    };
    let Some(claim) = store::claims::hold_of_invoice(work.db, next.id)? else { return Ok(()) };
    if claim.status.moves().contains(&status) {
        written(store::claims::save(work.db, &claim.become_status(status, work.now)?))?;
    }
    Ok(())
}

/// Issues an invoice that is held, or that is about to be written: takes its number, books it, asks the insurance.
/// The row itself is the caller's to write, by `write`.
pub fn issue(
    work: &mut Work<'_>,
    draft: &Invoice,
    terms: Terms,
    write: impl FnOnce(&mut Work<'_>, &Invoice) -> Result<(), Problem>,
) -> Result<Invoice, Problem> {
    draft.issuable()?;
    if terms.on > work.now.date_naive() {
        return Err(Refusal::Field("issued_on", "must not lie in the future").into());
    }
    let payer_due = payer_due(work, draft, terms)?;
    let due_on = terms.on.checked_add_days(chrono::Days::new(terms.due_in_days));
    let due_on = due_on.ok_or(Refusal::Field("due_in_days", "is too far away"))?;
    let owed = draft.issue(Issue { on: terms.on, due_on, payer_due }, work.now)?;
    let stamp = Stamp { on: terms.on, ..stamp(work) };
    let issued = number(work, owed, |invoice| booking::issued(invoice, stamp), write)?;
    if let (Some(payer_id), true) = (issued.payer_id, payer_due.amount > 0) {
        let claim = claim(work, &issued, payer_id, payer_due);
        store::claims::insert(work.db, &claim)?;
    }
    work.publish(&BillingInvoiceIssued(facts(&issued)))?;
    if issued.status == Status::Paid {
        work.publish(&BillingInvoicePaid(facts(&issued)))?;
    }
    audit(work, Action::Update, &issued, "issued")?;
    Ok(issued)
}

fn claim(work: &Work<'_>, invoice: &Invoice, payer_id: hms_model::id::PayerId, claimed: Money) -> Claim {
    Claim {
        id: Id::new(work.now),
        invoice_id: invoice.id,
        payer_id,
        coverage_id: invoice.coverage_id,
        patient_id: invoice.patient_id,
        status: ClaimStatus::Draft,
        claimed,
        agreed: None,
        reason: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    }
}

fn payer_due(work: &mut Work<'_>, invoice: &Invoice, terms: Terms) -> Result<Money, Problem> {
    if let Some(amount) = terms.payer_due {
        if amount > 0 && invoice.payer_id.is_none() {
            return Err(Refusal::Field("payer_due", "the invoice names no insurance").into());
        }
        return Ok(Money::new(amount, invoice.currency));
    }
    let Some(coverage_id) = invoice.coverage_id else { return Ok(Money::zero(invoice.currency)) };
    let coverage = store::coverages::find(work.db, coverage_id)?;
    if !coverage.holds_on(terms.on) {
        return Ok(Money::zero(invoice.currency));
    }
    Ok(coverage.terms.payer_part(invoice.total).map_err(Refusal::from)?)
}

/// Takes a payment in: what its invoice, which is held, can take goes there, the rest is credit. The payment is written
/// by `write` once its parts are known; it tells whether it was.
pub fn capture(
    work: &mut Work<'_>,
    payment: Payment,
    invoice: Option<Invoice>,
    write: impl FnOnce(&mut Work<'_>, &Payment) -> Result<bool, Problem>,
) -> Result<Option<Payment>, Problem> {
    let nothing = Money::zero(payment.amount.currency);
    let place = invoice.as_ref().map(place);
    let applied = match &invoice {
        Some(invoice) if invoice.currency != payment.amount.currency => {
            return Err(Refusal::Currency(invoice.currency).into());
        }
        Some(invoice) if invoice.kind == Kind::Invoice => {
            payment.amount.least(invoice.open_of(payment.side)?).map_err(Refusal::from)?
        }
        _ => nothing,
    };
    let rest = payment.amount.minus(applied).map_err(Refusal::from)?;
    let unapplied = if payment.is_foreign() { nothing } else { rest };
    let payment = Payment { unapplied, ..payment };
    if !write(work, &payment)? {
        return Ok(None);
    }
    if let Some(invoice) = invoice.filter(|_| !applied.is_zero()) {
        store::payments::allocate(work.db, payment.id, invoice.id, applied.amount)?;
        let next = invoice.settle(payment.side, applied, work.now)?;
        save_invoice(work, &invoice, &next)?;
    }
    let entry = booking::captured(&payment, applied, Stamp { on: payment.received_on, ..stamp(work) })?;
    post(work, entry)?;
    work.publish(&BillingPaymentCaptured(payment_facts(
        &payment,
        payment.amount,
        payment.received_on,
        place,
    )))?;
    audit_payment(work, Action::Create, &payment, "captured")?;
    Ok(Some(payment))
}

/// Gives a payment back, as it was seen in this unit of work: its credit first, then what it paid for, the latest invoice
/// first, which is open again then.
pub fn refund(work: &mut Work<'_>, refund: &Refund, seen: &Payment) -> Result<Payment, Problem> {
    let mut invoices = Vec::new();
    let mut parts = store::payments::allocations(work.db, seen.id)?;
    let mut named: Vec<_> = parts.iter().map(|(id, _)| *id).collect();
    named.sort_unstable();
    for id in named {
        invoices.push(store::invoices::hold(work.db, id)?);
    }
    let payment = store::payments::hold(work.db, seen.id)?;
    if payment.version != seen.version {
        parts = store::payments::allocations(work.db, payment.id)?;
    }
    let from_credit = refund.amount.least(payment.unapplied).map_err(Refusal::from)?;
    let reopened = refund.amount.minus(from_credit).map_err(Refusal::from)?;
    let next = payment.refund(refund.amount, from_credit, work.now)?;
    let from_credit = if payment.is_foreign() { refund.amount } else { from_credit };
    let reopened = if payment.is_foreign() { Money::zero(reopened.currency) } else { reopened };
    let mut left = reopened;
    for (id, amount) in parts {
        if left.is_zero() {
            break;
        }
        // An invoice that the payment has come to in the meantime is not held: that one asks again.
        let invoice = invoices.iter().find(|invoice| invoice.id == id).ok_or(Code::Unavailable)?;
        let part = left.least(Money::new(amount, left.currency)).map_err(Refusal::from)?;
        let back = part.negated().map_err(Refusal::from)?;
        save_invoice(work, invoice, &invoice.settle(payment.side, back, work.now)?)?;
        store::payments::take_back(work.db, payment.id, id, part.amount)?;
        left = left.minus(part).map_err(Refusal::from)?;
    }
    written(store::payments::save(work.db, &next))?;
    let entry = booking::refunded(&next, from_credit, reopened, stamp(work))?;
    post(work, entry)?;
    let place = match next.invoice_id {
        Some(id) => Some(match invoices.iter().find(|invoice| invoice.id == id) {
            Some(invoice) => place(invoice),
            None => place(&store::invoices::find(work.db, id)?),
        }),
        None => None,
    };
    let facts = payment_facts(&next, refund.amount, work.now.date_naive(), place);
    work.publish(&BillingPaymentRefunded(facts))?;
    audit_payment(work, Action::Update, &next, "refunded")?;
    Ok(next)
}

/// Does a refund at once, and writes it down: after it is done, since the row of a refund holds that of its payment, and
/// invoices are held before payments.
pub fn refund_now(work: &mut Work<'_>, refund: &Refund, seen: &Payment) -> Result<Payment, Problem> {
    let payment = self::refund(work, refund, seen)?;
    store::payments::insert_refund(work.db, &Refund { status: RefundStatus::Done, ..refund.clone() })?;
    Ok(payment)
}

/// Calls an invoice void, and takes its entry back.
pub fn void(work: &mut Work<'_>, invoice: &Invoice) -> Result<Invoice, Problem> {
    let next = invoice.void(work.now)?;
    written(store::invoices::save(work.db, &next))?;
    // Only an insurance is asked for anything.
    if invoice.payer_id.is_some()
        && let Some(claim) = store::claims::hold_of_invoice(work.db, invoice.id)?
    {
        written(store::claims::save(work.db, &claim.become_status(ClaimStatus::Cancelled, work.now)?))?;
    }
    if let Some(entry) = store::ledger::of_invoice(work.db, invoice.id.uuid())? {
        let memo = format!("Void: {}", invoice.number.as_deref().unwrap_or("-"));
        let memo = memo.parse().map_err(|_| Code::Internal)?;
        let reversal = entry.reversal(Id::new(work.now), crate::domain::EntryKind::Void, memo, work.now)?;
        post(work, Some(reversal))?;
    }
    if invoice.status != Status::Draft {
        work.publish(&BillingInvoiceVoided(facts(&next)))?;
    }
    audit(work, Action::Update, &next, "void")?;
    Ok(next)
}

/// Tells the audit of an act upon an invoice.
pub fn audit(work: &mut Work<'_>, action: Action, invoice: &Invoice, detail: &str) -> Result<(), Problem> {
    let act = Act::new(action, "invoice").on(invoice.id).of_patient(invoice.patient_id);
    work.audit(act.detail(detail))
}

/// Tells the audit of an act upon a payment.
pub fn audit_payment(
    work: &mut Work<'_>,
    action: Action,
    payment: &Payment,
    detail: &str,
) -> Result<(), Problem> {
    let act = Act::new(action, "payment").on(payment.id).of_patients(payment.patient_id);
    work.audit(act.detail(detail))
}

/// What is told of an invoice.
pub fn facts(invoice: &Invoice) -> InvoiceFacts {
    InvoiceFacts {
        invoice_id: invoice.id,
        version: invoice.version,
        number: invoice.number.clone().unwrap_or_default(),
        kind: invoice.kind.to_string(),
        patient_id: invoice.patient_id,
        appointment_id: invoice.appointment_id,
        total: invoice.total,
        open: invoice.open,
        due_on: invoice.due_on,
        issued_on: invoice.issued_on,
        department_id: invoice.department_id,
        practitioner_id: invoice.practitioner_id,
    }
}

/// Whose revenue an invoice is.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    department_id: Option<DepartmentId>,
    practitioner_id: Option<PractitionerId>,
}

fn place(invoice: &Invoice) -> Place {
    Place { department_id: invoice.department_id, practitioner_id: invoice.practitioner_id }
}

fn payment_facts(payment: &Payment, amount: Money, on: NaiveDate, place: Option<Place>) -> PaymentFacts {
    let Place { department_id, practitioner_id } = place.unwrap_or_default();
    PaymentFacts {
        payment_id: payment.id,
        version: payment.version,
        patient_id: payment.patient_id,
        invoice_id: payment.invoice_id,
        method: payment.method.to_string(),
        amount,
        source: payment.source.clone(),
        reference: payment.source_reference.clone(),
        booked_on: Some(on),
        department_id,
        practitioner_id,
    }
}
