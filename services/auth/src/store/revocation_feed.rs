//! The list of what was revoked, as the gateway reads it: by position.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, Key, Result};
use hms_model::id::SessionId;

use crate::schema::{revocation_positions, revocations};

/// The most entries of one answer.
const MOST: i64 = 1_000;

/// A part of the list.
pub struct Feed {
    /// Up to where it reaches: what to ask `after` next time.
    pub position: i64,
    /// What was revoked, each with the moment from which on it has no meaning.
    pub revoked: Vec<(SessionId, DateTime<Utc>)>,
    /// Whether there is nothing more at present.
    pub complete: bool,
}

/// What was revoked after a position, or all that is still of meaning.
pub fn after(db: &mut Db, position: Option<i64>, now: DateTime<Utc>) -> Result<Feed> {
    // Read first: what commits in between is told next time.
    let last: i64 = revocation_positions::table.select(revocation_positions::last).first(db)?;
    let from = position.unwrap_or(0);
    let rows: Vec<(i64, Key, At)> = revocations::table
        .filter(revocations::position.gt(from))
        .filter(revocations::position.le(last))
        .filter(revocations::until.gt(At::from(now)))
        .select((revocations::position, revocations::sid, revocations::until))
        .order(revocations::position)
        .limit(MOST)
        .load(db)?;
    let complete = rows.len() < usize::try_from(MOST).unwrap_or(usize::MAX);
    let reached = rows.last().map(|row| row.0).filter(|_| !complete);
    let revoked = rows.into_iter().map(|(_, sid, until)| (sid.into(), until.into())).collect();
    Ok(Feed { position: reached.unwrap_or(last), revoked, complete })
}

/// Whether something was revoked.
pub fn is_revoked(db: &mut Db, sid: SessionId, now: DateTime<Utc>) -> Result<bool> {
    let found = revocations::table
        .filter(revocations::sid.eq(Key::from(sid)))
        .filter(revocations::until.gt(At::from(now)));
    Ok(diesel::select(diesel::dsl::exists(found)).get_result(db)?)
}
