//! Who was shown whose record: durable before the answer goes out, and written in batches, so that it costs a
//! shared commit and not one for each request.

use hms_bus::{Relay, outbox};
use hms_db::Database;
use hms_model::event::Envelope;
use hms_problem::{Code, Problem};
use tokio::sync::{mpsc, oneshot};

/// Entries that wait for the next commit at the most; beyond that the service says 503 and does not pile up.
const WAITING: usize = 4_096;
/// Entries of one commit at the most.
const BATCH: usize = 256;

struct Entry {
    envelope: Envelope,
    written: oneshot::Sender<bool>,
}

/// The way to the log; clones lead to the same.
#[derive(Clone)]
pub(crate) struct AccessLog(mpsc::Sender<Entry>);

impl AccessLog {
    /// Starts the writer; it ends when the last [`AccessLog`] is gone.
    pub fn start(database: Database, relay: Relay) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(write_batches(receiver, database, relay));
        Self(sender)
    }

    /// Returns when the entry is durable.
    pub async fn record(&self, envelope: Envelope) -> Result<(), Problem> {
        let (written, answer) = oneshot::channel();
        let entry = Entry { envelope, written };
        self.0.try_send(entry).map_err(|_| Problem::new(Code::Unavailable))?;
        match answer.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Problem::new(Code::Unavailable)),
        }
    }
}

/// What came while one batch was written is the next batch.
async fn write_batches(mut entries: mpsc::Receiver<Entry>, database: Database, relay: Relay) {
    let mut batch = Vec::with_capacity(BATCH);
    while entries.recv_many(&mut batch, BATCH).await > 0 {
        let (envelopes, waiting): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|entry| (entry.envelope, entry.written)).unzip();
        // Done twice, it does no harm: the audit knows an event by its id.
        let outcome = database.write_at_once(move |db| outbox::append(db, &envelopes)).await;
        if let Err(error) = &outcome {
            tracing::error!(%error, "the access log cannot be written; the records are not shown");
        } else {
            relay.wake();
        }
        for written in waiting {
            // Whoever no longer waits has gone away.
            let _gone = written.send(outcome.is_ok());
        }
    }
}
