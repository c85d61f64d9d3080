//! Claims.

use diesel::prelude::*;
use hms_api::{List, Page, list_filters};
use hms_db::{At, Code, Db, KeepExt, Key, LockExt, MultiBackend, compare};
use hms_model::id::{ClaimId, InvoiceId, PatientId, PayerId};
use hms_model::money::Money;

use super::{currency, paged, text};
use crate::domain::{Claim, ClaimStatus};
use crate::schema::claims;

list_filters! {
    /// What `GET /billing/claims` can be filtered and ordered by.
    pub struct ClaimFilters {
        status: ClaimStatus = Set,
        payer_id: PayerId = Set,
        patient_id: PatientId = Set,
        invoice_id: InvoiceId = Set,
    }
    search: None,
    ordering: ["created_at"],
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = claims)]
struct Row {
    id: Key,
    invoice_id: Key,
    payer_id: Key,
    coverage_id: Option<Key>,
    patient_id: Key,
    status: Code<ClaimStatus>,
    currency: String,
    claimed: i64,
    agreed: Option<i64>,
    reason: Option<String>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl Row {
    fn of(claim: &Claim) -> Self {
        Self {
            id: claim.id.into(),
            invoice_id: claim.invoice_id.into(),
            payer_id: claim.payer_id.into(),
            coverage_id: claim.coverage_id.map(Key::from),
            patient_id: claim.patient_id.into(),
            status: claim.status.into(),
            currency: claim.claimed.currency.code().into(),
            claimed: claim.claimed.amount,
            agreed: claim.agreed.map(|money| money.amount),
            reason: claim.reason.clone().map(String::from),
            version: claim.version,
            created_at: claim.created_at.into(),
            updated_at: claim.updated_at.into(),
        }
    }

    fn claim(self) -> hms_db::Result<Claim> {
        let currency = currency(&self.currency)?;
        Ok(Claim {
            id: self.id.into(),
            invoice_id: self.invoice_id.into(),
            payer_id: self.payer_id.into(),
            coverage_id: self.coverage_id.map(Into::into),
            patient_id: self.patient_id.into(),
            status: self.status.0,
            claimed: Money::new(self.claimed, currency),
            agreed: self.agreed.map(|amount| Money::new(amount, currency)),
            reason: text(self.reason)?,
            version: self.version,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        })
    }
}

/// Adds a claim.
pub fn insert(db: &mut Db, claim: &Claim) -> hms_db::Result<()> {
    diesel::insert_into(claims::table).values(Row::of(claim)).kept().execute(db)?;
    Ok(())
}

/// The claim of this id.
pub fn find(db: &mut Db, id: ClaimId) -> hms_db::Result<Claim> {
    let row: Row = claims::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    row.claim()
}

/// The claim of an invoice, if it has one; held until the unit of work ends. Whoever asks holds the invoice.
pub fn hold_of_invoice(db: &mut Db, invoice: InvoiceId) -> hms_db::Result<Option<Claim>> {
    let query =
        claims::table.filter(claims::invoice_id.eq(Key::from(invoice))).select(Row::as_select()).lock(db);
    let row: Option<Row> = query.get_result(db).optional()?;
    row.map(Row::claim).transpose()
}

/// Saves the next version of a claim; false when there is another next version already.
pub fn save(db: &mut Db, next: &Claim) -> hms_db::Result<bool> {
    let before = claims::table.find(Key::from(next.id)).filter(claims::version.eq(next.version - 1));
    let changes = (
        claims::status.eq(Code(next.status)),
        claims::agreed.eq(next.agreed.map(|money| money.amount)),
        claims::reason.eq(next.reason.clone().map(String::from)),
        claims::version.eq(next.version),
        claims::updated_at.eq(At::from(next.updated_at)),
    );
    Ok(diesel::update(before).set(changes).kept().execute(db)? == 1)
}

/// One page of the claims.
pub fn list(db: &mut Db, list: &List<ClaimFilters>) -> hms_db::Result<Page<Claim>> {
    let matching = || {
        let query = claims::table.into_boxed::<MultiBackend>();
        let query = compare!(query, claims::status, list.filters.status, |status| Code(status));
        let query = compare!(query, claims::payer_id, list.filters.payer_id, |id| Key::from(id));
        let query = compare!(query, claims::patient_id, list.filters.patient_id, |id| Key::from(id));
        compare!(query, claims::invoice_id, list.filters.invoice_id, |id| Key::from(id))
    };
    paged!(matching, list, claims::id, { "created_at" => claims::created_at }, db, Row, Row::claim)
}
