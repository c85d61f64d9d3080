//! Events in the hands of their handlers: the transaction of the effect, and what follows from it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use hms_db::Db;
use hms_model::event::{Envelope, Event};
use hms_model::id::Id;
use hms_model::job::Job;
use tokio::sync::Notify;

use crate::consumer::{ConsumeError, OfMany};
use crate::{inbox, jobs, outbox};

/// An event and the transaction in which its effect is written. The event's place in the inbox is in the same
/// transaction, and so is what the handler publishes: all of it happens once, or none of it.
///
/// A handler does nothing outside of `db`: its transaction may be rolled back and run again.
pub struct Delivery<'a> {
    /// The open transaction.
    pub db: &'a mut Db,
    /// The event as it came.
    pub envelope: &'a Envelope,
    /// The time of this delivery.
    pub now: DateTime<Utc>,
    pub(crate) service: &'static str,
    pub(crate) after: AfterCommit,
}

/// Events of one type, and the transaction in which their effects are written together: all of them happen once, or none
/// does. See [`Delivery`] for what a handler must not do.
pub struct Deliveries<'a> {
    /// The open transaction.
    pub db: &'a mut Db,
    /// The time of these deliveries.
    pub now: DateTime<Utc>,
    pub(crate) service: &'static str,
    pub(crate) after: AfterCommit,
}

/// What is due once the transaction of some deliveries has committed.
#[derive(Debug, Default)]
pub struct AfterCommit {
    /// There is something new in the outbox.
    pub(crate) published: bool,
    /// Tasks of the service that have something to do now.
    pub(crate) wake: Vec<Arc<Notify>>,
}

impl AfterCommit {
    pub(crate) fn add(&mut self, mut other: Self) {
        self.published |= other.published;
        self.wake.append(&mut other.wake);
    }
}

impl Deliveries<'_> {
    /// Publishes events that follow from these, in the same transaction.
    pub fn publish<'e, E: Event + 'e>(
        &mut self,
        events: impl IntoIterator<Item = &'e E>,
    ) -> Result<(), ConsumeError> {
        self.after.published |= append(self.db, self.service, events, self.now, None)?;
        Ok(())
    }
}

/// Says whether there were any.
fn append<'e, E: Event + 'e>(
    db: &mut Db,
    service: &str,
    events: impl IntoIterator<Item = &'e E>,
    now: DateTime<Utc>,
    traceparent: Option<&str>,
) -> Result<bool, ConsumeError> {
    let traceparent = hms_trace::traceparent().or_else(|| traceparent.map(str::to_owned));
    let envelopes = events.into_iter().map(|event| {
        let envelope = Envelope::of(service, event, Id::new(now), now)
            .map_err(|error| ConsumeError::Reject(format!("{} cannot be written: {error}", E::TYPE)))?;
        Ok(Envelope { traceparent: traceparent.clone(), ..envelope })
    });
    let envelopes = envelopes.collect::<Result<Vec<_>, ConsumeError>>()?;
    outbox::append(db, &envelopes)?;
    Ok(!envelopes.is_empty())
}

impl Delivery<'_> {
    /// Publishes an event that follows from this one, in the same transaction and the same trace.
    pub fn publish<E: Event>(&mut self, event: &E) -> Result<(), ConsumeError> {
        let traceparent = self.envelope.traceparent.as_deref();
        self.after.published |= append(self.db, self.service, [event], self.now, traceparent)?;
        Ok(())
    }

    /// Puts a job that follows from this into a queue of the service, in the same transaction and the same trace.
    pub fn enqueue<J: Job>(&mut self, queue: &'static str, job: &J) -> Result<(), ConsumeError> {
        let mut envelope = Envelope::of_job(self.service, queue, job, self.now)
            .map_err(|error| ConsumeError::Reject(format!("{queue} cannot be written: {error}")))?;
        envelope.traceparent = hms_trace::traceparent().or_else(|| self.envelope.traceparent.clone());
        jobs::append(self.db, &[envelope])?;
        self.after.published = true;
        Ok(())
    }

    /// Keeps the trace with the event, for work that follows from it after this transaction, such as a mail: see
    /// [`traces_of`](crate::traces_of). Costs nothing where the event is not traced.
    pub fn keep_trace(&mut self) -> Result<(), ConsumeError> {
        match hms_trace::traceparent() {
            Some(traceparent) => Ok(inbox::keep_trace(self.db, self.envelope.id, &traceparent)?),
            None => Ok(()),
        }
    }

    /// Hands this one event to a handler of many.
    pub(crate) fn alone(&mut self, handler: &OfMany) -> Result<(), ConsumeError> {
        let mut deliveries = Deliveries {
            db: &mut *self.db,
            now: self.now,
            service: self.service,
            after: AfterCommit::default(),
        };
        handler(&mut deliveries, &[self.envelope])?;
        let after = deliveries.after;
        self.after.add(after);
        Ok(())
    }

    /// Wakes a task of the service when this delivery has committed, and only then: the task finds what was
    /// written here.
    pub fn wake_after_commit(&mut self, task: &Arc<Notify>) {
        self.after.wake.push(Arc::clone(task));
    }
}
