//! The keys that access tokens are signed with.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, InsertExt, Result};
use hms_model::Secret;

use crate::schema::signing_keys;

/// A key as it is kept.
pub struct Kept {
    /// Its id, under which the public half is published.
    pub id: String,
    /// The private key, PKCS #8 in base64.
    pub pkcs8: Secret,
}

/// The key to sign with.
pub fn active(db: &mut Db) -> Result<Option<Kept>> {
    let row: Option<(String, String)> = signing_keys::table
        .filter(signing_keys::active.eq(true))
        .select((signing_keys::id, signing_keys::pkcs8))
        .first(db)
        .optional()?;
    Ok(row.map(|(id, pkcs8)| Kept { id, pkcs8: Secret::new(pkcs8) }))
}

/// Keeps a key as the active one, unless there is an active one.
pub fn insert_first(db: &mut Db, key: &Kept, now: DateTime<Utc>) -> Result<()> {
    let values = (
        signing_keys::id.eq(&key.id),
        signing_keys::pkcs8.eq(key.pkcs8.expose()),
        signing_keys::active.eq(true),
        signing_keys::created_at.eq(At::from(now)),
    );
    diesel::insert_into(signing_keys::table).values(values).or_ignore().execute(db)?;
    Ok(())
}
