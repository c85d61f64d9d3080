//! The relay of the in-process bus: one for each service, over its own outbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use hms_model::event::Envelope;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::{InProcess, Parcel, Report, Ticket};
use crate::board::{Half, add};
use crate::context::Context;
use crate::dead_letters::{self, DeadLetter, Death, Label};
use crate::outbox::{self, Row};
use crate::trace;

/// Events of one outbox that may be under way at the same time.
const WINDOW: usize = 1_000;

pub(crate) struct Dispatcher {
    context: Context,
    hub: InProcess,
    under_way: BTreeMap<i64, UnderWay>,
    sender: mpsc::UnboundedSender<Report>,
    reports: mpsc::UnboundedReceiver<Report>,
}

struct UnderWay {
    subscribers: usize,
    failed: bool,
}

impl Dispatcher {
    pub fn new(context: Context, hub: InProcess) -> Self {
        let (sender, reports) = mpsc::unbounded_channel();
        Self { context, hub, under_way: BTreeMap::new(), sender, reports }
    }

    pub async fn run(mut self) {
        self.context.board.starting(Half::Relay);
        tokio::select! {
            () = self.context.stop.told() => return,
            () = self.hub.all_have_joined() => self.context.board.up(Half::Relay),
        }
        let mut sweep = interval(self.context.options.sweep);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut woken = self.context.relay.listen();
        // Whether the outbox may hold rows that are not under way.
        let mut more = true;
        loop {
            if more && self.under_way.len() < WINDOW {
                more = self.hand_out_next().await;
                self.settle().await;
                continue;
            }
            tokio::select! {
                () = self.context.stop.told() => break,
                () = woken.woken() => more = true,
                _ = sweep.tick() => more = true,
                Some(report) = self.reports.recv() => {
                    let all_done = self.note(report);
                    self.settle().await;
                    // A subscriber that is gone gets its events at the next sweep, not in a busy loop.
                    more &= all_done;
                }
            }
        }
        self.drain().await;
    }

    /// Reads some rows and gives them to their subscribers; says whether there may be more.
    async fn hand_out_next(&mut self) -> bool {
        let limit = self.context.options.batch;
        let under_way: Vec<i64> = self.under_way.keys().copied().collect();
        let rows = self.context.database.read(move |db| outbox::pending(db, under_way, limit)).await;
        match rows {
            Ok(rows) => {
                self.context.board.up(Half::Relay);
                let full = i64::try_from(rows.len()).is_ok_and(|count| count == limit);
                for row in rows {
                    self.hand_out(row).await;
                }
                full
            }
            Err(error) => {
                self.database_is_away(&error);
                false
            }
        }
    }

    async fn hand_out(&mut self, row: Row) {
        let mut envelope: Envelope = match serde_json::from_str(&row.body) {
            Ok(envelope) => envelope,
            Err(error) => return self.unreadable(row, &error).await,
        };
        let span = trace::handing_over(&self.context, &row.kind, envelope.traceparent.as_deref());
        if let Some(traceparent) = span.traceparent() {
            envelope.traceparent = Some(traceparent);
        }
        let envelope = Arc::new(envelope);
        let subscribers = self.hub.subscribers_of(&row.kind);
        if subscribers.is_empty() {
            add(&self.context.board.unrouted, 1);
        }
        let counts = UnderWay { subscribers: subscribers.len(), failed: false };
        self.under_way.insert(row.position, counts);
        for subscriber in subscribers {
            let ticket = Ticket::new(row.position, self.sender.clone());
            // A worker that has ended drops the parcel, and the ticket reports that.
            let _ = subscriber.parcels.send(Parcel { envelope: Arc::clone(&envelope), failures: 0, ticket });
        }
    }

    /// A row that someone has changed by hand goes to the producer's own dead letters: no subscriber could be
    /// found for it.
    async fn unreadable(&mut self, row: Row, error: &serde_json::Error) {
        let Context { service, clock, board, .. } = &self.context;
        tracing::error!(service, event = ?row.event_id, "a row of the outbox cannot be read, now a dead letter");
        let position = row.position;
        let label = Label { event_id: row.event_id.into(), kind: row.kind, subject: row.subject };
        let reason = format!("the envelope cannot be read: {error}");
        let death = Death { reason, attempts: 0, at: clock.now() };
        let letter = DeadLetter::new(row.body.into_bytes(), label, death);
        match self.context.database.write(move |db| dead_letters::put(db, letter)).await {
            Ok(()) => {
                add(&board.dead, 1);
                self.under_way.insert(position, UnderWay { subscribers: 0, failed: false });
            }
            Err(error) => self.database_is_away(&error),
        }
    }

    /// Writes down a report and all others that have come; false when one of them is of a parcel not done.
    fn note(&mut self, first: Report) -> bool {
        let mut all_done = true;
        let mut next = Some(first);
        while let Some(report) = next {
            if let Some(row) = self.under_way.get_mut(&report.position) {
                row.subscribers = row.subscribers.saturating_sub(1);
                row.failed |= !report.done;
            }
            all_done &= report.done;
            next = self.reports.try_recv().ok();
        }
        all_done
    }

    /// Deletes the rows that every subscriber has done, and lets go of those that one has not.
    async fn settle(&mut self) {
        self.under_way.retain(|_, row| row.subscribers > 0 || !row.failed);
        let done: Vec<i64> =
            self.under_way.iter().filter(|(_, row)| row.subscribers == 0).map(|(at, _)| *at).collect();
        if done.is_empty() {
            return;
        }
        let positions = done.clone();
        match self.context.database.write_apart(move |db| outbox::remove(db, positions)).await {
            Ok(()) => {
                add(&self.context.board.published, done.len());
                for position in &done {
                    self.under_way.remove(position);
                }
            }
            // They stay noted as done, and are deleted with the next ones.
            Err(error) => self.database_is_away(&error),
        }
    }

    fn database_is_away(&self, error: &hms_db::Error) {
        tracing::warn!(service = self.context.service, %error, "the outbox cannot be reached");
        self.context.board.waiting(Half::Relay, "the database is away".into());
    }

    /// Waits for what is under way, as long as a stop may take. What is not done then stays in the outbox.
    async fn drain(&mut self) {
        let deadline = Instant::now() + self.context.options.drain;
        while self.under_way.values().any(|row| row.subscribers > 0) {
            let Ok(Some(report)) = timeout_at(deadline, self.reports.recv()).await else { break };
            self.note(report);
            self.settle().await;
        }
    }
}
