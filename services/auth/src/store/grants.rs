//! Grants and the families of their refresh tokens.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, Key, LockExt, Result};
use hms_model::id::{AccountId, ClientId, GrantId, SessionId};

use crate::domain::oauth::scope::Scopes;
use crate::domain::refresh::{Family, LIFETIME, Presented};
use crate::schema::{oauth_grants, oauth_refresh_tokens};

/// For how long a grant that has ended is remembered, for whoever asks about its tokens.
const REMEMBERED: TimeDelta = TimeDelta::days(7);

/// A grant and its family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id, the `sid` of its tokens.
    pub id: GrantId,
    /// To whom it was given.
    pub client_id: ClientId,
    /// Who gave it.
    pub account_id: AccountId,
    /// What was allowed.
    pub scopes: Scopes,
    /// When they signed in.
    pub auth_time: DateTime<Utc>,
    /// Its family of refresh tokens.
    pub family: Family,
}

impl Grant {
    /// By what its tokens can be revoked as one.
    pub fn sid(&self) -> SessionId {
        SessionId::from_uuid(self.id.uuid())
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = oauth_grants)]
struct Row {
    id: Key,
    client_id: Key,
    account_id: Key,
    scopes: String,
    auth_time: At,
    generation: i64,
    rotated_at: At,
    grace_spent: bool,
    revoked_at: Option<At>,
}

impl From<Row> for Grant {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            client_id: row.client_id.into(),
            account_id: row.account_id.into(),
            scopes: Scopes::kept(&row.scopes),
            auth_time: row.auth_time.into(),
            family: Family {
                generation: row.generation,
                rotated_at: row.rotated_at.into(),
                grace_spent: row.grace_spent,
                revoked: row.revoked_at.is_some(),
            },
        }
    }
}

/// The row of a grant, if it is still as it was loaded.
macro_rules! as_loaded {
    ($grant:expr) => {
        oauth_grants::table
            .find(Key::from($grant.id))
            .filter(oauth_grants::generation.eq($grant.family.generation))
            .filter(oauth_grants::revoked_at.is_null())
    };
}

/// Keeps a new grant of this moment, whose tokens expire by then; with its first refresh token where it has one.
pub fn begin(
    db: &mut Db,
    grant: &Grant,
    refresh_hash: Option<&str>,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    let expires_at = refresh_hash.map_or(expires_at, |_| expires_at.max(now + LIFETIME));
    let values = (
        oauth_grants::id.eq(Key::from(grant.id)),
        oauth_grants::client_id.eq(Key::from(grant.client_id)),
        oauth_grants::account_id.eq(Key::from(grant.account_id)),
        oauth_grants::scopes.eq(grant.scopes.words()),
        oauth_grants::auth_time.eq(At::from(grant.auth_time)),
        oauth_grants::generation.eq(grant.family.generation),
        oauth_grants::rotated_at.eq(At::from(now)),
        oauth_grants::grace_spent.eq(false),
        oauth_grants::expires_at.eq(At::from(expires_at)),
        oauth_grants::created_at.eq(At::from(now)),
    );
    diesel::insert_into(oauth_grants::table).values(values).execute(db)?;
    match refresh_hash {
        Some(hash) => add_token(db, grant.id, grant.family.generation, hash, now),
        None => Ok(()),
    }
}

/// A grant by its id, if there is such a one.
pub fn find(db: &mut Db, id: GrantId) -> Result<Option<Grant>> {
    let row: Option<Row> =
        oauth_grants::table.find(Key::from(id)).select(Row::as_select()).first(db).optional()?;
    Ok(row.map(Into::into))
}

/// The grant of a refresh token, and the token's place in it. Until the transaction ends nobody else changes the grant,
/// so that parallel refreshes are decided one after the other.
pub fn find_by_token(db: &mut Db, hash: &str) -> Result<Option<(Grant, Presented)>> {
    let token: Option<(Key, i64, At)> = oauth_refresh_tokens::table
        .find(hash)
        .select((
            oauth_refresh_tokens::grant_id,
            oauth_refresh_tokens::generation,
            oauth_refresh_tokens::expires_at,
        ))
        .first(db)
        .optional()?;
    let Some((grant, generation, expires_at)) = token else { return Ok(None) };
    let query = oauth_grants::table.find(grant).select(Row::as_select()).lock(db);
    let row: Row = query.get_result(db)?;
    Ok(Some((row.into(), Presented { generation, expires_at: expires_at.into() })))
}

/// The next generation becomes the current one. False when the grant is not as it was loaded.
pub fn rotate(db: &mut Db, grant: &Grant, hash: &str, now: DateTime<Utc>) -> Result<bool> {
    let next = grant.family.generation + 1;
    let changes = (
        oauth_grants::generation.eq(next),
        oauth_grants::rotated_at.eq(At::from(now)),
        oauth_grants::grace_spent.eq(false),
        oauth_grants::expires_at.eq(At::from(now + LIFETIME)),
    );
    let rows = diesel::update(as_loaded!(grant)).set(changes).execute(db)?;
    if rows == 1 {
        add_token(db, grant.id, next, hash, now)?;
    }
    Ok(rows == 1)
}

/// The current generation gets one more token, and the grace is spent. False as with [`rotate`].
pub fn tolerate(db: &mut Db, grant: &Grant, hash: &str, now: DateTime<Utc>) -> Result<bool> {
    let unspent = as_loaded!(grant).filter(oauth_grants::grace_spent.eq(false));
    let rows = diesel::update(unspent).set(oauth_grants::grace_spent.eq(true)).execute(db)?;
    if rows == 1 {
        add_token(db, grant.id, grant.family.generation, hash, now)?;
    }
    Ok(rows == 1)
}

/// Ends a grant; false when it had ended before.
pub fn revoke(db: &mut Db, id: GrantId, now: DateTime<Utc>) -> Result<bool> {
    let open = oauth_grants::table.find(Key::from(id)).filter(oauth_grants::revoked_at.is_null());
    Ok(diesel::update(open).set(oauth_grants::revoked_at.eq(Some(At::from(now)))).execute(db)? == 1)
}

/// Ends all grants of a client; gives back which.
pub fn revoke_of_client(db: &mut Db, client: ClientId, now: DateTime<Utc>) -> Result<Vec<GrantId>> {
    let open = oauth_grants::table
        .filter(oauth_grants::client_id.eq(Key::from(client)))
        .filter(oauth_grants::revoked_at.is_null());
    let changes = oauth_grants::revoked_at.eq(Some(At::from(now)));
    let ids: Vec<Key> = diesel::update(open).set(changes).returning(oauth_grants::id).get_results(db)?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Ends all grants of an account; gives back which.
pub fn revoke_of_account(db: &mut Db, account: AccountId, now: DateTime<Utc>) -> Result<Vec<GrantId>> {
    let open = oauth_grants::table
        .filter(oauth_grants::account_id.eq(Key::from(account)))
        .filter(oauth_grants::revoked_at.is_null());
    let changes = oauth_grants::revoked_at.eq(Some(At::from(now)));
    let ids: Vec<Key> = diesel::update(open).set(changes).returning(oauth_grants::id).get_results(db)?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Forgets the tokens and grants that are long expired.
pub fn prune(db: &mut Db, now: DateTime<Utc>) -> Result<usize> {
    let old =
        oauth_refresh_tokens::table.filter(oauth_refresh_tokens::expires_at.lt(At::from(now - REMEMBERED)));
    let tokens = diesel::delete(old).execute(db)?;
    let old = oauth_grants::table.filter(oauth_grants::expires_at.lt(At::from(now - REMEMBERED)));
    Ok(tokens + diesel::delete(old).execute(db)?)
}

fn add_token(db: &mut Db, grant: GrantId, generation: i64, hash: &str, now: DateTime<Utc>) -> Result<()> {
    let values = (
        oauth_refresh_tokens::hash.eq(hash),
        oauth_refresh_tokens::grant_id.eq(Key::from(grant)),
        oauth_refresh_tokens::generation.eq(generation),
        oauth_refresh_tokens::expires_at.eq(At::from(now + LIFETIME)),
    );
    diesel::insert_into(oauth_refresh_tokens::table).values(values).execute(db)?;
    Ok(())
}
