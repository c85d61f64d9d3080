//! What the audit does by itself: a checkpoint for entries that nobody came after, and pruning once a day.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use hms_problem::{Code, Problem};
use hms_service::{Context, Stop, Work};
use tokio::time::{MissedTickBehavior, interval};

use crate::config::Retention;
use crate::store::chain::{self, PruneError};

/// How often it is looked whether anything waits for a checkpoint; see `LONGEST_WAIT` of the chain.
const LOOK: Duration = Duration::from_secs(5);
/// How long after a pruning the next one comes, and how long after one that failed.
const PRUNE: TimeDelta = TimeDelta::days(1);
const PRUNE_AGAIN: TimeDelta = TimeDelta::hours(1);

/// The task that keeps the chain.
pub struct Keeper {
    context: Context,
    retention: Retention,
    prune_at: DateTime<Utc>,
    /// The last checkpoint that the log has.
    logged: i64,
}

impl Keeper {
    /// A keeper that has done nothing yet.
    pub fn new(context: Context, retention: Retention) -> Self {
        Self { context, retention, prune_at: DateTime::UNIX_EPOCH, logged: 0 }
    }

    /// Keeps the chain until the service stops. What fails is done the next time.
    pub async fn run(mut self, stop: Stop) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.told() => return,
                _ = looks.tick() => {}
            }
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "the chain could not be signed");
            }
            let now = self.context.clock.now();
            if now >= self.prune_at {
                let pruned = self.prune(&stop).await;
                self.prune_at = now + if pruned.is_ok() { PRUNE } else { PRUNE_AGAIN };
                if let Err(error) = pruned {
                    tracing::error!(%error, "old entries could not be pruned");
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), Problem> {
        let now = self.context.clock.now();
        if self.context.database.read(chain::head).await?.is_due(now) {
            let sign = move |work: &mut Work<'_>| match chain::sign_if_due(work.db, now)? {
                Some(signed) => work.publish(&signed),
                None => Ok(()),
            };
            self.context.write(sign).await?;
        }
        // Where logs are kept elsewhere, they tell how far the chain had come, whatever becomes of the database.
        let newest = self.context.database.read(chain::newest_checkpoint).await?;
        if let Some((number, place)) = newest.filter(|(number, _)| *number != self.logged) {
            tracing::info!(number, seq = place.seq, hash = %place.hash, "the chain is signed");
            self.logged = number;
        }
        Ok(())
    }

    /// In small transactions, so that entries come in between. Of several replicas each does its share.
    async fn prune(&self, stop: &Stop) -> Result<(), Problem> {
        let mut pruned = None;
        while !stop.is_told() {
            let now = self.context.clock.now();
            let before = now - self.retention.0;
            let prune = move |work: &mut Work<'_>| match chain::prune(work.db, before, now) {
                Ok(Some((seq, signed))) => work.publish(&signed).map(|()| Some(seq)),
                Ok(None) => Ok(None),
                Err(error) => Err(told(error)),
            };
            let batch = self.context.write(prune).await?;
            if batch.is_none() {
                break;
            }
            pruned = batch;
        }
        if let Some(seq) = pruned {
            tracing::info!(seq, "old entries were pruned, up to this one");
        }
        Ok(())
    }
}

/// Says in the log what is wrong with the chain; a database that is away is told elsewhere.
fn told(error: PruneError) -> Problem {
    match error {
        PruneError::Database(error) => error.into(),
        PruneError::Unsigned(_) => {
            tracing::error!(%error, "the chain is not what it was");
            Problem::new(Code::Internal)
        }
    }
}
