//! `aggregate_metrics`: counts the days anew that have changed. Its job comes at each interval, and when all is to be counted
//! anew, to one of any number of replicas; each day is counted once, by the one that holds the row of the job.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDate;
use hms_bus::Consumer;
use hms_model::Zone;
use hms_model::job::AggregateMetrics;
use hms_problem::{Code, Problem};
use hms_service::{Context, Stop, Work, undone};
use tokio::time::sleep;

use crate::config::Config;
use crate::domain::Span;
use crate::store::rebuilds::{self, Rebuild, State};
use crate::store::{cells, changed, facts, jobs};

/// Days that are counted in one unit of work, so that nobody waits long for a database with one writer.
const BATCH: usize = 20;

/// The queue of its jobs.
pub const QUEUE: &str = "jobs.aggregate_metrics";

/// Whoever counts; clones are the same.
#[derive(Clone)]
pub struct Aggregation {
    context: Context,
    zone: Zone,
    every: Duration,
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
    /// One for a running service.
    pub fn new(context: &Context, config: Config) -> Self {
        Self { context: context.clone(), zone: config.zone, every: config.every }
    }

    /// Takes its jobs.
    pub fn consume(&self, consumer: Consumer) -> Consumer {
        let counting = self.clone();
        let run = move |_: Vec<AggregateMetrics>| {
            let counting = counting.clone();
            async move { counting.count_all().await.map(|()| Vec::new()).map_err(undone) }
        };
        consumer.jobs((QUEUE, 1), run, |delivery, job: AggregateMetrics| delivery.enqueue(QUEUE, &job))
    }

    /// Asks for the job at each interval, until the service stops. One that waits already is enough.
    pub async fn schedule(self, stop: Stop) {
        let mut is_first = true;
        while !stop.is_told() {
            if is_first || self.context.jobs_waiting(QUEUE) == Some(0) {
                // A failure was logged where it happened; the next time tries again.
                let asked = self.context.write(|work| work.enqueue(QUEUE, &AggregateMetrics {})).await;
                is_first &= asked.is_err();
            }
            tokio::select! {
                () = stop.told() => {}
                () = sleep(self.every) => {}
            }
        }
    }

    /// What is left when the service stops has its mark, and is counted after the next start.
    async fn count_all(&self) -> Result<(), Problem> {
        let closing = self.context.tasks.closing();
        while self.round().await? == Round::Counted && !closing.is_told() {}
        Ok(())
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
    for span in Span::of(days.iter().copied()) {
        changed::take(work.db, span)?;
        let facts = facts::within(work.db, span, zone)?;
        let mut counted = facts.days(zone).map_err(|overflow| {
            tracing::error!(from = %span.from, to = %span.to, %overflow, "days cannot be counted");
            Problem::new(Code::Internal)
        })?;
        // The days around them were looked at for what is theirs in another zone.
        counted.retain(|day, _| span.has(*day));
        cells::replace(work.db, span, &counted, work.now)?;
    }
    jobs::counted(work.db, i64::try_from(days.len()).unwrap_or_default())?;
    if let Some(rebuild) = rebuilds::open(work.db)?.filter(|rebuild| rebuild.state == State::Running) {
        let left = changed::left(work.db, rebuild.id)?;
        rebuilds::progress(work.db, rebuild.id, left, work.now)?;
    }
    Ok(if days.is_empty() { Round::Idle } else { Round::Counted })
}
