//! Sessions and the families of their refresh tokens.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, Key, LockExt, Result};
use hms_model::id::{AccountId, SessionId};

use crate::domain::refresh::{Family, LIFETIME, Presented};
use crate::schema::{refresh_tokens, sessions};

/// A session and its family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub account_id: AccountId,
    /// Its family of refresh tokens.
    pub family: Family,
}

/// The row of a session, if it is still as it was loaded.
macro_rules! as_loaded {
    ($session:expr) => {
        sessions::table
            .find(Key::from($session.id))
            .filter(sessions::generation.eq($session.family.generation))
            .filter(sessions::revoked_at.is_null())
    };
}

/// Begins a session with its first refresh token.
pub fn begin(
    db: &mut Db,
    id: SessionId,
    account_id: AccountId,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let values = (
        sessions::id.eq(Key::from(id)),
        sessions::account_id.eq(Key::from(account_id)),
        sessions::generation.eq(1),
        sessions::rotated_at.eq(At::from(now)),
        sessions::grace_spent.eq(false),
        sessions::created_at.eq(At::from(now)),
    );
    diesel::insert_into(sessions::table).values(values).execute(db)?;
    add_token(db, id, 1, hash, now)
}

/// The session of a refresh token, and the token's place in it. Until the transaction ends nobody else changes
/// the session, so that parallel refreshes are decided one after the other.
pub fn find_by_token(db: &mut Db, hash: &str) -> Result<Option<(Session, Presented)>> {
    let token: Option<(Key, i64, At)> = refresh_tokens::table
        .find(hash)
        .select((refresh_tokens::session_id, refresh_tokens::generation, refresh_tokens::expires_at))
        .first(db)
        .optional()?;
    let Some((session, generation, expires_at)) = token else { return Ok(None) };
    let query = sessions::table
        .find(session)
        .select((
            sessions::account_id,
            sessions::generation,
            sessions::rotated_at,
            sessions::grace_spent,
            sessions::revoked_at,
        ))
        .lock(db);
    let (account, current, rotated_at, grace_spent, revoked_at): (Key, i64, At, bool, Option<At>) =
        query.get_result(db)?;
    let family = Family {
        generation: current,
        rotated_at: rotated_at.into(),
        grace_spent,
        revoked: revoked_at.is_some(),
    };
    let session = Session { id: session.into(), account_id: account.into(), family };
    Ok(Some((session, Presented { generation, expires_at: expires_at.into() })))
}

/// The next generation becomes the current one. False when the session is not as it was loaded.
pub fn rotate(db: &mut Db, session: &Session, hash: &str, now: DateTime<Utc>) -> Result<bool> {
    let next = session.family.generation + 1;
    let changes = (
        sessions::generation.eq(next),
        sessions::rotated_at.eq(At::from(now)),
        sessions::grace_spent.eq(false),
    );
    let rows = diesel::update(as_loaded!(session)).set(changes).execute(db)?;
    if rows == 1 {
        add_token(db, session.id, next, hash, now)?;
    }
    Ok(rows == 1)
}

/// The current generation gets one more token, and the grace is spent. False as with [`rotate`].
pub fn tolerate(db: &mut Db, session: &Session, hash: &str, now: DateTime<Utc>) -> Result<bool> {
    let unspent = as_loaded!(session).filter(sessions::grace_spent.eq(false));
    let rows = diesel::update(unspent).set(sessions::grace_spent.eq(true)).execute(db)?;
    if rows == 1 {
        add_token(db, session.id, session.family.generation, hash, now)?;
    }
    Ok(rows == 1)
}

/// Ends a session; false when it had ended before.
pub fn revoke(db: &mut Db, id: SessionId, now: DateTime<Utc>) -> Result<bool> {
    let open = sessions::table.find(Key::from(id)).filter(sessions::revoked_at.is_null());
    Ok(diesel::update(open).set(sessions::revoked_at.eq(Some(At::from(now)))).execute(db)? == 1)
}

/// Ends all sessions of an account.
pub fn revoke_all(db: &mut Db, account: AccountId, now: DateTime<Utc>) -> Result<usize> {
    let open = sessions::table
        .filter(sessions::account_id.eq(Key::from(account)))
        .filter(sessions::revoked_at.is_null());
    Ok(diesel::update(open).set(sessions::revoked_at.eq(Some(At::from(now)))).execute(db)?)
}

fn add_token(db: &mut Db, session: SessionId, generation: i64, hash: &str, now: DateTime<Utc>) -> Result<()> {
    let values = (
        refresh_tokens::hash.eq(hash),
        refresh_tokens::session_id.eq(Key::from(session)),
        refresh_tokens::generation.eq(generation),
        refresh_tokens::expires_at.eq(At::from(now + LIFETIME)),
    );
    diesel::insert_into(refresh_tokens::table).values(values).execute(db)?;
    Ok(())
}
