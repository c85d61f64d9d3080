//! Events in the hands of their handlers: the transaction of the effect, and what follows from it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use hms_db::Db;
use hms_model::event::{Envelope, Event};
use hms_model::id::{EventId, Id};
use hms_model::job::Job;
use tokio::sync::Notify;

use crate::consumer::ConsumeError;
use crate::trace::Taking;
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

/// Events that have come together, and the transaction in which their effects are written together: all of them happen once,
/// or none does. See [`Delivery`] for what a handler must not do.
pub struct Deliveries<'a> {
    /// The open transaction.
    pub db: &'a mut Db,
    /// The events as they came, in their order.
    pub envelopes: &'a [&'a Envelope],
    /// The time of these deliveries.
    pub now: DateTime<Utc>,
    pub(crate) service: &'static str,
    pub(crate) taking: &'a Taking,
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
        let traceparent = hms_trace::traceparent();
        self.append(events.into_iter().map(|event| (event, traceparent.clone())).collect())
    }

    /// Publishes events of which each follows from one of these: in its trace.
    pub fn publish_each<'e, E: Event + 'e>(
        &mut self,
        events: impl IntoIterator<Item = (EventId, &'e E)>,
    ) -> Result<(), ConsumeError> {
        let events = events.into_iter().map(|(cause, event)| (event, self.traceparent(cause)));
        let events = events.collect();
        self.append(events)
    }

    /// Puts jobs into queues of the service, in the same transaction, of which each follows from one of these: in its trace.
    pub fn enqueue_each<J: Job>(
        &mut self,
        all: impl IntoIterator<Item = (EventId, &'static str, J)>,
    ) -> Result<(), ConsumeError> {
        let envelopes = all.into_iter().map(|(cause, queue, job)| {
            job_envelope(self.service, (queue, &job), self.now, self.traceparent(cause))
        });
        let envelopes = envelopes.collect::<Result<Vec<_>, ConsumeError>>()?;
        jobs::append(self.db, &envelopes)?;
        self.after.published |= !envelopes.is_empty();
        Ok(())
    }

    /// Keeps the traces with some of these events; see [`Delivery::keep_trace`].
    pub fn keep_traces(&mut self, events: impl IntoIterator<Item = EventId>) -> Result<(), ConsumeError> {
        let traced = events.into_iter().filter_map(|id| Some((id, self.taking.traceparent(id)?)));
        Ok(inbox::keep_traces(self.db, traced.collect())?)
    }

    /// Wakes a task of the service when these deliveries have committed, and only then.
    pub fn wake_after_commit(&mut self, task: &Arc<Notify>) {
        self.after.wake.push(Arc::clone(task));
    }

    fn append<E: Event>(&mut self, events: Vec<(&E, Option<String>)>) -> Result<(), ConsumeError> {
        self.after.published |= append(self.db, self.service, events, self.now)?;
        Ok(())
    }

    fn traceparent(&self, cause: EventId) -> Option<String> {
        let came = || self.envelopes.iter().find(|envelope| envelope.id == cause);
        self.taking.traceparent(cause).or_else(|| came()?.traceparent.clone())
    }
}

/// Says whether there were any.
fn append<'e, E: Event + 'e>(
    db: &mut Db,
    service: &str,
    events: impl IntoIterator<Item = (&'e E, Option<String>)>,
    now: DateTime<Utc>,
) -> Result<bool, ConsumeError> {
    let envelopes = events.into_iter().map(|(event, traceparent)| {
        let envelope = Envelope::of(service, event, Id::new(now), now)
            .map_err(|error| ConsumeError::Reject(format!("{} cannot be written: {error}", E::TYPE)))?;
        Ok(Envelope { traceparent, ..envelope })
    });
    let envelopes = envelopes.collect::<Result<Vec<_>, ConsumeError>>()?;
    outbox::append(db, &envelopes)?;
    Ok(!envelopes.is_empty())
}

fn job_envelope<J: Job>(
    service: &str,
    (queue, job): (&'static str, &J),
    now: DateTime<Utc>,
    traceparent: Option<String>,
) -> Result<Envelope, ConsumeError> {
    let envelope = Envelope::of_job(service, queue, job, now)
        .map_err(|error| ConsumeError::Reject(format!("{queue} cannot be written: {error}")))?;
    Ok(Envelope { traceparent, ..envelope })
}

impl Delivery<'_> {
    /// Publishes an event that follows from this one, in the same transaction and the same trace.
    pub fn publish<E: Event>(&mut self, event: &E) -> Result<(), ConsumeError> {
        let traceparent = self.traceparent();
        self.after.published |= append(self.db, self.service, [(event, traceparent)], self.now)?;
        Ok(())
    }

    /// Puts a job that follows from this into a queue of the service, in the same transaction and the same trace.
    pub fn enqueue<J: Job>(&mut self, queue: &'static str, job: &J) -> Result<(), ConsumeError> {
        let envelope = job_envelope(self.service, (queue, job), self.now, self.traceparent())?;
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

    /// Wakes a task of the service when this delivery has committed, and only then: the task finds what was
    /// written here.
    pub fn wake_after_commit(&mut self, task: &Arc<Notify>) {
        self.after.wake.push(Arc::clone(task));
    }

    fn traceparent(&self) -> Option<String> {
        hms_trace::traceparent().or_else(|| self.envelope.traceparent.clone())
    }
}
