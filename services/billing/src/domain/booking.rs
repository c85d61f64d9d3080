//! Which entry follows from which money event: the accounts of each, in one place.

use chrono::{DateTime, NaiveDate, Utc};
use hms_model::id::LedgerEntryId;
use hms_model::money::{Currency, Money};
use uuid::Uuid;

use super::ledger::checked;
use super::{
    Credited, Description, Entry, EntryKind, Invoice, Method, Payment, Posting, Refusal, Side, account,
};

/// What every entry is given.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// The id of the entry.
    pub id: LedgerEntryId,
    /// The day that it counts for.
    pub on: NaiveDate,
    /// When it is written.
    pub now: DateTime<Utc>,
}

/// Owed by the patient and by the insurance; earned, and owed as tax. None for an invoice over nothing.
pub fn issued(invoice: &Invoice, stamp: Stamp) -> Result<Option<Entry>, Refusal> {
    entry(
        EntryKind::Invoice,
        name("Invoice", invoice)?,
        invoice.id.uuid(),
        invoice.currency,
        stamp,
        vec![
            Posting::debit(account::PATIENTS, invoice.patient_due),
            Posting::debit(account::PAYERS, invoice.payer_due),
            Posting::credit(account::REVENUE, invoice.net)?.of(invoice.department_id),
            Posting::credit(account::TAX, invoice.tax)?,
        ],
    )
}

/// No longer earned, nor owed as tax; what had been paid of it becomes credit.
pub fn credited(note: &Invoice, credited: &Credited, stamp: Stamp) -> Result<Option<Entry>, Refusal> {
    entry(
        EntryKind::CreditNote,
        name("Credit note", note)?,
        note.id.uuid(),
        note.currency,
        stamp,
        vec![
            Posting::debit(account::REVENUE, note.net).of(note.department_id),
            Posting::debit(account::TAX, note.tax),
            Posting::credit(account::PATIENTS, credited.patient.minus(credited.patient_excess)?)?,
            Posting::credit(account::PATIENT_CREDIT, credited.patient_excess)?,
            Posting::credit(account::PAYERS, credited.payer.minus(credited.payer_excess)?)?,
            Posting::credit(account::PAYER_CREDIT, credited.payer_excess)?,
        ],
    )
}

/// A loss instead of a claim.
pub fn written_off(invoice: &Invoice, stamp: Stamp) -> Result<Option<Entry>, Refusal> {
    let (patient, payer) = (invoice.open_of(Side::Patient)?, invoice.open_of(Side::Payer)?);
    entry(
        EntryKind::WriteOff,
        name("Write-off", invoice)?,
        invoice.id.uuid(),
        invoice.currency,
        stamp,
        vec![
            Posting::debit(account::BAD_DEBT, patient.plus(payer)?).of(invoice.department_id),
            Posting::credit(account::PATIENTS, patient)?,
            Posting::credit(account::PAYERS, payer)?,
        ],
    )
}

/// Money for what is owed; what is more becomes credit.
pub fn captured(payment: &Payment, applied: Money, stamp: Stamp) -> Result<Option<Entry>, Refusal> {
    let (owed, credit) = accounts(payment.side);
    let rest = payment.amount.minus(applied)?;
    let credit = if payment.is_foreign() { account::OTHER_REVENUE } else { credit };
    entry(
        EntryKind::Payment,
        text("Payment")?,
        payment.id.uuid(),
        payment.amount.currency,
        stamp,
        vec![
            Posting::debit(till(payment.method), payment.amount),
            Posting::credit(owed, applied)?,
            Posting::credit(credit, rest)?,
        ],
    )
}

/// Money back: from credit first, then what it had paid is owed again.
pub fn refunded(
    payment: &Payment,
    from_credit: Money,
    reopened: Money,
    stamp: Stamp,
) -> Result<Option<Entry>, Refusal> {
    let (owed, credit) = accounts(payment.side);
    let credit = if payment.is_foreign() { account::OTHER_REVENUE } else { credit };
    entry(
        EntryKind::Refund,
        text("Refund")?,
        payment.id.uuid(),
        payment.amount.currency,
        stamp,
        vec![
            Posting::debit(credit, from_credit),
            Posting::debit(owed, reopened),
            Posting::credit(till(payment.method), from_credit.plus(reopened)?)?,
        ],
    )
}

/// Credit for what is owed.
pub fn credit_used(
    invoice: &Invoice,
    side: Side,
    amount: Money,
    stamp: Stamp,
) -> Result<Option<Entry>, Refusal> {
    let (owed, credit) = accounts(side);
    entry(
        EntryKind::Credit,
        name("Credit for invoice", invoice)?,
        invoice.id.uuid(),
        invoice.currency,
        stamp,
        vec![Posting::debit(credit, amount), Posting::credit(owed, amount)?],
    )
}

/// What the insurance does not pay, the patient owes.
pub fn shifted(invoice: &Invoice, amount: Money, stamp: Stamp) -> Result<Option<Entry>, Refusal> {
    entry(
        EntryKind::Claim,
        name("Claim for invoice", invoice)?,
        invoice.id.uuid(),
        invoice.currency,
        stamp,
        vec![Posting::debit(account::PATIENTS, amount), Posting::credit(account::PAYERS, amount)?],
    )
}

/// What somebody writes by hand.
pub fn manual(
    memo: Description,
    currency: Currency,
    postings: Vec<Posting>,
    stamp: Stamp,
) -> Result<Entry, Refusal> {
    Ok(Entry {
        id: stamp.id,
        booked_on: stamp.on,
        kind: EntryKind::Manual,
        memo,
        currency,
        source_id: None,
        reverses: None,
        postings: checked(postings)?,
        created_at: stamp.now,
    })
}

fn entry(
    kind: EntryKind,
    memo: Description,
    source: Uuid,
    currency: Currency,
    stamp: Stamp,
    postings: Vec<Posting>,
) -> Result<Option<Entry>, Refusal> {
    let postings: Vec<_> = postings.into_iter().filter(|posting| posting.amount != 0).collect();
    if postings.is_empty() {
        return Ok(None);
    }
    Ok(Some(Entry {
        id: stamp.id,
        booked_on: stamp.on,
        kind,
        memo,
        currency,
        source_id: Some(source),
        reverses: None,
        postings: checked(postings)?,
        created_at: stamp.now,
    }))
}

/// Where a side's debts stand, and where its credit does.
fn accounts(side: Side) -> (&'static str, &'static str) {
    match side {
        Side::Patient => (account::PATIENTS, account::PATIENT_CREDIT),
        Side::Payer => (account::PAYERS, account::PAYER_CREDIT),
    }
}

fn till(method: Method) -> &'static str {
    match method {
        Method::Cash => account::CASH,
        Method::Card => account::CARDS,
        Method::Transfer | Method::Insurance => account::BANK,
    }
}

fn name(what: &str, invoice: &Invoice) -> Result<Description, Refusal> {
    text(&format!("{what} {}", invoice.number.as_deref().unwrap_or("-")))
}

/// Words and numbers of ours make short texts; one that is too long is refused like any other.
fn text(what: &str) -> Result<Description, Refusal> {
    what.parse().map_err(|_| Refusal::Field("memo", "must have 1 to 300 characters"))
}
