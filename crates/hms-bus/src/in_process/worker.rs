//! The consumer of the in-process bus: one for each service that consumes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use hms_model::event::Envelope;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::{Job, Subscriber};
use crate::backoff::{self, Backoff};
use crate::board::{Half, add};
use crate::context::Context;
use crate::dead_letters::{self, DeadLetter, Death, Label};
use crate::engine::{Engine, Verdict};

pub(crate) struct Worker {
    context: Context,
    engine: Engine,
    jobs: mpsc::UnboundedReceiver<Job>,
    ready: VecDeque<Job>,
    /// Aggregates with an event that is tried again later, and all that came for them since.
    held: HashMap<String, Held>,
    database: Backoff,
}

struct Held {
    jobs: VecDeque<Job>,
    due: Instant,
}

impl Worker {
    pub fn new(context: Context, engine: Engine) -> (Self, Subscriber) {
        let (sender, jobs) = mpsc::unbounded_channel();
        let kinds: HashSet<_> = engine.kinds().into_iter().collect();
        let subscriber = Subscriber { service: context.service, kinds: Arc::new(kinds), jobs: sender };
        let database = Backoff::new(context.options.retry_first, context.options.retry_most);
        let worker = Self { context, engine, jobs, ready: VecDeque::new(), held: HashMap::new(), database };
        (worker, subscriber)
    }

    pub async fn run(mut self) {
        self.context.board.up(Half::Consumer);
        loop {
            self.release_due();
            while let Ok(job) = self.jobs.try_recv() {
                self.ready.push_back(job);
            }
            if !self.ready.is_empty() {
                self.take_batch().await;
                continue;
            }
            let due = self.held.values().map(|held| held.due).min();
            tokio::select! {
                biased;
                Some(job) = self.jobs.recv() => self.ready.push_back(job),
                () = until(due) => {}
                () = self.context.stop.told() => return,
            }
        }
    }

    fn release_due(&mut self) {
        let now = Instant::now();
        let ready = &mut self.ready;
        self.held.retain(|_, held| {
            let wait = held.due > now;
            if !wait {
                // To the front: whatever else is ready for this aggregate came later.
                held.jobs.drain(..).rev().for_each(|job| ready.push_front(job));
            }
            wait
        });
    }

    async fn take_batch(&mut self) {
        let batch = self.next_batch();
        let envelopes: Vec<Arc<Envelope>> = batch.iter().map(|job| Arc::clone(&job.envelope)).collect();
        match self.engine.take(&envelopes).await {
            Ok(verdicts) => {
                self.database.reset();
                self.context.board.up(Half::Consumer);
                for (job, verdict) in batch.into_iter().zip(verdicts) {
                    self.settle(job, verdict).await;
                }
            }
            Err(error) => {
                tracing::warn!(service = self.context.service, %error, "events wait for the database");
                self.context.board.waiting(Half::Consumer, "the database is away".into());
                for job in batch.into_iter().rev() {
                    self.ready.push_front(job);
                }
                if !self.context.stop.pause(self.database.next()).await {
                    self.ready.clear();
                }
            }
        }
    }

    fn next_batch(&mut self) -> Vec<Job> {
        let most = usize::from(self.context.options.prefetch);
        let mut batch = Vec::with_capacity(most.min(self.ready.len()));
        while batch.len() < most
            && let Some(job) = self.ready.pop_front()
        {
            match self.held.get_mut(&job.envelope.subject) {
                Some(held) => held.jobs.push_back(job),
                None => batch.push(job),
            }
        }
        batch
    }

    async fn settle(&mut self, mut job: Job, verdict: Verdict) {
        let options = &self.context.options;
        match verdict {
            Verdict::Done => {
                add(&self.context.board.consumed, 1);
                job.ticket.done();
            }
            Verdict::Behind => self.hold(job),
            Verdict::Retry(reason) => {
                job.failures = job.failures.saturating_add(1);
                if job.failures >= options.attempts {
                    self.bury(job, reason).await;
                } else {
                    add(&self.context.board.retried, 1);
                    self.hold(job);
                }
            }
            Verdict::Dead(reason) => {
                job.failures = job.failures.saturating_add(1);
                self.bury(job, reason).await;
            }
        }
    }

    /// Puts a job at the end of its aggregate's line; the first in line says how long it waits.
    fn hold(&mut self, job: Job) {
        let options = &self.context.options;
        let wait = backoff::after(options.retry_first, options.retry_most, job.failures);
        self.held
            .entry(job.envelope.subject.clone())
            .or_insert_with(|| Held { jobs: VecDeque::new(), due: Instant::now() + wait })
            .jobs
            .push_back(job);
    }

    async fn bury(&mut self, job: Job, reason: String) {
        let Some(letter) = self.letter(&job, reason) else { return };
        tracing::error!(
            service = self.context.service, event = %letter.heading.event_id, kind = letter.heading.kind,
            attempts = letter.heading.attempts, "an event is a dead letter now"
        );
        match self.context.database.write(move |db| dead_letters::put(db, letter)).await {
            Ok(()) => {
                add(&self.context.board.dead, 1);
                job.ticket.done();
            }
            // It is tried once more and then buried again.
            Err(_) => self.hold(job),
        }
    }

    fn letter(&self, job: &Job, reason: String) -> Option<DeadLetter> {
        let envelope = &job.envelope;
        let (event_id, kind, subject) = (envelope.id, envelope.kind.clone(), envelope.subject.clone());
        let death = Death { reason, attempts: i64::from(job.failures), at: self.context.clock.now() };
        let body = serde_json::to_vec(envelope.as_ref()).ok()?;
        Some(DeadLetter::new(body, Label { event_id, kind, subject }, death))
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
