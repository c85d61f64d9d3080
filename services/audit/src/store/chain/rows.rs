//! The rows of the entries of the chain, and of the patients that each is about.

use std::collections::HashSet;

use diesel::prelude::*;
use hms_db::{At, Code, Db, Key, PgColumn, PgRows, Result, each};
use hms_model::Coded;
use hms_model::audit::{Action, AuditEntry, Outcome};
use hms_model::id::PatientId;

use crate::domain::chain::Link;
use crate::schema::{entries, entry_patients};

/// Rows of one INSERT at the most; databases bound the number of values in a statement.
const ROWS: usize = 1_000;

#[derive(Insertable)]
#[diesel(table_name = entries)]
struct EntryRow<'a> {
    seq: i64,
    prev_hash: &'a str,
    hash: &'a str,
    entry: &'a str,
    id: Key,
    at: At,
    service: &'a str,
    actor_id: Option<Key>,
    action: Code<Action>,
    resource: &'a str,
    resource_id: Option<&'a str>,
    outcome: Code<Outcome>,
}

#[derive(Insertable)]
#[diesel(table_name = entry_patients)]
struct PatientRow {
    patient_id: Key,
    action: Code<Action>,
    seq: i64,
}

/// Those of these entries that are in the chain already: of an event that was a dead letter, or of one that tells in part
/// what another one did.
pub fn known(db: &mut Db, new: &[AuditEntry]) -> Result<HashSet<Key>> {
    let ids: Vec<Key> = new.iter().map(|entry| entry.id.into()).collect();
    let known: Vec<Key> = each!(db, connection => {
        entries::table.filter(entries::id.eq_any(ids)).select(entries::id).load(connection)
    })?;
    Ok(known.into_iter().collect())
}

/// Writes the rows of entries.
pub fn keep(db: &mut Db, links: &[(&AuditEntry, Link)]) -> Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    let rows = links.iter().map(|(entry, link)| EntryRow::of(entry, link));
    match db {
        Db::Pg(connection) => {
            let mut new = PgRows::into_table("entries", ENTRY_COLUMNS);
            rows.for_each(|row| new.push(row.texts()));
            new.execute(connection)?;
        }
        Db::Sqlite(connection) => {
            for row in rows {
                diesel::insert_into(entries::table).values(&row).execute(connection)?;
            }
        }
    }
    keep_patients(db, links)
}

fn keep_patients(db: &mut Db, links: &[(&AuditEntry, Link)]) -> Result<()> {
    let mut rows = Vec::new();
    for (entry, link) in links {
        let mut patients: Vec<PatientId> = entry.patient_ids.clone();
        patients.sort_unstable();
        patients.dedup();
        let row =
            |id: PatientId| PatientRow { patient_id: id.into(), action: entry.action.into(), seq: link.seq };
        rows.extend(patients.into_iter().map(row));
    }
    if rows.is_empty() {
        return Ok(());
    }
    match db {
        Db::Pg(connection) => {
            let columns = [("patient_id", "uuid"), ("action", "text"), ("seq", "bigint")];
            let mut new = PgRows::into_table("entry_patients", columns);
            for row in &rows {
                let patient = row.patient_id.0.to_string();
                new.push([patient, row.action.0.code().to_owned(), row.seq.to_string()].map(Some));
            }
            new.execute(connection)?;
        }
        Db::Sqlite(connection) => {
            for rows in rows.chunks(ROWS) {
                diesel::insert_into(entry_patients::table).values(rows).execute(connection)?;
            }
        }
    }
    Ok(())
}

impl<'a> EntryRow<'a> {
    fn of(entry: &'a AuditEntry, link: &'a Link) -> Self {
        Self {
            seq: link.seq,
            prev_hash: link.prev.as_str(),
            hash: link.hash.as_str(),
            entry: &link.text,
            id: entry.id.into(),
            at: entry.at.into(),
            service: &entry.service,
            actor_id: entry.actor.account_id.map(Key::from),
            action: entry.action.into(),
            resource: &entry.resource,
            resource_id: entry.resource_id.as_deref(),
            outcome: entry.outcome.into(),
        }
    }

    /// In the order of [`ENTRY_COLUMNS`].
    fn texts(&self) -> [Option<String>; 12] {
        let text = |text: &str| Some(text.to_owned());
        [
            Some(self.id.0.to_string()),
            Some(self.seq.to_string()),
            text(self.prev_hash),
            text(self.hash),
            text(self.entry),
            Some(self.at.0.to_rfc3339()),
            text(self.service),
            self.actor_id.map(|id| id.0.to_string()),
            text(self.action.0.code()),
            text(self.resource),
            self.resource_id.map(str::to_owned),
            text(self.outcome.0.code()),
        ]
    }
}

const ENTRY_COLUMNS: [PgColumn; 12] = [
    ("id", "uuid"),
    ("seq", "bigint"),
    ("prev_hash", "text"),
    ("hash", "text"),
    ("entry", "text"),
    ("at", "timestamptz"),
    ("service", "text"),
    ("actor_id", "uuid"),
    ("action", "text"),
    ("resource", "text"),
    ("resource_id", "text"),
    ("outcome", "text"),
];
