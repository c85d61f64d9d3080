//! What was revoked before its access tokens have expired by themselves. The gateway follows this list.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, Key, Result};
use hms_model::id::SessionId;

use crate::config::LONGEST_LIFETIME;
use crate::schema::{revocation_positions, revocations};

/// The one row of the positions.
const COUNTER: i64 = 1;

/// Revokes what access tokens name in their `sid`, until the longest-lived of them has expired for certain.
pub fn revoke(db: &mut Db, sid: SessionId, now: DateTime<Utc>) -> Result<()> {
    revoke_each(db, &[(sid, now + LONGEST_LIFETIME)], now)
}

/// The same for several, each with the moment at which its last access token expires; what is past then needs no
/// revocation. Positions are given in the order of the commits, so this waits for others who revoke at the same
/// time: call it last in a unit of work, after every other row is locked.
pub fn revoke_each(db: &mut Db, sids: &[(SessionId, DateTime<Utc>)], now: DateTime<Utc>) -> Result<()> {
    let live: Vec<_> = sids.iter().filter(|(_, until)| *until > now).collect();
    if live.is_empty() {
        return Ok(());
    }
    let many = i64::try_from(live.len()).unwrap_or(i64::MAX);
    let last: i64 = diesel::update(revocation_positions::table.find(COUNTER))
        .set(revocation_positions::last.eq(revocation_positions::last + many))
        .returning(revocation_positions::last)
        .get_result(db)?;
    for ((sid, until), position) in live.into_iter().zip(last - many + 1..) {
        let values = (
            revocations::position.eq(position),
            revocations::sid.eq(Key::from(*sid)),
            revocations::revoked_at.eq(At::from(now)),
            revocations::until.eq(At::from(*until)),
        );
        diesel::insert_into(revocations::table).values(values).execute(db)?;
    }
    Ok(())
}

/// Forgets what has no meaning any more.
pub fn prune(db: &mut Db, now: DateTime<Utc>) -> Result<usize> {
    Ok(diesel::delete(revocations::table.filter(revocations::until.le(At::from(now)))).execute(db)?)
}
