//! The keys that checkpoints are signed with.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, InsertExt, Result};
use hms_model::Secret;

use crate::domain::chain::KeyRecord;
use crate::schema::checkpoint_keys;

/// A key as it is kept.
pub struct Kept {
    /// The public half.
    pub public: KeyRecord,
    /// The private key, PKCS #8 in base64.
    pub pkcs8: Secret,
}

/// A public key, and since when it is there.
pub struct Published {
    /// The key.
    pub key: KeyRecord,
    /// Whether new checkpoints are signed with it.
    pub active: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// The key to sign with.
pub fn active(db: &mut Db) -> Result<Option<Kept>> {
    let row: Option<(String, String, String)> = checkpoint_keys::table
        .filter(checkpoint_keys::active.eq(true))
        .select((checkpoint_keys::id, checkpoint_keys::public_key, checkpoint_keys::pkcs8))
        .first(db)
        .optional()?;
    Ok(row.map(|(id, public_key, pkcs8)| Kept {
        public: KeyRecord { id, public_key },
        pkcs8: Secret::new(pkcs8),
    }))
}

/// Keeps a key as the active one, unless there is an active one.
pub fn insert_first(db: &mut Db, key: &Kept, now: DateTime<Utc>) -> Result<()> {
    let values = (
        checkpoint_keys::id.eq(&key.public.id),
        checkpoint_keys::public_key.eq(&key.public.public_key),
        checkpoint_keys::pkcs8.eq(key.pkcs8.expose()),
        checkpoint_keys::active.eq(true),
        checkpoint_keys::created_at.eq(At::from(now)),
    );
    diesel::insert_into(checkpoint_keys::table).values(values).or_ignore().execute(db)?;
    Ok(())
}

/// All public keys, the oldest first.
pub fn published(db: &mut Db) -> Result<Vec<Published>> {
    let columns = (
        checkpoint_keys::id,
        checkpoint_keys::public_key,
        checkpoint_keys::active,
        checkpoint_keys::created_at,
    );
    let order = (checkpoint_keys::created_at, checkpoint_keys::id);
    let rows: Vec<(String, String, bool, At)> =
        checkpoint_keys::table.select(columns).order(order).load(db)?;
    let published = |(id, public_key, active, created_at): (String, String, bool, At)| Published {
        key: KeyRecord { id, public_key },
        active,
        created_at: created_at.into(),
    };
    Ok(rows.into_iter().map(published).collect())
}
