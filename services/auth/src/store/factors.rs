//! Second factors: authenticator apps and recovery codes.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use hms_db::{At, Db, InsertExt, Key, Result};
use hms_model::id::AccountId;

use crate::schema::{recovery_codes, totp_factors};

/// The authenticator app of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    /// Its secret, sealed.
    pub sealed: String,
    /// Whether a code has shown that the app has it.
    pub confirmed: bool,
    /// The last step of which a code was accepted.
    pub used_step: i64,
}

/// The app of an account, confirmed or not.
pub fn totp(db: &mut Db, account: AccountId) -> Result<Option<Totp>> {
    let row: Option<(String, Option<At>, i64)> = totp_factors::table
        .find(Key::from(account))
        .select((totp_factors::secret, totp_factors::confirmed_at, totp_factors::used_step))
        .first(db)
        .optional()?;
    Ok(row.map(|(sealed, confirmed, used_step)| Totp { sealed, confirmed: confirmed.is_some(), used_step }))
}

/// Whether the account has a second factor.
pub fn has_factor(db: &mut Db, account: AccountId) -> Result<bool> {
    let confirmed =
        totp_factors::table.find(Key::from(account)).filter(totp_factors::confirmed_at.is_not_null());
    Ok(diesel::select(exists(confirmed)).get_result(db)?)
}

/// Keeps the secret of an app that has still to be confirmed, in place of an earlier one that never was. False when
/// there is a confirmed one.
pub fn enrol(db: &mut Db, account: AccountId, sealed: &str, now: DateTime<Utc>) -> Result<bool> {
    let unconfirmed =
        totp_factors::table.find(Key::from(account)).filter(totp_factors::confirmed_at.is_null());
    diesel::delete(unconfirmed).execute(db)?;
    let values = (
        totp_factors::account_id.eq(Key::from(account)),
        totp_factors::secret.eq(sealed),
        totp_factors::used_step.eq(0),
        totp_factors::created_at.eq(At::from(now)),
    );
    Ok(diesel::insert_into(totp_factors::table).values(values).or_ignore().execute(db)? == 1)
}

/// The app is confirmed by a code of this step; false when it was confirmed before, or is another one by now.
pub fn confirm(db: &mut Db, account: AccountId, totp: &Totp, step: i64, now: DateTime<Utc>) -> Result<bool> {
    let same = totp_factors::table
        .find(Key::from(account))
        .filter(totp_factors::confirmed_at.is_null())
        .filter(totp_factors::secret.eq(&totp.sealed));
    let changes = (totp_factors::confirmed_at.eq(Some(At::from(now))), totp_factors::used_step.eq(step));
    Ok(diesel::update(same).set(changes).execute(db)? == 1)
}

/// Uses the code of a step up; false when it or a later one was used before.
pub fn use_step(db: &mut Db, account: AccountId, step: i64) -> Result<bool> {
    let unused = totp_factors::table
        .find(Key::from(account))
        .filter(totp_factors::confirmed_at.is_not_null())
        .filter(totp_factors::used_step.lt(step));
    Ok(diesel::update(unused).set(totp_factors::used_step.eq(step)).execute(db)? == 1)
}

/// Uses a recovery code up; false when there is none of this hash.
pub fn use_recovery_code(db: &mut Db, account: AccountId, hash: &str) -> Result<bool> {
    Ok(diesel::delete(recovery_codes::table.find((Key::from(account), hash))).execute(db)? == 1)
}

/// How many recovery codes are left.
pub fn recovery_codes_left(db: &mut Db, account: AccountId) -> Result<i64> {
    let own = recovery_codes::table.filter(recovery_codes::account_id.eq(Key::from(account)));
    Ok(own.count().get_result(db)?)
}

/// Replaces all recovery codes.
pub fn replace_recovery_codes(db: &mut Db, account: AccountId, hashes: &[String]) -> Result<()> {
    let own = recovery_codes::table.filter(recovery_codes::account_id.eq(Key::from(account)));
    diesel::delete(own).execute(db)?;
    for hash in hashes {
        let values = (recovery_codes::account_id.eq(Key::from(account)), recovery_codes::hash.eq(hash));
        diesel::insert_into(recovery_codes::table).values(values).execute(db)?;
    }
    Ok(())
}

/// Takes the second factor and the recovery codes away; false when there was none.
pub fn remove(db: &mut Db, account: AccountId) -> Result<bool> {
    replace_recovery_codes(db, account, &[])?;
    Ok(diesel::delete(totp_factors::table.find(Key::from(account))).execute(db)? == 1)
}
