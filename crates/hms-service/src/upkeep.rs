//! What a service does by itself from time to time.

use std::time::Duration;

use crate::tasks::Stop;
use crate::{Context, idempotency};

const EVERY: Duration = Duration::from_secs(3_600);

/// Forgets old idempotency keys, once an hour.
pub(crate) async fn run(context: Context, stop: Stop) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.told() => return,
            _ = ticks.tick() => {}
        }
        let now = context.clock.now();
        if let Err(error) = context.database.write_apart(move |db| idempotency::prune(db, now)).await {
            tracing::warn!(service = context.service, %error, "old idempotency keys could not be forgotten");
        }
    }
}
