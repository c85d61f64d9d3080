//! `aggregate_metrics`: counts the days anew that have changed, for as long as the service runs. Any number of replicas
//! may run it; each day is counted once, by the one that holds the job.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use hms_model::Zone;
use hms_problem::{Code, Problem};
use hms_service::{Context, Stop, Work};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::config::Config;
use crate::domain::Span;
use crate::store::rebuilds::{self, Rebuild, State};
use crate::store::{cells, changed, facts, jobs};

/// Days that are counted in one unit of work, so that nobody waits long for a database with one writer.
const BATCH: usize = 20;

/// The task that counts.
pub struct Aggregation {
    context: Context,
    zone: Zone,
    every: Duration,
    wake: Arc<Notify>,
}

/// What one unit of work came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// Another replica is at it.
    Elsewhere,
    /// Nothing has changed.
    Idle,
    /// Some days were counted; there may be more.
    Counted,
}

impl Aggregation {
    /// One that also looks whenever `wake` tells it to.
    pub fn new(context: Context, config: Config, wake: Arc<Notify>) -> Self {
        Self { context, zone: config.zone, every: config.every, wake }
    }

    /// Counts until the service stops. What has changed and is not counted then is counted after the next start.
    pub async fn run(self, stop: Stop) {
        while !stop.is_told() {
            // A failure was logged where it happened; the next time tries again.
            while matches!(self.round().await, Ok(Round::Counted)) && !stop.is_told() {}
            tokio::select! {
                () = stop.told() => {}
                () = self.wake.notified() => {}
                () = sleep(self.every) => {}
            }
        }
    }

    async fn round(&self) -> Result<Round, Problem> {
        let zone = self.zone;
        let open = self.context.database.read(|db| Ok::<_, Problem>(rebuilds::open(db)?)).await?;
        let queued = open.filter(|rebuild| rebuild.state == State::Queued);
        // Looked for outside of the unit of work, which would keep all others waiting meanwhile: what changes after this
        // marks its days itself.
        let all = match queued {
            Some(rebuild) => {
                let days = self
                    .context
                    .database
                    .read(move |db| Ok::<_, Problem>(facts::all_days(db, zone)?))
                    .await?;
                Some((rebuild, days))
            }
            None => None,
        };
        self.context
            .write(move |work| {
                let Some(job) = jobs::take(work.db)? else { return Ok(Round::Elsewhere) };
                let before = job.zone.as_deref();
                if before != Some(zone.to_string().as_str()) {
                    jobs::set_zone(work.db, &zone.to_string())?;
                    if before.is_some() {
                        // Days begin at another time than they did: all of them are counted anew.
                        let id = work.new_id();
                        rebuilds::ask(work.db, id, work.now)?;
                        return Ok(Round::Counted);
                    }
                }
                if let Some((rebuild, days)) = all {
                    begin(work, &rebuild, days)?;
                }
                count(work, zone)
            })
            .await
    }
}

/// Forgets what was counted, and marks all days. Until they are counted, whoever asks has them counted for them.
fn begin(work: &mut Work<'_>, rebuild: &Rebuild, days: BTreeSet<NaiveDate>) -> Result<(), Problem> {
    if rebuilds::find(work.db, rebuild.id)?.state != State::Queued {
        return Ok(());
    }
    cells::clear(work.db)?;
    let count = i64::try_from(days.len()).map_err(|_| Code::Internal)?;
    changed::mark_for(work.db, days, Some(rebuild.id), work.now)?;
    rebuilds::begin(work.db, rebuild.id, count, work.now)?;
    Ok(())
}

/// Counts some of the days that have changed.
fn count(work: &mut Work<'_>, zone: Zone) -> Result<Round, Problem> {
    let days = changed::some(work.db, i64::try_from(BATCH).unwrap_or(i64::MAX))?;
    for day in &days {
        changed::take(work.db, *day)?;
        let facts = facts::within(work.db, Span { from: *day, to: *day }, zone)?;
        let mut counted = facts.days(zone).map_err(|overflow| {
            tracing::error!(%day, %overflow, "a day cannot be counted");
            Problem::new(Code::Internal)
        })?;
        cells::replace(work.db, *day, &counted.remove(day).unwrap_or_default(), work.now)?;
    }
    jobs::counted(work.db, i64::try_from(days.len()).unwrap_or_default())?;
    if let Some(rebuild) = rebuilds::open(work.db)?.filter(|rebuild| rebuild.state == State::Running) {
        let left = changed::left(work.db, rebuild.id)?;
        rebuilds::progress(work.db, rebuild.id, left, work.now)?;
    }
    Ok(if days.is_empty() { Round::Idle } else { Round::Counted })
}
