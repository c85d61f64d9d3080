//! The broker of `hms up`: hands events from the outbox of one service to the consumers of the others, all in
//! one process. It keeps nothing itself. A row stays in its outbox until every subscriber has committed its
//! effect (or its dead letter), so a process killed at any moment hands it out again after the next start, and
//! the inbox of each subscriber tells which ones are done.
//!
//! Each subscriber has a queue and a worker of its own. A slow one delays nobody until a whole window of events
//! of one producer waits for it; a failing event delays only the later events of the same aggregate at the same
//! subscriber, and those for a bounded time.

mod dispatcher;
mod jobs;
mod worker;

use std::collections::HashSet;
use std::sync::Arc;

use hms_model::event::Envelope;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

pub(crate) use dispatcher::Dispatcher;
pub(crate) use jobs::Workers;
pub(crate) use worker::Worker;

/// The bus that all services of one process share. One process at a time: several of them need RabbitMQ.
#[derive(Clone)]
pub struct InProcess(Arc<Hub>);

struct Hub {
    subscribers: Mutex<Vec<Subscriber>>,
    missing: watch::Sender<HashSet<&'static str>>,
}

#[derive(Clone)]
pub(crate) struct Subscriber {
    pub service: &'static str,
    pub kinds: Arc<HashSet<&'static str>>,
    pub parcels: mpsc::UnboundedSender<Parcel>,
}

/// One event for one subscriber.
pub(crate) struct Parcel {
    pub envelope: Arc<Envelope>,
    pub failures: u32,
    pub ticket: Ticket,
}

/// Tells the dispatcher what became of a parcel; one that is dropped tells that it was not done.
pub(crate) struct Ticket {
    position: i64,
    done: bool,
    reports: mpsc::UnboundedSender<Report>,
}

pub(crate) struct Report {
    pub position: i64,
    pub done: bool,
}

impl InProcess {
    /// A bus for exactly these services. Nothing is handed out before each of them has started: an event must
    /// not count as delivered to all while a subscriber is still on its way.
    pub fn new(services: impl IntoIterator<Item = &'static str>) -> Self {
        let (missing, _) = watch::channel(services.into_iter().collect());
        Self(Arc::new(Hub { subscribers: Mutex::default(), missing }))
    }

    /// A service has started, and subscribes if it consumes anything. One that starts again takes the place of
    /// its former self.
    pub(crate) fn join(&self, service: &'static str, subscriber: Option<Subscriber>) {
        let mut subscribers = self.0.subscribers.lock();
        subscribers.retain(|other| other.service != service);
        subscribers.extend(subscriber);
        self.0.missing.send_modify(|missing| {
            missing.remove(service);
        });
    }

    async fn all_have_joined(&self) {
        let _ = self.0.missing.subscribe().wait_for(HashSet::is_empty).await;
    }

    fn subscribers_of(&self, kind: &str) -> Vec<Subscriber> {
        let subscribers = self.0.subscribers.lock();
        subscribers.iter().filter(|subscriber| subscriber.kinds.contains(kind)).cloned().collect()
    }
}

impl Ticket {
    fn new(position: i64, reports: mpsc::UnboundedSender<Report>) -> Self {
        Self { position, done: false, reports }
    }

    /// The effect is committed.
    fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // The dispatcher may have ended; then the row simply stays in the outbox.
        let _ = self.reports.send(Report { position: self.position, done: self.done });
    }
}
