//! Those who have given the password and have yet to give the second factor.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, Key, Result};
use hms_model::id::AccountId;

use crate::domain::one_time::CHALLENGE;
use crate::keyring::DeviceId;
use crate::schema::sign_in_challenges;

/// A sign-in half done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The SHA-256 of what the client holds.
    pub hash: String,
    /// Who signs in.
    pub account_id: AccountId,
    /// What failures are counted for.
    pub subject: String,
    /// The device, if it is known.
    pub device_id: Option<DeviceId>,
    /// How many codes were tried.
    pub attempts: i64,
}

/// Keeps one.
pub fn add(db: &mut Db, challenge: &Challenge, now: DateTime<Utc>) -> Result<()> {
    let values = (
        sign_in_challenges::hash.eq(&challenge.hash),
        sign_in_challenges::account_id.eq(Key::from(challenge.account_id)),
        sign_in_challenges::subject.eq(&challenge.subject),
        sign_in_challenges::device_id.eq(challenge.device_id.map(Key::from)),
        sign_in_challenges::attempts.eq(challenge.attempts),
        sign_in_challenges::expires_at.eq(At::from(now + CHALLENGE)),
    );
    diesel::insert_into(sign_in_challenges::table).values(values).execute(db)?;
    Ok(())
}

/// One that has not expired.
pub fn find(db: &mut Db, hash: &str, now: DateTime<Utc>) -> Result<Option<Challenge>> {
    type Row = (String, Key, String, Option<Key>, i64);
    let row: Option<Row> = sign_in_challenges::table
        .find(hash)
        .filter(sign_in_challenges::expires_at.gt(At::from(now)))
        .select((
            sign_in_challenges::hash,
            sign_in_challenges::account_id,
            sign_in_challenges::subject,
            sign_in_challenges::device_id,
            sign_in_challenges::attempts,
        ))
        .first(db)
        .optional()?;
    Ok(row.map(|(hash, account, subject, device, attempts)| Challenge {
        hash,
        account_id: account.into(),
        subject,
        device_id: device.map(Into::into),
        attempts,
    }))
}

/// Counts one more code that was wrong.
pub fn count_attempt(db: &mut Db, hash: &str) -> Result<()> {
    diesel::update(sign_in_challenges::table.find(hash))
        .set(sign_in_challenges::attempts.eq(sign_in_challenges::attempts + 1))
        .execute(db)?;
    Ok(())
}

/// Uses one up; of several who do so at once one is told true.
pub fn take(db: &mut Db, hash: &str) -> Result<bool> {
    Ok(diesel::delete(sign_in_challenges::table.find(hash)).execute(db)? == 1)
}

/// Makes all of an account useless.
pub fn forget(db: &mut Db, account: AccountId) -> Result<()> {
    let own = sign_in_challenges::table.filter(sign_in_challenges::account_id.eq(Key::from(account)));
    diesel::delete(own).execute(db)?;
    Ok(())
}

/// Deletes those that have expired.
pub fn prune(db: &mut Db, now: DateTime<Utc>) -> Result<usize> {
    let old = sign_in_challenges::expires_at.le(At::from(now));
    Ok(diesel::delete(sign_in_challenges::table.filter(old)).execute(db)?)
}
