//! Whether the chain is what it was, looked at by the service itself and told as metrics. It finds what `hms audit
//! verify` finds with the keys of the database; whoever could change those too is found by that command alone, with
//! keys from elsewhere.

use std::time::Duration;

use hms_service::{Context, Stop};
use hms_telemetry::IntGauge;
use tokio::time::{MissedTickBehavior, interval};

use crate::verify;

/// The whole chain is read each time: once a day, and at each start.
const EVERY: Duration = Duration::from_secs(86_400);
/// How soon again where the database was away.
const AGAIN: Duration = Duration::from_secs(60);

/// What the inspection tells.
pub struct Inspection {
    context: Context,
    broken: IntGauge,
    inspected: IntGauge,
}

impl Inspection {
    /// Nothing found yet.
    pub fn new(context: Context) -> anyhow::Result<Self> {
        let broken = context.metrics.gauge(
            "hms_audit_chain_broken",
            "Whether the chain was not what it was (1) when it was last looked at.",
        )?;
        let inspected = context.metrics.gauge(
            "hms_audit_chain_inspected_timestamp_seconds",
            "When the whole chain was last looked at; 0 before the first time.",
        )?;
        Ok(Self { context, broken, inspected })
    }

    /// Looks until the service stops.
    pub async fn run(self, stop: Stop) {
        let mut looks = interval(EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.told() => return,
                _ = looks.tick() => {}
            }
            tokio::select! {
                () = stop.told() => return,
                looked = self.look() => if let Err(error) = looked {
                    tracing::warn!(%error, "the chain could not be looked at");
                    looks.reset_after(AGAIN);
                }
            }
        }
    }

    async fn look(&self) -> hms_db::Result<()> {
        let report = verify::database(&self.context.database, None, None).await?;
        if let Some(finding) = &report.finding {
            tracing::error!(seq = finding.seq, kind = %finding.kind, "the chain is broken");
        }
        self.broken.set(i64::from(!report.is_right()));
        self.inspected.set(self.context.clock.now().timestamp());
        Ok(())
    }
}
