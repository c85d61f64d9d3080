//! Who does the jobs where there is no broker: the table itself is the queue. A row stays until its job has ended, so a
//! process killed at any moment does it again after the next start.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hms_db::Key;
use hms_model::event::Envelope;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::context::Context;
use crate::dead_letters::{self, Label};
use crate::jobs::{self, Depth, End, Row, Runner};

pub(crate) struct Workers {
    context: Context,
    runners: BTreeMap<&'static str, Runner>,
}

impl Workers {
    pub fn new(context: Context, runners: Vec<Runner>) -> Self {
        Self { context, runners: runners.into_iter().map(|runner| (runner.queue, runner)).collect() }
    }

    /// Does jobs until the service stops: of each queue a batch at a time, of all queues side by side.
    pub async fn run(self) {
        let mut woken = self.context.relay.listen();
        let mut sweep = interval(self.context.options.sweep);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut running = JoinSet::new();
        let mut idle: BTreeSet<&'static str> = self.runners.keys().copied().collect();
        while !self.context.stop.is_told() {
            for (runner, rows) in self.found(&idle).await {
                idle.remove(runner.queue);
                running.spawn(work(runner, rows));
            }
            tokio::select! {
                () = self.context.stop.told() => {}
                () = woken.woken() => {}
                _ = sweep.tick() => self.measure().await,
                Some(ended) = running.join_next() => idle.extend(ended),
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// The next jobs of the queues that are idle.
    async fn found(&self, idle: &BTreeSet<&'static str>) -> Vec<(Runner, Vec<Row>)> {
        let runners: Vec<Runner> = idle.iter().filter_map(|queue| self.runners.get(queue).cloned()).collect();
        let read = self.context.database.read(move |db| {
            let mut found = Vec::new();
            for runner in runners {
                let rows = jobs::next(db, runner.queue, i64::from(runner.at_once()))?;
                found.extend(Some((runner, rows)).filter(|(_, rows)| !rows.is_empty()));
            }
            Ok::<_, hms_db::Error>(found)
        });
        read.await.unwrap_or_else(|error| {
            tracing::warn!(service = self.context.service, %error, "jobs wait for the database");
            Vec::new()
        })
    }

    async fn measure(&self) {
        let Ok(depths) = self.context.database.read(jobs::depths).await else { return };
        let all = self.runners.keys().map(|queue| ((*queue).to_owned(), Depth::default()));
        self.context.options.waiting.set(all.chain(depths).collect());
    }
}

/// Does some jobs of one queue, and takes away the rows of those that have ended.
async fn work(runner: Runner, rows: Vec<Row>) -> &'static str {
    let (mut ids, mut jobs, mut letters) = (Vec::<Key>::new(), Vec::new(), Vec::new());
    for row in rows {
        ids.push(row.id);
        match serde_json::from_str::<Envelope>(&row.body) {
            Ok(job) => jobs.push(Arc::new(job)),
            Err(error) => {
                let label = Label { event_id: row.id.into(), kind: row.queue, subject: String::new() };
                let reason = format!("the envelope cannot be read: {error}");
                letters.push(runner.letter(row.body.into_bytes(), label, reason, 0));
            }
        }
    }
    let Some(ends) = runner.run(&jobs).await else { return runner.queue };
    for (job, end) in jobs.iter().zip(ends) {
        if let End::GivenUp { reason, attempts } = end
            && let Ok(body) = serde_json::to_vec(job.as_ref())
        {
            let label = Label { event_id: job.id, kind: job.kind.clone(), subject: job.subject.clone() };
            letters.push(runner.letter(body, label, reason, attempts));
        }
    }
    let settle = runner.context.database.write(move |db| {
        letters.into_iter().try_for_each(|letter| dead_letters::put(db, letter))?;
        jobs::remove(db, ids)
    });
    if let Err(error) = settle.await {
        // They come again, and whoever does them finds that they are done.
        let Context { service, options, stop, .. } = &runner.context;
        tracing::warn!(service, queue = runner.queue, %error, "jobs stay in their queue");
        stop.pause(options.retry_most).await;
    }
    runner.queue
}
