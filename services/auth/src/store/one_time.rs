//! What was sent by mail and works once.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use hms_db::{At, Code, Db, Result};

use crate::domain::one_time::{MAIL_PAUSE, Purpose};
use crate::schema::one_time_tokens;

/// Keeps a token by its hash.
pub fn add(db: &mut Db, purpose: Purpose, subject: &str, hash: &str, now: DateTime<Utc>) -> Result<()> {
    let values = (
        one_time_tokens::hash.eq(hash),
        one_time_tokens::purpose.eq(Code(purpose)),
        one_time_tokens::subject.eq(subject),
        one_time_tokens::created_at.eq(At::from(now)),
        one_time_tokens::expires_at.eq(At::from(now + purpose.lifetime())),
    );
    diesel::insert_into(one_time_tokens::table).values(values).execute(db)?;
    Ok(())
}

/// Whether one was asked for a moment ago.
pub fn is_fresh(db: &mut Db, purpose: Purpose, subject: &str, now: DateTime<Utc>) -> Result<bool> {
    let fresh = one_time_tokens::table
        .filter(one_time_tokens::subject.eq(subject))
        .filter(one_time_tokens::purpose.eq(Code(purpose)))
        .filter(one_time_tokens::created_at.gt(At::from(now - MAIL_PAUSE)));
    Ok(diesel::select(exists(fresh)).get_result(db)?)
}

/// Whom a token is for that can still be used.
pub fn find(db: &mut Db, purpose: Purpose, hash: &str, now: DateTime<Utc>) -> Result<Option<String>> {
    let usable = one_time_tokens::table
        .find(hash)
        .filter(one_time_tokens::purpose.eq(Code(purpose)))
        .filter(one_time_tokens::expires_at.gt(At::from(now)));
    Ok(usable.select(one_time_tokens::subject).first(db).optional()?)
}

/// Uses a token up. Of several who do so at once one is told true.
pub fn take(db: &mut Db, purpose: Purpose, hash: &str, now: DateTime<Utc>) -> Result<bool> {
    let usable = one_time_tokens::table
        .find(hash)
        .filter(one_time_tokens::purpose.eq(Code(purpose)))
        .filter(one_time_tokens::expires_at.gt(At::from(now)));
    Ok(diesel::delete(usable).execute(db)? == 1)
}

/// Makes all tokens of a subject useless.
pub fn forget(db: &mut Db, purpose: Purpose, subject: &str) -> Result<()> {
    let own = one_time_tokens::table
        .filter(one_time_tokens::subject.eq(subject))
        .filter(one_time_tokens::purpose.eq(Code(purpose)));
    diesel::delete(own).execute(db)?;
    Ok(())
}

/// Deletes those that have expired.
pub fn prune(db: &mut Db, now: DateTime<Utc>) -> Result<usize> {
    let old = one_time_tokens::expires_at.le(At::from(now));
    Ok(diesel::delete(one_time_tokens::table.filter(old)).execute(db)?)
}
