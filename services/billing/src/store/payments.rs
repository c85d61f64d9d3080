//! Payments, what of them went where, and refunds.

use chrono::NaiveDate;
use diesel::prelude::*;
use hms_api::{List, Page, list_filters};
use hms_db::{At, Code, Db, InsertExt, KeepExt, Key, LockExt, MultiBackend, compare};
use hms_model::id::{InvoiceId, PatientId, PayerId, PaymentId, RefundId};
use hms_model::money::{Currency, Money};
use hms_model::role::Reach;
use uuid::Uuid;

use super::{currency, paged, text, unreadable};
use crate::domain::{Method, Payment, PaymentStatus, Provided, Refund, RefundStatus, Side};
use crate::schema::{allocations, payments, refunds};

list_filters! {
    /// What `GET /billing/payments` can be filtered and ordered by.
    pub struct PaymentFilters {
        status: PaymentStatus = Set,
        method: Method = Set,
        patient_id: PatientId = Set,
        payer_id: PayerId = Set,
        invoice_id: InvoiceId = Set,
        reference: String = Set,
        received_on: NaiveDate = Range,
        unapplied: i64 = Range,
    }
    search: None,
    ordering: ["created_at", "received_on", "amount"],
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = payments)]
struct Row {
    id: Key,
    status: Code<PaymentStatus>,
    method: Code<Method>,
    side: Code<Side>,
    patient_id: Option<Key>,
    payer_id: Option<Key>,
    invoice_id: Option<Key>,
    currency: String,
    amount: i64,
    refunded: i64,
    unapplied: i64,
    received_on: NaiveDate,
    reference: Option<String>,
    source: Option<String>,
    source_reference: Option<String>,
    by_provider: bool,
    provider_reference: Option<String>,
    client_secret: Option<String>,
    failure: Option<String>,
    reconciled_on: Option<NaiveDate>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl Row {
    fn of(payment: &Payment) -> Self {
        let provided = payment.provided.clone();
        Self {
            id: payment.id.into(),
            status: payment.status.into(),
            method: payment.method.into(),
            side: payment.side.into(),
            patient_id: payment.patient_id.map(Key::from),
            payer_id: payment.payer_id.map(Key::from),
            invoice_id: payment.invoice_id.map(Key::from),
            currency: payment.amount.currency.code().into(),
            amount: payment.amount.amount,
            refunded: payment.refunded.amount,
            unapplied: payment.unapplied.amount,
            received_on: payment.received_on,
            reference: payment.reference.clone().map(String::from),
            source: payment.source.clone(),
            source_reference: payment.source_reference.clone(),
            by_provider: provided.by_provider,
            provider_reference: provided.provider_reference,
            client_secret: provided.client_secret,
            failure: provided.failure,
            reconciled_on: payment.reconciled_on,
            version: payment.version,
            created_at: payment.created_at.into(),
            updated_at: payment.updated_at.into(),
        }
    }

    fn payment(self) -> hms_db::Result<Payment> {
        let currency = currency(&self.currency)?;
        let money = |amount| Money::new(amount, currency);
        Ok(Payment {
            id: self.id.into(),
            status: self.status.0,
            method: self.method.0,
            side: self.side.0,
            patient_id: self.patient_id.map(Into::into),
            payer_id: self.payer_id.map(Into::into),
            invoice_id: self.invoice_id.map(Into::into),
            amount: money(self.amount),
            refunded: money(self.refunded),
            unapplied: money(self.unapplied),
            received_on: self.received_on,
            reference: text(self.reference)?,
            source: self.source,
            source_reference: self.source_reference,
            provided: Provided {
                by_provider: self.by_provider,
                provider_reference: self.provider_reference,
                client_secret: self.client_secret,
                failure: self.failure,
            },
            reconciled_on: self.reconciled_on,
            version: self.version,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        })
    }
}

fn read(rows: Vec<Row>) -> hms_db::Result<Vec<Payment>> {
    rows.into_iter().map(Row::payment).collect()
}

/// Writes a new payment; false when the same source has asked for the same one before.
pub fn insert(db: &mut Db, payment: &Payment) -> hms_db::Result<bool> {
    Ok(diesel::insert_into(payments::table).values(Row::of(payment)).or_ignore().kept().execute(db)? == 1)
}

/// The payment of this id.
pub fn find(db: &mut Db, id: PaymentId) -> hms_db::Result<Payment> {
    let row: Row = payments::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    row.payment()
}

/// The payment that another service asked for by this name.
pub fn by_source(db: &mut Db, source: &str, reference: &str) -> hms_db::Result<Payment> {
    let row: Row = payments::table
        .filter(payments::source.eq(source))
        .filter(payments::source_reference.eq(reference))
        .select(Row::as_select())
        .first(db)?;
    row.payment()
}

/// The payment that the provider calls so, if there is one.
pub fn by_provider_reference(db: &mut Db, reference: &str) -> hms_db::Result<Option<Payment>> {
    let query = payments::table.filter(payments::provider_reference.eq(reference)).select(Row::as_select());
    let row: Option<Row> = query.first(db).optional()?;
    row.map(Row::payment).transpose()
}

/// A payment that nobody else can change until the unit of work ends.
pub fn hold(db: &mut Db, id: PaymentId) -> hms_db::Result<Payment> {
    let query = payments::table.find(Key::from(id)).select(Row::as_select()).lock(db);
    let row: Row = query.get_result(db)?;
    row.payment()
}

/// Saves the next version of a payment; false when there is another next version already.
pub fn save(db: &mut Db, next: &Payment) -> hms_db::Result<bool> {
    let before = payments::table.find(Key::from(next.id)).filter(payments::version.eq(next.version - 1));
    let next = Row::of(next);
    let changes = (
        payments::status.eq(next.status),
        payments::refunded.eq(next.refunded),
        payments::unapplied.eq(next.unapplied),
        payments::received_on.eq(next.received_on),
        payments::provider_reference.eq(next.provider_reference),
        payments::client_secret.eq(next.client_secret),
        payments::failure.eq(next.failure),
        payments::reconciled_on.eq(next.reconciled_on),
        payments::version.eq(next.version),
        payments::updated_at.eq(next.updated_at),
    );
    Ok(diesel::update(before).set(changes).kept().execute(db)? == 1)
}

diesel::postfix_operator!(IsPositive, " > 0");

/// How many payments with credit are held at once. Most invoices need one or two, and a patient may have hundreds.
const A_FEW: i64 = 8;

/// A few of the payments of a patient that still have credit, the oldest first, beginning after the one that is named;
/// held. And whether there may be more.
pub fn hold_credit(
    db: &mut Db,
    patient: PatientId,
    currency: Currency,
    after: Option<PaymentId>,
) -> hms_db::Result<(Vec<Payment>, bool)> {
    let query = payments::table
        .filter(payments::patient_id.eq(Key::from(patient)))
        .filter(payments::side.eq(Code(Side::Patient)))
        .filter(payments::currency.eq(currency.code()))
        // As a value it could be any number, and the index is of those above 0.
        .filter(IsPositive::new(payments::unapplied))
        .filter(payments::id.gt(after.map_or(Key(Uuid::nil()), Key::from)))
        .order(payments::id)
        .limit(A_FEW)
        .select(Row::as_select())
        .lock(db);
    let few = read(query.load(db)?)?;
    let more = i64::try_from(few.len()).is_ok_and(|count| count == A_FEW);
    Ok((few, more))
}

/// What of a payment went to which invoices, the latest invoice first.
pub fn allocations(db: &mut Db, payment: PaymentId) -> hms_db::Result<Vec<(InvoiceId, i64)>> {
    let rows: Vec<(Key, i64)> = allocations::table
        .filter(allocations::payment_id.eq(Key::from(payment)))
        .filter(allocations::amount.gt(0))
        .order(allocations::invoice_id.desc())
        .select((allocations::invoice_id, allocations::amount))
        .load(db)?;
    Ok(rows.into_iter().map(|(id, amount)| (id.into(), amount)).collect())
}

/// The payments that went to an invoice from one side, the oldest first, as payments are held, and how much of each.
pub fn hold_of_invoice(db: &mut Db, invoice: InvoiceId, side: Side) -> hms_db::Result<Vec<(Payment, i64)>> {
    let query = payments::table
        .inner_join(allocations::table.on(allocations::payment_id.eq(payments::id)))
        .filter(allocations::invoice_id.eq(Key::from(invoice)))
        .filter(allocations::amount.gt(0))
        .filter(payments::side.eq(Code(side)))
        .order(payments::id)
        .select((Row::as_select(), allocations::amount))
        .lock(db);
    let rows: Vec<(Row, i64)> = query.load(db)?;
    rows.into_iter().map(|(row, amount)| Ok((row.payment()?, amount))).collect()
}

/// Lets this much more of a payment go to an invoice. Whoever calls holds both, and writes the payment too: as long as
/// its version is the same, so are its allocations.
pub fn allocate(db: &mut Db, payment: PaymentId, invoice: InvoiceId, amount: i64) -> hms_db::Result<()> {
    let new = (
        allocations::payment_id.eq(Key::from(payment)),
        allocations::invoice_id.eq(Key::from(invoice)),
        allocations::amount.eq(amount),
    );
    let more = allocations::amount.eq(allocations::amount + amount);
    let unique = (allocations::payment_id, allocations::invoice_id);
    diesel::insert_into(allocations::table).values(new).upsert(unique, more).kept().execute(db)?;
    Ok(())
}

/// Takes this much of what went from a payment to an invoice back, as [`allocate`] gives it.
pub fn take_back(db: &mut Db, payment: PaymentId, invoice: InvoiceId, amount: i64) -> hms_db::Result<()> {
    let row = allocations::table.find((Key::from(payment), Key::from(invoice)));
    let less = allocations::amount.eq(allocations::amount - amount);
    diesel::update(row).set(less).kept().execute(db)?;
    Ok(())
}

/// Transfers that no statement has shown yet, the oldest first.
pub fn unreconciled(db: &mut Db) -> hms_db::Result<Vec<Payment>> {
    let query = payments::table
        .filter(payments::method.eq_any([Code(Method::Transfer), Code(Method::Insurance)]))
        .filter(payments::status.eq_any([Code(PaymentStatus::Captured), Code(PaymentStatus::PartlyRefunded)]))
        .filter(payments::reconciled_on.is_null())
        .order(payments::id)
        .limit(10_000)
        .select(Row::as_select())
        .lock(db);
    read(query.load(db)?)
}

/// Payments that the provider has not been told of yet.
pub fn to_be_sent(db: &mut Db, limit: i64) -> hms_db::Result<Vec<Payment>> {
    let rows: Vec<Row> = payments::table
        .filter(payments::status.eq(Code(PaymentStatus::Pending)))
        .filter(payments::provider_reference.is_null())
        .order(payments::id)
        .limit(limit)
        .select(Row::as_select())
        .load(db)?;
    read(rows)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = refunds)]
struct RefundRow {
    id: Key,
    payment_id: Key,
    currency: String,
    amount: i64,
    status: Code<RefundStatus>,
    reason: String,
    created_at: At,
}

impl RefundRow {
    fn refund(self) -> hms_db::Result<Refund> {
        Ok(Refund {
            id: self.id.into(),
            payment_id: self.payment_id.into(),
            amount: Money::new(self.amount, currency(&self.currency)?),
            status: self.status.0,
            reason: self.reason.try_into().map_err(unreadable)?,
            created_at: self.created_at.into(),
        })
    }
}

/// Writes a new refund.
pub fn insert_refund(db: &mut Db, refund: &Refund) -> hms_db::Result<()> {
    let row = RefundRow {
        id: refund.id.into(),
        payment_id: refund.payment_id.into(),
        currency: refund.amount.currency.code().into(),
        amount: refund.amount.amount,
        status: refund.status.into(),
        reason: refund.reason.as_str().into(),
        created_at: refund.created_at.into(),
    };
    diesel::insert_into(refunds::table).values(row).kept().execute(db)?;
    Ok(())
}

/// The refunds of a payment, the oldest first.
pub fn refunds(db: &mut Db, payment: PaymentId) -> hms_db::Result<Vec<Refund>> {
    let rows: Vec<RefundRow> = refunds::table
        .filter(refunds::payment_id.eq(Key::from(payment)))
        .order(refunds::id)
        .select(RefundRow::as_select())
        .load(db)?;
    rows.into_iter().map(RefundRow::refund).collect()
}

/// Refunds that the provider has not done yet.
pub fn pending_refunds(db: &mut Db, limit: i64) -> hms_db::Result<Vec<Refund>> {
    let rows: Vec<RefundRow> = refunds::table
        .filter(refunds::status.eq(Code(RefundStatus::Pending)))
        .order(refunds::id)
        .limit(limit)
        .select(RefundRow::as_select())
        .load(db)?;
    rows.into_iter().map(RefundRow::refund).collect()
}

/// Ends a refund that was pending; false when that has been done already.
pub fn end_refund(db: &mut Db, id: RefundId, status: RefundStatus) -> hms_db::Result<bool> {
    let pending = refunds::table.find(Key::from(id)).filter(refunds::status.eq(Code(RefundStatus::Pending)));
    Ok(diesel::update(pending).set(refunds::status.eq(Code(status))).execute(db)? == 1)
}

/// One page of the payments that the caller may see.
pub fn list(db: &mut Db, list: &List<PaymentFilters>, reach: Reach) -> hms_db::Result<Page<Payment>> {
    let matching = || matching(&list.filters, reach);
    paged!(
        matching,
        list,
        payments::id,
        {
            "created_at" => payments::created_at, "received_on" => payments::received_on,
            "amount" => payments::amount
        },
        db,
        Row,
        Row::payment
    )
}

fn matching(filters: &PaymentFilters, reach: Reach) -> payments::BoxedQuery<'static, MultiBackend> {
    let mut query = payments::table.into_boxed();
    query = match reach {
        Reach::Everyone => query,
        Reach::Own { patient_id, .. } => query
            .filter(payments::patient_id.eq(patient_id.map(Key::from)))
            .filter(payments::side.eq(Code(Side::Patient))),
        // No payment belongs to a department.
        Reach::Department { .. } => query.filter(payments::version.lt(0)),
    };
    query = compare!(query, payments::status, filters.status, |status| Code(status));
    query = compare!(query, payments::method, filters.method, |method| Code(method));
    query = compare!(query, payments::patient_id, filters.patient_id, |id| Some(Key::from(id)));
    query = compare!(query, payments::payer_id, filters.payer_id, |id| Some(Key::from(id)));
    query = compare!(query, payments::invoice_id, filters.invoice_id, |id| Some(Key::from(id)));
    query = compare!(query, payments::reference, filters.reference, |reference| Some(reference));
    query = compare!(query, payments::received_on, filters.received_on, |day| day);
    compare!(query, payments::unapplied, filters.unapplied, |amount| amount)
}
