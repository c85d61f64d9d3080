//! What is right at this moment: what was counted, and anew what has changed since.

use hms_db::{Db, Result};
use hms_model::Zone;

use super::{cells, changed, facts, unreadable};
use crate::domain::{Days, Span};

/// The days of a span. A day that has changed and was not counted since is counted here: an answer is never older than
/// the events that were taken before it was asked for.
pub fn days(db: &mut Db, span: Span, zone: Zone) -> Result<Days> {
    // Asked first: what changes after this statement makes the answer newer, never older.
    let stale = changed::within(db, span)?;
    let mut days = cells::within(db, span)?;
    let (Some(from), Some(to)) = (stale.first(), stale.last()) else { return Ok(days) };
    let mut fresh = facts::within(db, Span { from: *from, to: *to }, zone)?.days(zone).map_err(unreadable)?;
    for day in stale {
        match fresh.remove(&day) {
            Some(cells) => days.insert(day, cells),
            None => days.remove(&day),
        };
    }
    Ok(days)
}
