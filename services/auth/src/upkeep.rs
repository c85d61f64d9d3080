//! What the service does by itself from time to time: keys are rotated and dropped, last uses are written, and what has
//! long expired is deleted.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use hms_db::Db;
use hms_problem::Problem;
use hms_service::{Context, Stop};

use crate::last_use::LastUse;
use crate::signing::{self, Signing};
use crate::store::{codes, grants, old, revocations};

/// What is looked after.
pub struct Upkeep {
    /// The signing keys.
    pub signing: Arc<Signing>,
    /// For how long each of them signs.
    pub key_period: TimeDelta,
    /// When API keys were used.
    pub last_use: Arc<LastUse>,
    /// How often.
    pub every: Duration,
}

impl Upkeep {
    /// Runs until the service stops; what was noted until then is written at the end.
    pub async fn run(self, context: Context, stop: Stop) {
        let mut ticks = tokio::time::interval(self.every);
        while !stop.is_told() {
            tokio::select! {
                () = stop.told() => {}
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.once(&context).await {
                let error = format!("{error:#}");
                tracing::warn!(service = context.service, error, "the upkeep was not done");
            }
        }
    }

    async fn once(&self, context: &Context) -> anyhow::Result<()> {
        self.last_use.write(&context.database).await?;
        if self.signing.has_public_keys() {
            self.look_after_keys(context).await?;
        }
        let now = context.clock.now();
        let forget = move |db: &mut Db| {
            signing::drop_old(db, now)?;
            codes::prune(db, now)?;
            grants::prune(db, now)?;
            revocations::prune(db, now)?;
            old::forget(db, now)?;
            Ok::<_, Problem>(())
        };
        Ok(context.database.write(forget).await?)
    }

    async fn look_after_keys(&self, context: &Context) -> anyhow::Result<()> {
        let period = self.key_period;
        let rotated = context.write(move |work| {
            let rotation =
                signing::rotate(work.db, period, false, work.now)?.filter(|rotation| rotation.made);
            if let Some(rotation) = &rotation {
                work.audit(rotation.act())?;
            }
            Ok(rotation)
        });
        if let Some(rotation) = rotated.await? {
            tracing::info!(key = rotation.next, from = %rotation.from, "another signing key follows");
        }
        self.signing.reload(&context.database).await
    }
}
