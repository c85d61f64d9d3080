//! Attempts that failed, by what they are counted for.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, InsertExt, LockExt, Result};

use crate::domain::lockout::{FORGOTTEN_AFTER, Tally};
use crate::schema::failed_attempts;

/// The failures of a subject; none where there was none.
pub fn find(db: &mut Db, subject: &str) -> Result<Option<Tally>> {
    let row: Option<(i64, At)> = failed_attempts::table
        .find(subject)
        .select((failed_attempts::failures, failed_attempts::last_failed_at))
        .first(db)
        .optional()?;
    Ok(row.map(tally))
}

/// The same, which nobody else changes until the transaction ends: attempts at the same time are judged one after
/// the other.
pub fn find_locked(db: &mut Db, subject: &str, now: DateTime<Utc>) -> Result<Tally> {
    let values = (
        failed_attempts::subject.eq(subject),
        failed_attempts::failures.eq(0),
        failed_attempts::last_failed_at.eq(At::from(now)),
    );
    diesel::insert_into(failed_attempts::table).values(values).or_ignore().execute(db)?;
    let query = failed_attempts::table
        .find(subject)
        .select((failed_attempts::failures, failed_attempts::last_failed_at))
        .lock(db);
    let row: (i64, At) = query.get_result(db)?;
    Ok(tally(row))
}

/// Keeps a tally that was locked before.
pub fn save(db: &mut Db, subject: &str, tally: &Tally) -> Result<()> {
    let changes = (
        failed_attempts::failures.eq(tally.failures),
        failed_attempts::last_failed_at.eq(At::from(tally.last_failed_at)),
    );
    diesel::update(failed_attempts::table.find(subject)).set(changes).execute(db)?;
    Ok(())
}

/// Forgets the failures of a subject.
pub fn clear(db: &mut Db, subject: &str) -> Result<()> {
    diesel::delete(failed_attempts::table.find(subject)).execute(db)?;
    Ok(())
}

/// Forgets those that count no more.
pub fn prune(db: &mut Db, now: DateTime<Utc>) -> Result<usize> {
    let old = failed_attempts::last_failed_at.le(At::from(now - FORGOTTEN_AFTER));
    Ok(diesel::delete(failed_attempts::table.filter(old)).execute(db)?)
}

fn tally((failures, at): (i64, At)) -> Tally {
    Tally { failures, last_failed_at: at.into() }
}
