//! What a service does about the events it consumes: one handler for each type.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hms_db::Db;
use hms_model::event::{Envelope, Event, Unreadable, registry};
use hms_model::job::{Job, WorkQueue};

use crate::delivery::{AfterCommit, Deliveries, Delivery};
use crate::jobs::{self, GivenUp};
use crate::outbox::AppendError;
use crate::trace::Taking;

type OfOne = Box<dyn Fn(&mut Delivery<'_>) -> Result<(), ConsumeError> + Send + Sync>;
type OfMany = Box<dyn Fn(&mut Deliveries<'_>) -> Result<(), ConsumeError> + Send + Sync>;

enum Handler {
    OfOne(OfOne),
    OfMany(OfMany),
}

/// What is done beside the handlers of some types.
struct Beside {
    kinds: &'static [&'static str],
    handler: OfMany,
}

/// The handlers of one service, by event type.
pub struct Consumer {
    service: &'static str,
    handlers: BTreeMap<&'static str, Handler>,
    beside: Vec<Beside>,
    jobs: BTreeMap<&'static str, Arc<jobs::Handler>>,
    company: Option<Duration>,
}

/// Why a handler did not take an event. Whatever it is, its transaction is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    /// It may go better later: tried again after a delay, some times, then put to the dead letters.
    #[error("the event could not be taken")]
    Retry(#[source] Box<dyn Error + Send + Sync>),
    /// It will never go better: put to the dead letters at once, with this reason.
    #[error("{0}")]
    Reject(String),
    /// The database is away, which says nothing about the event: no attempt is counted.
    #[error("the database is away")]
    Away(#[source] hms_db::Error),
}

impl ConsumeError {
    /// Asks for another attempt.
    pub fn retry(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Retry(reason.into())
    }

    /// The error and its causes in one line. It may quote the event: for the dead letter, never for a log.
    pub(crate) fn reason(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl From<hms_db::Error> for ConsumeError {
    fn from(error: hms_db::Error) -> Self {
        match error {
            hms_db::Error::Busy | hms_db::Error::Unavailable(_) => Self::Away(error),
            other => Self::Retry(Box::new(other)),
        }
    }
}

impl From<diesel::result::Error> for ConsumeError {
    fn from(error: diesel::result::Error) -> Self {
        hms_db::Error::from(error).into()
    }
}

impl From<AppendError> for ConsumeError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Database(error) => error.into(),
            AppendError::Unpublishable(refused) => Self::Reject(refused.to_string()),
        }
    }
}

impl From<Unreadable> for ConsumeError {
    fn from(unreadable: Unreadable) -> Self {
        let cause = unreadable.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::Reject(format!("{unreadable}{cause}"))
    }
}

impl Consumer {
    /// A service that consumes nothing yet.
    pub fn new(service: &'static str) -> Self {
        Self { service, handlers: BTreeMap::new(), beside: Vec::new(), jobs: BTreeMap::new(), company: None }
    }

    /// Waits this long for company after a batch that was not full, and not [`Options::linger`](crate::Options::linger):
    /// for effects that nobody is waiting for, which cost less together. RabbitMQ only.
    #[must_use]
    pub fn gathering_for(self, company: Duration) -> Self {
        Self { company: Some(company), ..self }
    }

    /// Whether events of this type are taken together.
    pub(crate) fn takes_many(&self, kind: &str) -> bool {
        matches!(self.handlers.get(kind), Some(Handler::OfMany(_)))
    }

    pub(crate) fn company(&self) -> Option<Duration> {
        self.company
    }

    /// Adds the handler of one type of event; `f` gets the event already read and checked.
    #[must_use]
    pub fn on<E: Event>(
        self,
        f: impl Fn(&mut Delivery<'_>, E) -> Result<(), ConsumeError> + Send + Sync + 'static,
    ) -> Self {
        let handler: OfOne = Box::new(move |delivery| {
            let event = delivery.envelope.read::<E>()?;
            f(delivery, event)
        });
        self.with(E::TYPE, Handler::OfOne(handler))
    }

    /// Adds a handler that takes events of one type together, in their order, when several have come: for effects that
    /// cost less so. When it fails, each event is handed to it alone, so that a bad one hurts only itself.
    #[must_use]
    pub fn on_many<E: Event>(
        self,
        f: impl Fn(&mut Deliveries<'_>, Vec<E>) -> Result<(), ConsumeError> + Send + Sync + 'static,
    ) -> Self {
        let handler: OfMany = Box::new(move |deliveries| {
            let events = deliveries.envelopes.iter().map(|envelope| envelope.read::<E>());
            let events = events.collect::<Result<Vec<E>, Unreadable>>()?;
            f(deliveries, events)
        });
        self.with(E::TYPE, Handler::OfMany(handler))
    }

    /// Adds what is done about events of these types beside what their own handlers do: after them, in the same transaction,
    /// once for all that have come together, and without a look into the payload. A type that has no handler of its own is
    /// consumed for this.
    #[must_use]
    pub fn also(
        mut self,
        kinds: &'static [&'static str],
        f: impl Fn(&mut Deliveries<'_>) -> Result<(), ConsumeError> + Send + Sync + 'static,
    ) -> Self {
        for kind in kinds {
            debug_assert_known(kind);
        }
        self.beside.push(Beside { kinds, handler: Box::new(f) });
        self
    }

    /// Adds what is done about the jobs of one queue. `run` does those that have come, up to `at_once` together, and says
    /// which it gives up; it does nothing about one that was done before. `again` is for one that was given up: it sees to it
    /// that the job is done all the same, in the transaction in which its dead letter goes.
    #[must_use]
    pub fn jobs<J: Job, F>(
        mut self,
        (queue, at_once): (&'static str, u16),
        run: impl Fn(Vec<J>) -> F + Send + Sync + 'static,
        again: impl Fn(&mut Delivery<'_>, J) -> Result<(), ConsumeError> + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Vec<GivenUp>, ConsumeError>> + Send + 'static,
    {
        debug_assert!(WorkQueue::find(queue).is_some(), "{queue} is not in the registry of work queues");
        let handler = jobs::Handler {
            at_once,
            run: Box::new(move |envelopes| {
                let (jobs, mut given_up) = read_jobs(&envelopes);
                let running = run(jobs);
                Box::pin(async move {
                    given_up.extend(running.await?);
                    Ok(given_up)
                })
            }),
            again: Box::new(move |delivery| {
                let job =
                    read_job(delivery.envelope).map_err(|given_up| ConsumeError::Reject(given_up.reason))?;
                again(delivery, job)
            }),
        };
        self.jobs.insert(queue, Arc::new(handler));
        self
    }

    fn with(mut self, kind: &'static str, handler: Handler) -> Self {
        debug_assert_known(kind);
        let before = self.handlers.insert(kind, handler);
        debug_assert!(before.is_none(), "{kind} has two handlers in {}", self.service);
        self
    }

    /// The types that are consumed, in alphabetical order.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> + use<> {
        let beside = self.beside.iter().flat_map(|beside| beside.kinds);
        let all: BTreeSet<_> = self.handlers.keys().chain(beside).copied().collect();
        all.into_iter()
    }

    /// The queues whose jobs are done, in alphabetical order.
    pub fn queues(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.jobs.keys().copied()
    }

    pub(crate) fn job_handlers(&self) -> impl Iterator<Item = (&'static str, Arc<jobs::Handler>)> + '_ {
        self.jobs.iter().map(|(queue, handler)| (*queue, Arc::clone(handler)))
    }

    /// Makes a job that was given up one once more, if it is one.
    pub(crate) fn again(
        &self,
        db: &mut Db,
        envelope: &Envelope,
        now: DateTime<Utc>,
    ) -> Option<Result<AfterCommit, ConsumeError>> {
        let handler = self.jobs.get(envelope.kind.as_str())?;
        let mut delivery =
            Delivery { db, envelope, now, service: self.service, after: AfterCommit::default() };
        let outcome = guarded(|| (handler.again)(&mut delivery));
        Some(outcome.map(|()| delivery.after))
    }

    /// Whether nothing is consumed.
    pub fn is_empty(&self) -> bool {
        self.handlers.is_empty() && self.beside.is_empty()
    }

    /// Runs the handler of these events, which are of one type; notes what is due after the commit.
    pub(crate) fn deliver(
        &self,
        db: &mut Db,
        (envelopes, taking): (&[&Envelope], &Taking),
        now: DateTime<Utc>,
        after: &mut AfterCommit,
    ) -> Result<(), ConsumeError> {
        let Some(first) = envelopes.first() else { return Ok(()) };
        let service = self.service;
        match self.handlers.get(first.kind.as_str()) {
            None if self.beside.iter().any(|beside| beside.is_about(first)) => Ok(()),
            None => Err(ConsumeError::Reject(format!("{service} consumes no {}", first.kind))),
            Some(Handler::OfOne(handler)) => {
                for envelope in envelopes {
                    let _entered = taking.enter(envelope.id);
                    let mut delivery =
                        Delivery { db: &mut *db, envelope, now, service, after: AfterCommit::default() };
                    guarded(|| handler(&mut delivery))?;
                    after.add(delivery.after);
                }
                Ok(())
            }
            Some(Handler::OfMany(handler)) => {
                self.deliver_together(db, handler, (envelopes, taking), now, after)
            }
        }
    }

    /// Does what is to be done beside the handlers of these events, once these have run.
    pub(crate) fn deliver_beside(
        &self,
        db: &mut Db,
        (envelopes, taking): (&[&Envelope], &Taking),
        now: DateTime<Utc>,
        after: &mut AfterCommit,
    ) -> Result<(), ConsumeError> {
        for beside in &self.beside {
            let of: Vec<&Envelope> =
                envelopes.iter().copied().filter(|envelope| beside.is_about(envelope)).collect();
            self.deliver_together(db, &beside.handler, (&of, taking), now, after)?;
        }
        Ok(())
    }

    fn deliver_together(
        &self,
        db: &mut Db,
        handler: &OfMany,
        (envelopes, taking): (&[&Envelope], &Taking),
        now: DateTime<Utc>,
        after: &mut AfterCommit,
    ) -> Result<(), ConsumeError> {
        let Some(first) = envelopes.first() else { return Ok(()) };
        let _entered = taking.enter(first.id);
        let (service, own) = (self.service, AfterCommit::default());
        let mut deliveries = Deliveries { db, envelopes, now, service, taking, after: own };
        guarded(|| handler(&mut deliveries))?;
        after.add(deliveries.after);
        Ok(())
    }
}

impl Beside {
    fn is_about(&self, envelope: &Envelope) -> bool {
        self.kinds.contains(&envelope.kind.as_str())
    }
}

fn debug_assert_known(kind: &str) {
    debug_assert!(
        registry().iter().any(|event| event.kind == kind),
        "{kind} is not in the registry of events"
    );
}

fn read_jobs<J: Job>(envelopes: &[Arc<Envelope>]) -> (Vec<J>, Vec<GivenUp>) {
    let (mut jobs, mut given_up) = (Vec::new(), Vec::new());
    for envelope in envelopes {
        match read_job(envelope) {
            Ok(job) => jobs.push(job),
            Err(bad) => given_up.push(bad),
        }
    }
    (jobs, given_up)
}

fn read_job<J: Job>(envelope: &Envelope) -> Result<J, GivenUp> {
    serde_json::from_value(envelope.data.clone()).map_err(|error| {
        let reason = format!("the payload does not fit: {error}");
        GivenUp { id: envelope.id, reason, attempts: 0 }
    })
}

/// A handler that panics has failed, and no more.
fn guarded(handler: impl FnOnce() -> Result<(), ConsumeError>) -> Result<(), ConsumeError> {
    catch_unwind(AssertUnwindSafe(handler))
        .unwrap_or_else(|_| Err(ConsumeError::retry("the handler panicked")))
}
