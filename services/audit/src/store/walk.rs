//! A walk along the chain, a bounded number of rows at a time: for the export, and for checking the database.

use std::collections::HashMap;

use chrono::{DateTime, SubsecRound, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, Key, MultiBackend, Result};
use hms_model::Coded;
use hms_model::audit::AuditEntry;
use hms_model::id::PatientId;

use super::{chain, keys};
use crate::domain::chain::{Entry, Hash, Head, Place, Record, SignedCheckpoint, Start};
use crate::schema::{checkpoints, entries, entry_patients};

/// Entries that are read at a time.
const BATCH: i64 = 100;

/// A span of time; entries at `from` are in it, those at `until` are not.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Its beginning; none: as far back as there is anything.
    pub from: Option<DateTime<Utc>>,
    /// Its end; none: up to now.
    pub until: Option<DateTime<Utc>>,
}

/// A walk along the chain.
pub struct Walk {
    /// The entry reached.
    reached: i64,
    /// The last entry of the walk.
    end: Place,
    /// The checkpoints to show go on from this entry.
    signed_from: i64,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// What was there at its beginning.
    Export,
    /// All that is there, compared with what entries are found by.
    Check,
    /// There is no more.
    Done,
}

/// Why a walk cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The part it was in has been pruned.
    #[error("the entries that were to come have been pruned meanwhile")]
    Pruned,
    /// The database.
    #[error(transparent)]
    Database(#[from] hms_db::Error),
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = entries)]
struct Row {
    seq: i64,
    prev_hash: String,
    hash: String,
    entry: String,
    id: Key,
    at: At,
    service: String,
    actor_id: Option<Key>,
    action: String,
    resource: String,
    resource_id: Option<String>,
    outcome: String,
}

/// What a walk begins with: where the entries begin, the keys, the boundary.
type Beginning = (Vec<Record>, Walk);

/// Runs `f` upon one state of the database, whatever others write meanwhile.
pub fn snapshot<T>(db: &mut Db, f: impl FnOnce(&mut Db) -> Result<T>) -> Result<T> {
    db.transaction(|db| {
        if let Db::Pg(connection) = db {
            diesel::sql_query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                .execute(connection)?;
        }
        f(db)
    })
}

/// A walk along all that is there, to check it.
pub fn check(db: &mut Db) -> Result<Beginning> {
    let head = chain::head(db)?;
    whole(db, head, Mode::Check)
}

/// A walk along all that is there just now, or along the shortest unbroken part of the chain that holds all entries
/// of a span; that part goes on up to the checkpoint that signs it, where there is one yet.
pub fn export(db: &mut Db, span: Option<Span>) -> Result<Beginning> {
    let head = chain::head(db)?;
    match span {
        None => whole(db, head, Mode::Export),
        Some(span) => part(db, head, span),
    }
}

fn whole(db: &mut Db, head: Head, mode: Mode) -> Result<Beginning> {
    let newest: Option<(String, String)> = checkpoints::table
        .order(checkpoints::number.desc())
        .select((checkpoints::statement, checkpoints::signature))
        .first(db)
        .optional()?;
    let newest = newest.map(|(statement, signature)| SignedCheckpoint { statement, signature });
    let boundary = newest.as_ref().and_then(SignedCheckpoint::read).and_then(|statement| statement.boundary);
    let pruned = newest.filter(|_| boundary.is_some()).map(Record::Boundary);
    let anchor = boundary.unwrap_or_else(Place::beginning);
    let walk = Walk { reached: anchor.seq, signed_from: anchor.seq, end: head.tip, mode };
    let mut records = beginning(db, anchor, true)?;
    records.extend(pruned);
    Ok((records, walk))
}

fn part(db: &mut Db, head: Head, span: Span) -> Result<Beginning> {
    let bounds = |query: entries::BoxedQuery<'static, MultiBackend>| {
        let query = match span.from {
            Some(from) => query.filter(entries::at.ge(At(from))),
            None => query,
        };
        match span.until {
            Some(until) => query.filter(entries::at.lt(At(until))),
            None => query,
        }
    };
    let first: Option<i64> =
        bounds(entries::table.into_boxed()).select(diesel::dsl::min(entries::seq)).first(db)?;
    let last: Option<i64> =
        bounds(entries::table.into_boxed()).select(diesel::dsl::max(entries::seq)).first(db)?;
    let (Some(first), Some(last)) = (first, last) else {
        let end = head.tip;
        let records = beginning(db, end.clone(), false)?;
        return Ok((records, Walk { reached: end.seq, signed_from: end.seq + 1, end, mode: Mode::Export }));
    };
    let signed: Option<i64> = checkpoints::table
        .filter(checkpoints::seq.ge(last))
        .select(diesel::dsl::min(checkpoints::seq))
        .first(db)?;
    let end = place(db, signed.unwrap_or(head.tip.seq))?;
    let before: String = entries::table.find(first).select(entries::prev_hash).first(db)?;
    let anchor = Place { hash: Hash::kept(before), seq: first - 1 };
    let walk = Walk { reached: anchor.seq, signed_from: first, end, mode: Mode::Export };
    Ok((beginning(db, anchor, false)?, walk))
}

fn place(db: &mut Db, seq: i64) -> Result<Place> {
    let hash: Option<String> = entries::table.find(seq).select(entries::hash).first(db).optional()?;
    // One that is missing is for the check to find.
    Ok(Place { hash: Hash::kept(hash.unwrap_or_default()), seq })
}

fn beginning(db: &mut Db, anchor: Place, whole: bool) -> Result<Vec<Record>> {
    let keys = keys::published(db)?.into_iter().map(|published| Record::Key(published.key));
    Ok(std::iter::once(Record::Start(Start { anchor, whole })).chain(keys).collect())
}

impl Walk {
    /// The next records; none at the end.
    pub fn next(&mut self, db: &mut Db) -> std::result::Result<Option<Vec<Record>>, WalkError> {
        if self.mode == Mode::Done {
            return Ok(None);
        }
        let rows = self.rows(db)?;
        let full = i64::try_from(rows.len()).is_ok_and(|count| count == BATCH);
        let last = rows.last().map_or(self.reached, |row| row.seq);
        let check = self.mode == Mode::Check;
        let patients = if check { patients(db, self.reached, last)? } else { HashMap::new() };
        let mut signed = checkpoints_between(db, self.signed_from, last)?;
        if !full {
            // Of those that sign more than there is, one is enough to show it.
            signed.extend(checkpoint_after(db, last, self.limit())?);
        }
        // After the rows were read: what was pruned later is in them.
        if self.mode == Mode::Export && chain::head(db)?.boundary.seq > self.reached {
            return Err(WalkError::Pruned);
        }
        let entries = rows.into_iter().map(|row| {
            let seq = row.seq;
            (seq, Record::Entry(row.entry(check.then(|| patients.get(&seq).map_or(&[][..], Vec::as_slice)))))
        });
        let mut records = merge(entries, signed);
        self.reached = last;
        self.signed_from = last.saturating_add(1);
        if !full {
            self.mode = Mode::Done;
            records.push(Record::End(self.end.clone()));
        }
        Ok(Some(records))
    }

    fn limit(&self) -> i64 {
        if self.mode == Mode::Check { i64::MAX } else { self.end.seq }
    }

    fn rows(&self, db: &mut Db) -> Result<Vec<Row>> {
        let within = entries::seq.gt(self.reached).and(entries::seq.le(self.limit()));
        let rows = entries::table.filter(within).order(entries::seq).limit(BATCH);
        Ok(rows.select(Row::as_select()).load(db)?)
    }
}

type SignedRow = (i64, String, String);

fn checkpoints_between(db: &mut Db, from: i64, to: i64) -> Result<Vec<(i64, Record)>> {
    let rows: Vec<SignedRow> = checkpoints::table
        .filter(checkpoints::seq.between(from, to))
        .order((checkpoints::seq, checkpoints::number))
        .select((checkpoints::seq, checkpoints::statement, checkpoints::signature))
        .load(db)?;
    Ok(rows.into_iter().map(checkpoint).collect())
}

fn checkpoint_after(db: &mut Db, after: i64, to: i64) -> Result<Option<(i64, Record)>> {
    let row: Option<SignedRow> = checkpoints::table
        .filter(checkpoints::seq.gt(after).and(checkpoints::seq.le(to)))
        .order((checkpoints::seq, checkpoints::number))
        .select((checkpoints::seq, checkpoints::statement, checkpoints::signature))
        .first(db)
        .optional()?;
    Ok(row.map(checkpoint))
}

fn checkpoint((seq, statement, signature): SignedRow) -> (i64, Record) {
    (seq, Record::Checkpoint(SignedCheckpoint { statement, signature }))
}

/// Each checkpoint after the entry that it signs.
fn merge(entries: impl Iterator<Item = (i64, Record)>, signed: Vec<(i64, Record)>) -> Vec<Record> {
    let mut signed = signed.into_iter().peekable();
    let mut records = Vec::new();
    for (seq, entry) in entries {
        while let Some((_, checkpoint)) = signed.next_if(|(signs, _)| *signs < seq) {
            records.push(checkpoint);
        }
        records.push(entry);
    }
    records.extend(signed.map(|(_, checkpoint)| checkpoint));
    records
}

/// By what patient, and under which action, the entries after `from` up to `to` are found.
fn patients(db: &mut Db, from: i64, to: i64) -> Result<HashMap<i64, Vec<(Key, String)>>> {
    let rows: Vec<(i64, Key, String)> = entry_patients::table
        .filter(entry_patients::seq.gt(from).and(entry_patients::seq.le(to)))
        .order((entry_patients::seq, entry_patients::patient_id))
        .select((entry_patients::seq, entry_patients::patient_id, entry_patients::action))
        .load(db)?;
    let mut patients: HashMap<i64, Vec<(Key, String)>> = HashMap::new();
    for (seq, patient, action) in rows {
        patients.entry(seq).or_default().push((patient, action));
    }
    Ok(patients)
}

impl Row {
    /// `patients` is by whom it is found, when that is to be compared.
    fn entry(self, patients: Option<&[(Key, String)]>) -> Entry {
        let agrees = patients.is_none_or(|patients| self.agrees(patients));
        Entry {
            seq: self.seq,
            prev: Hash::kept(self.prev_hash),
            hash: Hash::kept(self.hash),
            text: self.entry,
            id: Some(self.id.into()),
            agrees,
        }
    }

    fn agrees(&self, patients: &[(Key, String)]) -> bool {
        let Ok(told) = serde_json::from_str::<AuditEntry>(&self.entry) else { return false };
        let mut touched: Vec<PatientId> = told.patient_ids.clone();
        touched.sort_unstable();
        touched.dedup();
        let found = patients.iter().map(|(patient, action)| (PatientId::from(*patient), action.as_str()));
        self.id == Key::from(told.id)
            && self.at == At(told.at.trunc_subsecs(6))
            && self.service == told.service
            && self.actor_id == told.actor.account_id.map(Key::from)
            && self.action == told.action.code()
            && self.resource == told.resource
            && self.resource_id == told.resource_id
            && self.outcome == told.outcome.code()
            && found.eq(touched.into_iter().map(|patient| (patient, told.action.code())))
    }
}
