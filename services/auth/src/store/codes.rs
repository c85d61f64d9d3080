//! Authorization codes.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, Key, LockExt, Result};
use hms_model::id::GrantId;

use crate::domain::oauth::code::Code;
use crate::domain::oauth::scope::Scopes;
use crate::schema::oauth_codes;

/// For how long a used code is remembered after it has expired: who shows it again ends the grant that came of it.
const REMEMBERED: TimeDelta = TimeDelta::days(1);

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = oauth_codes)]
struct Row {
    client_id: Key,
    account_id: Key,
    redirect_uri: String,
    challenge: String,
    scopes: String,
    nonce: Option<String>,
    auth_time: At,
    expires_at: At,
    grant_id: Option<Key>,
}

/// Keeps a new code by its hash.
pub fn insert(db: &mut Db, hash: &str, code: &Code) -> Result<()> {
    let row = Row {
        client_id: code.client_id.into(),
        account_id: code.account_id.into(),
        redirect_uri: code.redirect_uri.clone(),
        challenge: code.challenge.clone(),
        scopes: code.scopes.words(),
        nonce: code.nonce.clone(),
        auth_time: code.auth_time.into(),
        expires_at: code.expires_at.into(),
        grant_id: code.grant_id.map(Key::from),
    };
    diesel::insert_into(oauth_codes::table).values((oauth_codes::hash.eq(hash), row)).execute(db)?;
    Ok(())
}

/// What stands behind a code. Of several who show it at the same time, one after the other is served.
pub fn find_locked(db: &mut Db, hash: &str) -> Result<Option<Code>> {
    let query = oauth_codes::table.find(hash).select(Row::as_select()).lock(db);
    let row: Option<Row> = query.get_result(db).optional()?;
    Ok(row.map(|row| Code {
        client_id: row.client_id.into(),
        account_id: row.account_id.into(),
        redirect_uri: row.redirect_uri,
        challenge: row.challenge,
        scopes: Scopes::kept(&row.scopes),
        nonce: row.nonce,
        auth_time: row.auth_time.into(),
        expires_at: row.expires_at.into(),
        grant_id: row.grant_id.map(Into::into),
    }))
}

/// Notes that a code is used; false when it was before.
pub fn redeem(db: &mut Db, hash: &str, grant: GrantId) -> Result<bool> {
    let unused = oauth_codes::table.find(hash).filter(oauth_codes::grant_id.is_null());
    Ok(diesel::update(unused).set(oauth_codes::grant_id.eq(Some(Key::from(grant)))).execute(db)? == 1)
}

/// Forgets what is long expired.
pub fn prune(db: &mut Db, now: DateTime<Utc>) -> Result<usize> {
    let old = oauth_codes::table.filter(oauth_codes::expires_at.lt(At::from(now - REMEMBERED)));
    Ok(diesel::delete(old).execute(db)?)
}
