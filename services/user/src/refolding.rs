//! What was folded for the search by an earlier version of the service is folded anew, beside its requests.

use hms_db::{Database, Db, Error};
use hms_service::Stop;

use crate::store;

/// Rows of one transaction, so that nobody waits for it for long.
const AT_ONCE: i64 = 200;

/// Goes on until nothing is left or the service stops. When it fails, the next start goes on.
pub async fn run(database: Database, stop: Stop) {
    let mut all = 0;
    while !stop.is_told() {
        match database.write(some).await {
            Ok(0) => break,
            Ok(rows) => all += rows,
            Err(error) => {
                tracing::error!(%error, "what is searched cannot be folded anew; the next start tries again");
                return;
            }
        }
    }
    if all > 0 {
        tracing::info!(rows = all, "what is searched is folded anew");
    }
}

fn some(db: &mut Db) -> Result<usize, Error> {
    let patients = store::patient::refold(db, AT_ONCE)?;
    let practitioners = store::practitioner::refold(db, AT_ONCE)?;
    Ok(patients + practitioners + store::department::refold(db, AT_ONCE)?)
}
