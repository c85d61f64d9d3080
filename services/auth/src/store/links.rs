//! Which patient and which practitioner belongs to which account, as the user service tells it.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use hms_db::{At, Db, InsertExt, Key, LockExt, Result};
use hms_model::id::{AccountId, PatientId, PractitionerId};

use crate::schema::{accounts, record_links};

/// A record that may belong to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// A patient.
    Patient(PatientId),
    /// A practitioner.
    Practitioner(PractitionerId),
}

/// Whose account a record is, as of one version of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The record.
    pub record: Record,
    /// The account, if it has one.
    pub account_id: Option<AccountId>,
    /// The version of the record.
    pub version: i64,
}

impl Record {
    fn kind(self) -> &'static str {
        match self {
            Self::Patient(_) => "patient",
            Self::Practitioner(_) => "practitioner",
        }
    }

    fn key(self) -> Key {
        match self {
            Self::Patient(id) => id.into(),
            Self::Practitioner(id) => id.into(),
        }
    }
}

/// Whether the user service has told of this record.
pub fn is_known(db: &mut Db, record: Record) -> Result<bool> {
    Ok(diesel::select(exists(record_links::table.find((record.kind(), record.key())))).get_result(db)?)
}

/// Takes what is told of a record, unless something newer is known.
pub fn apply(db: &mut Db, link: &Link, now: DateTime<Utc>) -> Result<()> {
    let (before, known) = lock(db, link.record)?;
    if known >= link.version {
        return Ok(());
    }
    let after = link.account_id.map(Key::from);
    diesel::update(record_links::table.find((link.record.kind(), link.record.key())))
        .set((record_links::account_id.eq(after), record_links::version.eq(link.version)))
        .execute(db)?;
    if before == after {
        return Ok(());
    }
    if let Some(account) = before {
        release(db, account, link.record, now)?;
    }
    if let Some(account) = after {
        bind(db, account, link.record, now)?;
    }
    Ok(())
}

/// What is known of a record, and as of which version; nobody else changes it until the transaction ends. A record
/// that is new here begins at version 0, so that there is a row to lock.
fn lock(db: &mut Db, record: Record) -> Result<(Option<Key>, i64)> {
    let values = (
        record_links::kind.eq(record.kind()),
        record_links::record_id.eq(record.key()),
        record_links::version.eq(0),
    );
    diesel::insert_into(record_links::table).values(values).or_ignore().execute(db)?;
    let row = record_links::table.find((record.kind(), record.key()));
    let query = row.select((record_links::account_id, record_links::version)).lock(db);
    Ok(query.get_result(db)?)
}

/// The account is not that record's any more, unless it has become another record's since.
fn release(db: &mut Db, account: Key, record: Record, now: DateTime<Utc>) -> Result<()> {
    let account = accounts::table.find(account);
    let changed = (accounts::version.eq(accounts::version + 1), accounts::updated_at.eq(At::from(now)));
    match record {
        Record::Patient(id) => diesel::update(account.filter(accounts::patient_id.eq(Key::from(id))))
            .set((accounts::patient_id.eq(None::<Key>), changed))
            .execute(db)?,
        Record::Practitioner(id) => {
            diesel::update(account.filter(accounts::practitioner_id.eq(Key::from(id))))
                .set((accounts::practitioner_id.eq(None::<Key>), changed))
                .execute(db)?
        }
    };
    Ok(())
}

/// An account that was deleted is bound to nothing.
fn bind(db: &mut Db, account: Key, record: Record, now: DateTime<Utc>) -> Result<()> {
    let account = accounts::table.find(account).filter(accounts::erased_at.is_null());
    let changed = (accounts::version.eq(accounts::version + 1), accounts::updated_at.eq(At::from(now)));
    match record {
        Record::Patient(id) => diesel::update(account)
            .set((accounts::patient_id.eq(Some(Key::from(id))), changed))
            .execute(db)?,
        Record::Practitioner(id) => diesel::update(account)
            .set((accounts::practitioner_id.eq(Some(Key::from(id))), changed))
            .execute(db)?,
    };
    Ok(())
}
