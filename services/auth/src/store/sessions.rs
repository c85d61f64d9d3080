//! Sessions and the families of their refresh tokens.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, Key, LockExt, Result};
use hms_model::id::{AccountId, SessionId};

use crate::config::LONGEST_LIFETIME;
use crate::domain::place::Place;
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
    /// How its holder was recognised (RFC 8176).
    pub amr: Vec<String>,
}

/// One use of a session: a sign-in or a refresh.
#[derive(Debug, Clone)]
pub struct Use {
    /// When.
    pub now: DateTime<Utc>,
    /// With what, and from where.
    pub place: Place,
    /// When the access token expires that is given for it.
    pub access_until: DateTime<Utc>,
}

/// A session that was ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its id.
    pub id: SessionId,
    /// When the last access token of it expires.
    pub access_until: DateTime<Utc>,
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

/// The columns that each use of a session writes.
macro_rules! used {
    ($used:expr) => {
        (
            sessions::device.eq($used.place.device.clone()),
            sessions::network.eq($used.place.network.clone()),
            sessions::last_used_at.eq(Some(At::from($used.now))),
            sessions::access_until.eq(Some(At::from($used.access_until))),
            sessions::ends_at.eq(Some(At::from($used.now + LIFETIME))),
        )
    };
}

/// Begins a session with its first refresh token.
pub fn begin(
    db: &mut Db,
    (id, account_id): (SessionId, AccountId),
    amr: &[String],
    hash: &str,
    first: &Use,
) -> Result<()> {
    let values = (
        sessions::id.eq(Key::from(id)),
        sessions::account_id.eq(Key::from(account_id)),
        sessions::generation.eq(1),
        sessions::rotated_at.eq(At::from(first.now)),
        sessions::grace_spent.eq(false),
        sessions::created_at.eq(At::from(first.now)),
        sessions::amr.eq(Some(amr.join(" "))),
        used!(first),
    );
    diesel::insert_into(sessions::table).values(values).execute(db)?;
    add_token(db, id, 1, hash, first.now)
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
            (sessions::generation, sessions::rotated_at, sessions::grace_spent, sessions::revoked_at),
            sessions::amr,
        ))
        .lock(db);
    type Row = (Key, (i64, At, bool, Option<At>), Option<String>);
    let found: Option<Row> = query.get_result(db).optional()?;
    let Some((account, (current, rotated_at, grace_spent, revoked_at), amr)) = found else { return Ok(None) };
    let family = Family {
        generation: current,
        rotated_at: rotated_at.into(),
        grace_spent,
        revoked: revoked_at.is_some(),
    };
    let amr = amr_words(amr.as_deref());
    let session = Session { id: session.into(), account_id: account.into(), family, amr };
    Ok(Some((session, Presented { generation, expires_at: expires_at.into() })))
}

/// Sessions from before this was written down began with a password.
fn amr_words(amr: Option<&str>) -> Vec<String> {
    amr.unwrap_or("pwd").split(' ').map(str::to_owned).collect()
}

/// The next generation becomes the current one. False when the session is not as it was loaded.
pub fn rotate(db: &mut Db, session: &Session, hash: &str, used: &Use) -> Result<bool> {
    let next = session.family.generation + 1;
    let changes = (
        sessions::generation.eq(next),
        sessions::rotated_at.eq(At::from(used.now)),
        sessions::grace_spent.eq(false),
        used!(used),
    );
    let rows = diesel::update(as_loaded!(session)).set(changes).execute(db)?;
    if rows == 1 {
        add_token(db, session.id, next, hash, used.now)?;
    }
    Ok(rows == 1)
}

/// The current generation gets one more token, and the grace is spent. False as with [`rotate`].
pub fn tolerate(db: &mut Db, session: &Session, hash: &str, used: &Use) -> Result<bool> {
    let unspent = as_loaded!(session).filter(sessions::grace_spent.eq(false));
    let rows = diesel::update(unspent).set((sessions::grace_spent.eq(true), used!(used))).execute(db)?;
    if rows == 1 {
        add_token(db, session.id, session.family.generation, hash, used.now)?;
    }
    Ok(rows == 1)
}

/// Notes that a second factor was shown in this session.
pub fn add_factor(db: &mut Db, id: SessionId) -> Result<()> {
    let amr = Some("pwd otp".to_owned());
    diesel::update(sessions::table.find(Key::from(id))).set(sessions::amr.eq(amr)).execute(db)?;
    Ok(())
}

/// When this open session of the account began; none where there is none.
pub fn began(db: &mut Db, id: SessionId, account: AccountId) -> Result<Option<DateTime<Utc>>> {
    let open = sessions::table
        .find(Key::from(id))
        .filter(sessions::account_id.eq(Key::from(account)))
        .filter(sessions::revoked_at.is_null());
    let began: Option<At> = open.select(sessions::created_at).first(db).optional()?;
    Ok(began.map(Into::into))
}

/// Which open sessions of an account shall end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(SessionId),
    /// All but this one.
    Others(SessionId),
    /// All.
    All,
}

/// Ends sessions of an account; gives back those that had not ended before. Say so to the gateway by
/// [`revocations`](super::revocations).
pub fn end(db: &mut Db, account: AccountId, which: Which, now: DateTime<Utc>) -> Result<Vec<Ended>> {
    let open = sessions::table
        .filter(sessions::account_id.eq(Key::from(account)))
        .filter(sessions::revoked_at.is_null());
    let ended = sessions::revoked_at.eq(Some(At::from(now)));
    let columns = (sessions::id, sessions::access_until);
    let rows: Vec<(Key, Option<At>)> = match which {
        Which::One(id) => diesel::update(open.filter(sessions::id.eq(Key::from(id))))
            .set(ended)
            .returning(columns)
            .get_results(db)?,
        Which::Others(id) => diesel::update(open.filter(sessions::id.ne(Key::from(id))))
            .set(ended)
            .returning(columns)
            .get_results(db)?,
        Which::All => diesel::update(open).set(ended).returning(columns).get_results(db)?,
    };
    let ended = |(id, until): (Key, Option<At>)| Ended {
        id: id.into(),
        access_until: until.map_or(now + LONGEST_LIFETIME, Into::into),
    };
    Ok(rows.into_iter().map(ended).collect())
}

/// Forgets device and place of all sessions of an account.
pub fn forget_places(db: &mut Db, account: AccountId) -> Result<()> {
    let own = sessions::table.filter(sessions::account_id.eq(Key::from(account)));
    let nowhere = (sessions::device.eq(None::<String>), sessions::network.eq(None::<String>));
    diesel::update(own).set(nowhere).execute(db)?;
    Ok(())
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
