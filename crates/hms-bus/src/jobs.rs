//! Jobs: what a service puts off and then does once, by whichever of its replicas is free.
//!
//! A job is written in the transaction that makes it necessary, into a table of its own beside the outbox. Over RabbitMQ it
//! goes from there into a quorum queue of its own name, from which all replicas take side by side, in no order and apart from
//! all events; a job is acknowledged when it has been done. Without a broker the table itself is the queue. A job may come
//! twice, and must do nothing the second time: what is true stands in the tables of its service.

mod front;
mod run;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use hms_model::event::Envelope;
use hms_model::id::EventId;
use parking_lot::Mutex;

use crate::consumer::ConsumeError;
use crate::delivery::Delivery;

pub(crate) use front::Fronts;
pub(crate) use run::{End, Runner};
pub(crate) use table::{Row, claim, depths, next, pending, remove};
pub use table::{append, oldest};

/// A job that its service gives up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// The job.
    pub id: EventId,
    /// Why.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
}

pub(crate) type Ran = Result<Vec<GivenUp>, ConsumeError>;
type Run = Box<dyn Fn(Vec<Arc<Envelope>>) -> BoxFuture<'static, Ran> + Send + Sync>;
type Again = Box<dyn Fn(&mut Delivery<'_>) -> Result<(), ConsumeError> + Send + Sync>;

/// What is done about the jobs of one queue.
pub(crate) struct Handler {
    /// Jobs that are under way at the same time.
    pub at_once: u16,
    pub run: Run,
    pub again: Again,
}

/// What waits in a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Depth {
    /// So many jobs.
    pub count: i64,
    /// When the oldest of them was written, as far as that is known.
    pub since: Option<DateTime<Utc>>,
}

impl Depth {
    /// Of the same queue in two places.
    pub fn and(self, other: Self) -> Self {
        let since = self.since.into_iter().chain(other.since).min();
        Self { count: self.count + other.count, since }
    }
}

/// What waits in each queue, as far as that is known; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Waiting(Arc<Mutex<BTreeMap<String, Depth>>>);

impl Waiting {
    /// How many jobs waited in this queue when it was last measured, at each sweep. Not known while the broker is away.
    pub fn in_queue(&self, queue: &str) -> Option<i64> {
        self.0.lock().get(queue).map(|depth| depth.count)
    }

    /// Since when a job has waited in this queue, as far as that is known: what the broker had before this process began counts
    /// from there on. None where nothing waited when it was last measured, and while the broker is away.
    pub fn since(&self, queue: &str) -> Option<DateTime<Utc>> {
        self.0.lock().get(queue)?.since
    }

    /// Whether it is known of all queues.
    pub fn is_known(&self) -> bool {
        !self.0.lock().is_empty()
    }

    pub(crate) fn set(&self, depths: BTreeMap<String, Depth>) {
        *self.0.lock() = depths;
    }

    pub(crate) fn forget(&self) {
        self.0.lock().clear();
    }
}

/// What became of the jobs of one queue since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobNumbers {
    /// Jobs that were done.
    pub done: u64,
    /// Runs that failed and were put off.
    pub retried: u64,
    /// Jobs put to the dead letters.
    pub dead: u64,
}
