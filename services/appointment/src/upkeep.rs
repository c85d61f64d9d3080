//! What the service does by itself from time to time.

use std::time::Duration;

use chrono::TimeDelta;
use hms_service::{Context, Stop};

use crate::store;

const EVERY: Duration = Duration::from_secs(600);
/// How long a screen that was away can go on where it was.
const CHANGES_KEPT: TimeDelta = TimeDelta::days(2);

/// Forgets what the screens of the queue were told some days ago. Holds that have expired are taken up by whoever offers
/// what became free.
pub async fn run(context: Context, stop: Stop) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.told() => return,
            _ = ticks.tick() => {}
        }
        let before = context.clock.now() - CHANGES_KEPT;
        if let Err(error) = context.database.write(move |db| store::queue::prune(db, before)).await {
            tracing::warn!(service = context.service, %error, "old changes of the queue could not be forgotten");
        }
    }
}
