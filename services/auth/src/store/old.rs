//! What has had its time: expired tokens, sessions that are over, failures that count no more.

use chrono::{DateTime, Utc};
use hms_db::{Db, Result};

use super::{challenges, failed_attempts, invitations, one_time, open_sessions};

/// Passes over sessions in one go, so that the transaction does not hold the database for long; the rest follows the
/// next time.
const PASSES: usize = 4;

/// Deletes it.
pub fn forget(db: &mut Db, now: DateTime<Utc>) -> Result<()> {
    challenges::prune(db, now)?;
    one_time::prune(db, now)?;
    failed_attempts::prune(db, now)?;
    invitations::prune(db, now)?;
    for _ in 0..PASSES {
        if !open_sessions::prune(db, now)? {
            break;
        }
    }
    Ok(())
}
