//! What has to be done from time to time: measuring the outbox, forgetting old rows of the inbox.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::context::Context;
use crate::inbox;

/// How often the inbox is pruned.
const PRUNE_EVERY: Duration = Duration::from_secs(60 * 60);

pub(crate) async fn run(context: Context, consumes: bool) {
    let mut sweep = interval(context.options.sweep);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut prune_at = Instant::now() + PRUNE_EVERY;
    loop {
        tokio::select! {
            () = context.stop.told() => return,
            _ = sweep.tick() => context.measure().await,
        }
        if consumes && Instant::now() >= prune_at {
            prune(&context).await;
            prune_at = Instant::now() + PRUNE_EVERY;
        }
    }
}

/// In small transactions, so that others get their turn in between.
async fn prune(context: &Context) {
    let keep = context.options.keep_inbox;
    loop {
        let now = context.clock.now();
        match context.database.write_apart(move |db| inbox::prune(db, now, keep)).await {
            Ok(true) if !context.stop.is_told() => {}
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(service = context.service, %error, "the inbox could not be pruned");
                return;
            }
        }
    }
}
