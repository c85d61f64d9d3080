//! The consumer of the in-process bus: one for each service that consumes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use hms_model::event::Envelope;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::{Parcel, Subscriber};
use crate::backoff::{self, Backoff};
use crate::board::{Half, add};
use crate::context::Context;
use crate::dead_letters::{self, DeadLetter, Death, Label};
use crate::engine::{Engine, Verdict};

pub(crate) struct Worker {
    context: Context,
    engine: Engine,
    parcels: mpsc::UnboundedReceiver<Parcel>,
    ready: VecDeque<Parcel>,
    /// Aggregates with an event that is tried again later, and all that came for them since.
    held: HashMap<String, Held>,
    database: Backoff,
}

struct Held {
    parcels: VecDeque<Parcel>,
    due: Instant,
}

impl Worker {
    pub fn new(context: Context, engine: Engine) -> (Self, Subscriber) {
        let (sender, parcels) = mpsc::unbounded_channel();
        let kinds: HashSet<_> = engine.kinds().into_iter().collect();
        let subscriber = Subscriber { service: context.service, kinds: Arc::new(kinds), parcels: sender };
        let database = Backoff::new(context.options.retry_first, context.options.retry_most);
        let worker =
            Self { context, engine, parcels, ready: VecDeque::new(), held: HashMap::new(), database };
        (worker, subscriber)
    }

    pub async fn run(mut self) {
        self.context.board.up(Half::Consumer);
        loop {
            self.release_due();
            while let Ok(parcel) = self.parcels.try_recv() {
                self.ready.push_back(parcel);
            }
            if !self.ready.is_empty() {
                self.take_batch().await;
                continue;
            }
            let due = self.held.values().map(|held| held.due).min();
            tokio::select! {
                biased;
                Some(parcel) = self.parcels.recv() => self.ready.push_back(parcel),
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
                held.parcels.drain(..).rev().for_each(|parcel| ready.push_front(parcel));
            }
            wait
        });
    }

    async fn take_batch(&mut self) {
        let batch = self.next_batch();
        let envelopes: Vec<Arc<Envelope>> = batch.iter().map(|parcel| Arc::clone(&parcel.envelope)).collect();
        match self.engine.take(&envelopes).await {
            Ok(verdicts) => {
                self.database.reset();
                self.context.board.up(Half::Consumer);
                for (parcel, verdict) in batch.into_iter().zip(verdicts) {
                    self.settle(parcel, verdict).await;
                }
            }
            Err(error) => {
                tracing::warn!(service = self.context.service, %error, "events wait for the database");
                self.context.board.waiting(Half::Consumer, "the database is away".into());
                for parcel in batch.into_iter().rev() {
                    self.ready.push_front(parcel);
                }
                if !self.context.stop.pause(self.database.next()).await {
                    self.ready.clear();
                }
            }
        }
    }

    fn next_batch(&mut self) -> Vec<Parcel> {
        let most = usize::from(self.context.options.prefetch);
        let mut batch = Vec::with_capacity(most.min(self.ready.len()));
        while batch.len() < most
            && let Some(parcel) = self.ready.pop_front()
        {
            match self.held.get_mut(&parcel.envelope.subject) {
                Some(held) => held.parcels.push_back(parcel),
                None => batch.push(parcel),
            }
        }
        batch
    }

    async fn settle(&mut self, mut parcel: Parcel, verdict: Verdict) {
        let options = &self.context.options;
        match verdict {
            Verdict::Done => {
                add(&self.context.board.consumed, 1);
                parcel.ticket.done();
            }
            Verdict::Behind => self.hold(parcel),
            Verdict::Retry(reason) => {
                parcel.failures = parcel.failures.saturating_add(1);
                if parcel.failures >= options.attempts {
                    self.bury(parcel, reason).await;
                } else {
                    add(&self.context.board.retried, 1);
                    self.hold(parcel);
                }
            }
            Verdict::Dead(reason) => {
                parcel.failures = parcel.failures.saturating_add(1);
                self.bury(parcel, reason).await;
            }
        }
    }

    /// Puts a parcel at the end of its aggregate's line; the first in line says how long it waits.
    fn hold(&mut self, parcel: Parcel) {
        let options = &self.context.options;
        let wait = backoff::after(options.retry_first, options.retry_most, parcel.failures);
        self.held
            .entry(parcel.envelope.subject.clone())
            .or_insert_with(|| Held { parcels: VecDeque::new(), due: Instant::now() + wait })
            .parcels
            .push_back(parcel);
    }

    async fn bury(&mut self, parcel: Parcel, reason: String) {
        let Some(letter) = self.letter(&parcel, reason) else { return };
        tracing::error!(
            service = self.context.service, event = %letter.heading.event_id, kind = letter.heading.kind,
            attempts = letter.heading.attempts, "an event is a dead letter now"
        );
        match self.context.database.write(move |db| dead_letters::put(db, letter)).await {
            Ok(()) => {
                add(&self.context.board.dead, 1);
                parcel.ticket.done();
            }
            // It is tried once more and then buried again.
            Err(_) => self.hold(parcel),
        }
    }

    fn letter(&self, parcel: &Parcel, reason: String) -> Option<DeadLetter> {
        let envelope = &parcel.envelope;
        let (event_id, kind, subject) = (envelope.id, envelope.kind.clone(), envelope.subject.clone());
        let death = Death { reason, attempts: i64::from(parcel.failures), at: self.context.clock.now() };
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
