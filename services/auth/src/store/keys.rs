//! The keys that tokens are signed with.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, InsertExt, LockExt, Result};
use hms_model::Secret;

use crate::domain::signing_key::Use;
use crate::schema::signing_keys;

/// How often the newest key is looked for. A follower is young, and so is followed by none at the same time.
const LOOKS: usize = 3;

/// A key as it is kept.
pub struct Kept {
    /// Its id, under which the public half is published.
    pub id: String,
    /// The private key, PKCS #8 in base64.
    pub pkcs8: Secret,
    /// When it signs.
    pub r#use: Use,
}

type Row = (String, String, At, Option<At>, Option<At>);

fn kept((id, pkcs8, created_at, from, until): Row) -> Kept {
    let from = from.unwrap_or(created_at);
    Kept { id, pkcs8: Secret::new(pkcs8), r#use: Use { from: from.into(), until: until.map(Into::into) } }
}

macro_rules! columns {
    () => {
        (
            signing_keys::id,
            signing_keys::pkcs8,
            signing_keys::created_at,
            signing_keys::used_from,
            signing_keys::used_until,
        )
    };
}

/// All keys, the oldest first.
pub fn all(db: &mut Db) -> Result<Vec<Kept>> {
    let rows: Vec<Row> = signing_keys::table.select(columns!()).order(signing_keys::created_at).load(db)?;
    Ok(rows.into_iter().map(kept).collect())
}

/// The newest key. Of several replicas that want to follow it with another one, one after the other is served.
pub fn newest_locked(db: &mut Db) -> Result<Option<Kept>> {
    // Whoever waited for a key that was followed meanwhile sees its follower only when it looks again.
    for _ in 0..LOOKS {
        let newest = signing_keys::table.filter(signing_keys::active.eq(true)).select(columns!());
        let row: Option<Row> = newest.lock(db).get_result(db).optional()?;
        if let Some(row) = row {
            return Ok(Some(kept(row)));
        }
    }
    Ok(None)
}

/// Keeps a key as the newest one, unless there is one.
pub fn insert(db: &mut Db, key: &Kept, now: DateTime<Utc>) -> Result<()> {
    let values = (
        signing_keys::id.eq(&key.id),
        signing_keys::pkcs8.eq(key.pkcs8.expose()),
        signing_keys::active.eq(true),
        signing_keys::created_at.eq(At::from(now)),
        signing_keys::used_from.eq(Some(At::from(key.r#use.from))),
    );
    diesel::insert_into(signing_keys::table).values(values).or_ignore().execute(db)?;
    Ok(())
}

/// Another key follows the newest one, and signs in its place from `next.use.from` on. False when that was not the newest.
pub fn follow(db: &mut Db, newest: &str, next: &Kept, now: DateTime<Utc>) -> Result<bool> {
    let row = signing_keys::table.find(newest).filter(signing_keys::active.eq(true));
    let changes =
        (signing_keys::active.eq(false), signing_keys::used_until.eq(Some(At::from(next.r#use.from))));
    if diesel::update(row).set(changes).execute(db)? != 1 {
        return Ok(false);
    }
    insert(db, next, now)?;
    Ok(true)
}

/// Removes the keys that sign no more since that moment.
pub fn remove_unused_since(db: &mut Db, before: DateTime<Utc>) -> Result<usize> {
    let old = signing_keys::table.filter(signing_keys::used_until.le(Some(At::from(before))));
    Ok(diesel::delete(old).execute(db)?)
}
