//! What the service does by itself from time to time.

use std::time::Duration;

use hms_service::{Context, Stop};

use crate::store;

const EVERY: Duration = Duration::from_secs(600);

/// Forgets the holds that have expired. They count as nothing before, and whoever meets one drops it: this only keeps the
/// table small.
pub async fn run(context: Context, stop: Stop) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.told() => return,
            _ = ticks.tick() => {}
        }
        let now = context.clock.now();
        if let Err(error) = context.database.write(move |db| store::holds::prune(db, now)).await {
            tracing::warn!(service = context.service, %error, "expired holds could not be forgotten");
        }
    }
}
