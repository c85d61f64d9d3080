//! Growing the chain, signing it, and pruning its beginning. All three lock the head first, so that replicas do it
//! one after the other.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use hms_db::{At, Code, Db, Error, KeepExt, Key, LockExt, PgRows, Result, each};
use hms_model::Coded;
use hms_model::audit::{Action, AuditEntry, Outcome};
use hms_model::event::AuditCheckpoint;
use hms_model::id::PatientId;

use crate::domain::chain::{
    Hash, Head, LONGEST_RUN, LastCheckpoint, Link, Place, PublicKey, SignedCheckpoint,
};
use crate::schema::{chain_head, checkpoints, entries, entry_patients, prunings};
use crate::store::keys;

/// Rows of one INSERT at the most; databases bound the number of values in a statement.
const ROWS: usize = 1_000;

#[derive(Queryable, Selectable, AsChangeset)]
#[diesel(table_name = chain_head, treat_none_as_null = true)]
struct HeadRow {
    seq: i64,
    hash: String,
    checkpoint_number: i64,
    checkpoint_seq: i64,
    checkpoint_hash: String,
    boundary_seq: i64,
    boundary_hash: String,
    waiting_since: Option<At>,
}

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

/// The head, as it is just now.
pub fn head(db: &mut Db) -> Result<Head> {
    let row: HeadRow = chain_head::table.select(HeadRow::as_select()).first(db)?;
    Ok(row.head())
}

fn lock_head(db: &mut Db) -> Result<Head> {
    let row: HeadRow = chain_head::table.select(HeadRow::as_select()).lock(db).get_result(db)?;
    Ok(row.head())
}

fn save_head(db: &mut Db, head: &Head) -> Result<()> {
    diesel::update(chain_head::table).set(HeadRow::of(head)).kept().execute(db)?;
    Ok(())
}

/// Adds entries to the chain, in their order, and the checkpoints that are due meanwhile; gives these back. An entry that
/// is there already stays as it is.
pub fn append(db: &mut Db, new: &[AuditEntry], now: DateTime<Utc>) -> Result<Vec<AuditCheckpoint>> {
    let mut head = lock_head(db)?;
    // Nobody else adds any before the end of the transaction.
    let mut known = known(db, new)?;
    let mut links: Vec<(&AuditEntry, Link)> = Vec::with_capacity(new.len());
    let mut signed = Vec::new();
    for entry in new {
        if !known.insert(entry.id.into()) {
            continue;
        }
        let link = head.link(entry).map_err(unwritable)?;
        head.append(&link, now);
        links.push((entry, link));
        if head.is_due(now) {
            keep(db, &links)?;
            links.clear();
            signed.push(sign(db, None, &mut head, now)?);
        }
    }
    keep(db, &links)?;
    save_head(db, &head)?;
    Ok(signed)
}

/// Those of these entries that are in the chain already: of an event that was a dead letter, or of one that tells in part
/// what another one did.
fn known(db: &mut Db, new: &[AuditEntry]) -> Result<HashSet<Key>> {
    let ids: Vec<Key> = new.iter().map(|entry| entry.id.into()).collect();
    let known: Vec<Key> = each!(db, connection => {
        entries::table.filter(entries::id.eq_any(ids)).select(entries::id).load(connection)
    })?;
    Ok(known.into_iter().collect())
}

/// Writes the rows of entries.
fn keep(db: &mut Db, links: &[(&AuditEntry, Link)]) -> Result<()> {
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

/// Signs how far the chain has come, if it is time to.
pub fn sign_if_due(db: &mut Db, now: DateTime<Utc>) -> Result<Option<AuditCheckpoint>> {
    let mut head = lock_head(db)?;
    if !head.is_due(now) {
        return Ok(None);
    }
    let signed = sign(db, None, &mut head, now)?;
    save_head(db, &head)?;
    Ok(Some(signed))
}

/// Hands the chain over to another key: the present one signs how far the chain has come, and that the other follows.
pub fn hand_over(db: &mut Db, new: &keys::Kept, now: DateTime<Utc>) -> Result<AuditCheckpoint> {
    let mut head = lock_head(db)?;
    let next = PublicKey::from_base64(&new.public.public_key).map_err(unreadable)?;
    let signed = sign(db, Some(&next), &mut head, now)?;
    keys::replace(db, &signed.key, new, now)?;
    save_head(db, &head)?;
    Ok(signed)
}

fn sign(
    db: &mut Db,
    next: Option<&PublicKey>,
    head: &mut Head,
    now: DateTime<Utc>,
) -> Result<AuditCheckpoint> {
    let signer = keys::signer(db)?;
    let (statement, signed) = head.sign(&signer, next, now).map_err(unwritable)?;
    let values = (
        checkpoints::number.eq(statement.number),
        checkpoints::seq.eq(statement.seq),
        checkpoints::hash.eq(statement.hash.as_str()),
        checkpoints::at.eq(At(statement.at)),
        checkpoints::statement.eq(&signed.statement),
        checkpoints::signature.eq(&signed.signature),
    );
    diesel::insert_into(checkpoints::table).values(values).execute(db)?;
    Ok(AuditCheckpoint {
        number: statement.number,
        position: statement.seq,
        hash: statement.hash.to_string(),
        key: statement.key,
        statement: signed.statement,
        signature: signed.signature,
    })
}

/// The newest checkpoint: its number, and the entry that it signs.
pub fn newest_checkpoint(db: &mut Db) -> Result<Option<(i64, Place)>> {
    let row: Option<(i64, i64, String)> = checkpoints::table
        .order(checkpoints::number.desc())
        .select((checkpoints::number, checkpoints::seq, checkpoints::hash))
        .first(db)
        .optional()?;
    Ok(row.map(|(number, seq, hash)| (number, Place { hash: Hash::kept(hash), seq })))
}

/// Why nothing is pruned although it is old.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// The checkpoint that would end the pruned part is not what was signed.
    #[error("the checkpoint {0} is not what was signed; nothing is pruned")]
    Unsigned(i64),
    /// The database.
    #[error(transparent)]
    Database(#[from] hms_db::Error),
}

/// Takes away a part of the beginning that was signed before `before`, at most a thousand entries; says up to which
/// entry, or none when nothing is that old. A new checkpoint, which is given back too, says where the chain begins now.
pub fn prune(
    db: &mut Db,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> std::result::Result<Option<(i64, AuditCheckpoint)>, PruneError> {
    let mut head = lock_head(db)?;
    let Some((number, signed)) = old_checkpoint(db, &head, before)? else { return Ok(None) };
    // What somebody wrote into the columns must not make us delete what is not old.
    let statement = signed.read().filter(|statement| statement.at < before);
    let key = statement.as_ref().map(|statement| keys::find(db, &statement.key)).transpose()?.flatten();
    let statement = statement.filter(|_| key.is_some_and(|key| key.verifies(&signed)));
    let statement = statement.ok_or(PruneError::Unsigned(number))?;
    head.boundary = Place { hash: statement.hash, seq: statement.seq };
    delete_up_to(db, statement.seq, now)?;
    let signed = sign(db, None, &mut head, now)?;
    let outlived = checkpoints::seq.le(statement.seq).and(checkpoints::number.lt(head.checkpoint.number));
    diesel::delete(checkpoints::table.filter(outlived)).execute(db).map_err(hms_db::Error::from)?;
    save_head(db, &head)?;
    Ok(Some((statement.seq, signed)))
}

/// The furthest checkpoint that is old and leaves little enough to delete at a time. There is one wherever there is
/// an old one at all, since no two are further apart.
fn old_checkpoint(
    db: &mut Db,
    head: &Head,
    before: DateTime<Utc>,
) -> Result<Option<(i64, SignedCheckpoint)>> {
    let row: Option<(i64, String, String)> = checkpoints::table
        .filter(
            checkpoints::seq.gt(head.boundary.seq).and(checkpoints::seq.le(head.boundary.seq + LONGEST_RUN)),
        )
        .filter(checkpoints::at.lt(At(before)))
        .order((checkpoints::seq.desc(), checkpoints::number.desc()))
        .select((checkpoints::number, checkpoints::statement, checkpoints::signature))
        .first(db)
        .optional()?;
    Ok(row.map(|(number, statement, signature)| (number, SignedCheckpoint { statement, signature })))
}

/// The row in `prunings` is what lets the rows go: the tables refuse to delete any other.
fn delete_up_to(db: &mut Db, seq: i64, now: DateTime<Utc>) -> Result<()> {
    let values = (prunings::seq.eq(seq), prunings::at.eq(At(now)));
    diesel::insert_into(prunings::table).values(values).execute(db)?;
    diesel::delete(entry_patients::table.filter(entry_patients::seq.le(seq))).execute(db)?;
    diesel::delete(entries::table.filter(entries::seq.le(seq))).execute(db)?;
    Ok(())
}

fn unreadable(error: impl Into<hms_db::BoxError>) -> Error {
    Error::Other(error.into())
}

fn unwritable(error: serde_json::Error) -> hms_db::Error {
    DieselError::SerializationError(error.into()).into()
}

impl HeadRow {
    fn of(head: &Head) -> Self {
        Self {
            seq: head.tip.seq,
            hash: head.tip.hash.to_string(),
            checkpoint_number: head.checkpoint.number,
            checkpoint_seq: head.checkpoint.seq,
            checkpoint_hash: head.checkpoint.hash.to_string(),
            boundary_seq: head.boundary.seq,
            boundary_hash: head.boundary.hash.to_string(),
            waiting_since: head.waiting_since.map(At),
        }
    }

    fn head(self) -> Head {
        Head {
            tip: Place { hash: Hash::kept(self.hash), seq: self.seq },
            checkpoint: LastCheckpoint {
                number: self.checkpoint_number,
                seq: self.checkpoint_seq,
                hash: Hash::kept(self.checkpoint_hash),
            },
            boundary: Place { hash: Hash::kept(self.boundary_hash), seq: self.boundary_seq },
            waiting_since: self.waiting_since.map(DateTime::from),
        }
    }
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

const ENTRY_COLUMNS: [(&str, &str); 12] = [
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use diesel::connection::SimpleConnection;
    use hms_db::{Backend, Database, PoolOptions};
    use hms_model::audit::Actor;
    use hms_model::id::Id;
    use hms_testkit::database::TestDatabase;

    use super::*;

    fn act(at: DateTime<Utc>) -> AuditEntry {
        AuditEntry {
            id: Id::new(at),
            at,
            service: "user".into(),
            actor: Actor { account_id: None, roles: vec![] },
            action: Action::Read,
            resource: "patient".into(),
            resource_id: None,
            patient_ids: vec![],
            outcome: Outcome::Success,
            detail: None,
            request_id: None,
            source_ip: None,
        }
    }

    /// Somebody wants the service to take away what is not old.
    fn false_date(backend: Backend) -> &'static str {
        match backend {
            Backend::Postgres => {
                "SET LOCAL session_replication_role = replica;
                 UPDATE checkpoints SET at = '2001-01-01T00:00:00.000000Z'"
            }
            Backend::Sqlite => {
                "DROP TRIGGER checkpoints_update; UPDATE checkpoints SET at = '2001-01-01T00:00:00.000000Z'"
            }
        }
    }

    hms_testkit::on_both_back_ends! {
        async fn only_the_date_that_was_signed_makes_an_entry_old(backend) {
            let migrations = hms_service::all_migrations::<crate::Service>();
            let own = TestDatabase::new(backend, "audit", &migrations).await;
            let database = Database::new(own.url.clone(), PoolOptions::default());
            let key = crate::signer::make().unwrap();
            let outcome = database.write(move |db| {
                let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
                let (earlier, later) = (now - TimeDelta::days(30), now + TimeDelta::days(30));
                keys::insert_first(db, &key, now)?;
                append(db, &[act(now)], now)?;
                assert!(sign_if_due(db, now + TimeDelta::minutes(1))?.is_some());
                assert!(sign_if_due(db, later)?.is_none(), "nothing new");
                assert_eq!(prune(db, earlier, later)?, None);
                db.batch_execute(false_date(backend)).map_err(hms_db::Error::from)?;
                assert!(matches!(prune(db, earlier, later), Err(PruneError::Unsigned(1))));
                assert_eq!(prune(db, later, later)?.map(|(seq, signed)| (seq, signed.number)), Some((1, 2)));
                assert_eq!(prune(db, later, later)?, None, "the new checkpoint is not that old");
                Ok::<_, PruneError>(head(db)?)
            });
            let head = outcome.await.unwrap();
            assert_eq!((head.tip.seq, head.boundary.seq, head.checkpoint.number), (1, 1, 2));
        }
    }
}
