//! Growing the chain, signing it, and pruning its beginning. All three lock the head first, so that replicas do it
//! one after the other.

mod pruning;
mod rows;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use hms_db::{At, Db, Error, KeepExt, LockExt, Result};
use hms_model::audit::AuditEntry;
use hms_model::event::AuditCheckpoint;

use crate::domain::chain::{Hash, Head, LastCheckpoint, Link, Place, PublicKey};
use crate::schema::{chain_head, checkpoints};
use crate::store::keys;

pub use pruning::{PruneError, prune};

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
    let mut known = rows::known(db, new)?;
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
            rows::keep(db, &links)?;
            links.clear();
            signed.push(sign(db, None, &mut head, now)?);
        }
    }
    rows::keep(db, &links)?;
    save_head(db, &head)?;
    Ok(signed)
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
