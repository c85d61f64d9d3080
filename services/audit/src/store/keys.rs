//! The keys that checkpoints are signed with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, Error, InsertExt, Result};
use hms_model::Secret;

use crate::domain::chain::{KeyRecord, PublicKey, Signer};
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

/// What a key that is kept no longer has in the place of its private half.
const DESTROYED: &str = "";

/// The signer with the key of the database. Asked for whenever something is to be signed, under the lock of the head of
/// the chain, so that after a rotation all replicas sign with the new one.
pub fn signer(db: &mut Db) -> Result<Signer> {
    let kept = active(db)?.ok_or_else(|| Error::Other("there is no key of checkpoints".into()))?;
    kept.signer()
}

impl Kept {
    /// The key as it signs.
    pub fn signer(&self) -> Result<Signer> {
        let damaged = || Error::Other("the key of checkpoints in the database is damaged".into());
        let pkcs8 = STANDARD.decode(self.pkcs8.expose()).map_err(|_| damaged())?;
        let signer = Signer::new(&pkcs8).map_err(|_| damaged())?;
        let published = KeyRecord { id: signer.id().to_owned(), public_key: signer.public().base64() };
        if self.public == published { Ok(signer) } else { Err(damaged()) }
    }
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

/// Puts a key in the place of the active one, whose private half is gone with that.
pub fn replace(db: &mut Db, old: &str, new: &Kept, now: DateTime<Utc>) -> Result<()> {
    let replaced = (checkpoint_keys::active.eq(false), checkpoint_keys::pkcs8.eq(DESTROYED));
    diesel::update(checkpoint_keys::table.find(old)).set(replaced).execute(db)?;
    insert_first(db, new, now)
}

/// The public key of this id.
pub fn find(db: &mut Db, id: &str) -> Result<Option<PublicKey>> {
    let key = checkpoint_keys::table.find(id).select(checkpoint_keys::public_key);
    let key: Option<String> = key.first(db).optional()?;
    Ok(key.and_then(|key| PublicKey::from_base64(&key).ok()))
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
