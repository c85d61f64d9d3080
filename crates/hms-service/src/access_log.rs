//! Who was shown whose record: durable before the answer goes out, and written in batches, so that it costs a
//! shared commit and not one for each request.

use hms_bus::{Relay, outbox};
use hms_db::Database;
use hms_model::Clock;
use hms_model::audit::AuditEntry;
use hms_model::event::{AuditDisclosed, Envelope};
use hms_model::id::Id;
use hms_problem::{Code, Problem};
use tokio::sync::{mpsc, oneshot};

/// Entries that wait for the next commit at the most; beyond that the service says 503 and does not pile up.
const WAITING: usize = 4_096;
/// Entries of one commit at the most.
const BATCH: usize = 256;
/// Entries of one event at the most, so that no message gets large.
const TOGETHER: usize = 64;

struct Waiting {
    look: Look,
    written: oneshot::Sender<bool>,
}

/// What the audit shall know of a record that is about to be shown.
pub(crate) struct Look {
    pub entry: AuditEntry,
    pub traceparent: Option<String>,
}

/// The way to the log; clones lead to the same.
#[derive(Clone)]
pub(crate) struct AccessLog(mpsc::Sender<Waiting>);

impl AccessLog {
    /// Starts the writer; it ends when the last [`AccessLog`] is gone.
    pub fn start(service: &'static str, clock: Clock, database: Database, relay: Relay) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(Writer { service, clock, database, relay }.run(receiver));
        Self(sender)
    }

    /// Returns when the entry is durable.
    pub async fn record(&self, look: Look) -> Result<(), Problem> {
        let (written, answer) = oneshot::channel();
        self.0.try_send(Waiting { look, written }).map_err(|_| Problem::new(Code::Unavailable))?;
        match answer.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Problem::new(Code::Unavailable)),
        }
    }
}

struct Writer {
    service: &'static str,
    clock: Clock,
    database: Database,
    relay: Relay,
}

impl Writer {
    /// What came while one batch was written is the next batch.
    async fn run(self, mut waiting: mpsc::Receiver<Waiting>) {
        let mut batch = Vec::with_capacity(BATCH);
        while waiting.recv_many(&mut batch, BATCH).await > 0 {
            let (looks, answers): (Vec<_>, Vec<_>) =
                batch.drain(..).map(|waiting| (waiting.look, waiting.written)).unzip();
            let durable = self.write(looks).await;
            for answer in answers {
                // Whoever no longer waits has gone away.
                let _gone = answer.send(durable);
            }
        }
    }

    async fn write(&self, looks: Vec<Look>) -> bool {
        let envelopes = match self.envelopes(looks) {
            Ok(envelopes) => envelopes,
            Err(error) => {
                tracing::error!(%error, "a look at records cannot be written as JSON; they are not shown");
                return false;
            }
        };
        // Done twice, it does no harm: the audit knows an event by its id.
        let outcome = self.database.write_at_once(move |db| outbox::append(db, &envelopes)).await;
        match outcome {
            Ok(()) => self.relay.wake_soon(),
            Err(error) => {
                tracing::error!(%error, "the access log cannot be written; the records are not shown");
                return false;
            }
        }
        true
    }

    /// One event for all who asked at the same time: the outbox, the broker and the audit have a row, a message and a
    /// delivery to do, however many there were.
    /// It belongs to the trace of one who asked alone.
    fn envelopes(&self, mut looks: Vec<Look>) -> serde_json::Result<Vec<Envelope>> {
        let now = self.clock.now();
        if looks.len() == 1
            && let Some(Look { entry, traceparent }) = looks.pop()
        {
            let disclosed = AuditDisclosed { entries: vec![entry] };
            let envelope = Envelope::of(self.service, &disclosed, Id::new(now), now)?;
            return Ok(vec![Envelope { traceparent, ..envelope }]);
        }
        let mut entries = looks.into_iter().map(|look| look.entry).peekable();
        let mut envelopes = Vec::new();
        while entries.peek().is_some() {
            let disclosed = AuditDisclosed { entries: entries.by_ref().take(TOGETHER).collect() };
            envelopes.push(Envelope::of(self.service, &disclosed, Id::new(now), now)?);
        }
        Ok(envelopes)
    }
}
