//! What all handlers of a service share.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use hms_access::{AccessError, Claims, Verifier};
use hms_api::{Filters, List};
use hms_bus::{ConsumeError, Relay, Waiting};
use hms_db::{Database, Db};
use hms_model::Clock;
use hms_problem::{Code, Problem};
use hms_settings::Settings;
use hms_telemetry::Metrics;
use hms_trace::Tracer;
use parking_lot::Mutex;

use crate::ServiceSettings;
use crate::access_log::AccessLog;
use crate::lists::{Asked, Lists};
use crate::tasks::Tasks;
use crate::work::{Scene, Work};

/// What all handlers of a service share; clones are the same.
#[derive(Clone)]
pub struct Context {
    /// The name of the service.
    pub service: &'static str,
    /// The time.
    pub clock: Clock,
    /// The database of the service.
    pub database: Database,
    /// All settings, for those that only this service has.
    pub settings: Settings,
    /// The settings that every service has.
    pub own: Arc<ServiceSettings>,
    /// The metrics.
    pub metrics: Metrics,
    /// Traces what the service does.
    pub tracer: Tracer,
    /// What the service does beside its requests.
    pub tasks: Tasks,
    pub(crate) verifier: Verifier,
    pub(crate) relay: Relay,
    pub(crate) jobs: Waiting,
    pub(crate) access_log: AccessLog,
    pub(crate) lists: Lists,
    /// The idempotency keys that are being worked on in this process.
    pub(crate) in_flight: Arc<Mutex<HashSet<String>>>,
}

impl Context {
    /// What a token of the API says, if it is good: for the auth service, which is asked about tokens.
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, AccessError> {
        self.verifier.verify(token).await
    }

    /// Begins to ask for a part of a list, of which something may be known: before its rows are read.
    pub fn ask<F: Filters>(&self, list: &List<F>) -> Asked {
        self.lists.ask(list)
    }

    /// How many jobs wait in a queue of the service; not known while the broker is away.
    pub fn jobs_waiting(&self, queue: &str) -> Option<i64> {
        self.jobs.in_queue(queue)
    }

    /// Since when a job has waited in a queue of the service, as far as that is known.
    pub(crate) fn jobs_wait_since(&self, queue: &str) -> Option<DateTime<Utc>> {
        self.jobs.since(queue)
    }

    /// The same for what the service does beside its requests: its units of work give way to theirs
    /// ([`Database::giving_way`]).
    #[must_use]
    pub fn giving_way(&self) -> Self {
        Self { database: self.database.giving_way(), ..self.clone() }
    }

    /// Writes what no request asked for, such as a task of the service does: one transaction with its events.
    /// Who did it is, for the audit, the service itself.
    pub async fn write<T, F>(&self, f: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&mut Work<'_>) -> Result<T, Problem> + Send + 'static,
    {
        let scene = Scene::own(self.service);
        let now = self.clock.now();
        let unit = move |db: &mut Db| {
            let mut work = Work::new(db, now, &scene);
            let value = f(&mut work)?;
            let published = work.flush()?;
            Ok::<_, Problem>((value, published))
        };
        let (value, published) = self.database.write(unit).await?;
        if published {
            self.relay.wake();
        }
        Ok(value)
    }
}

/// Why a job could not be done, for the bus: it waits while the database is away, and is tried some times otherwise.
pub fn undone(problem: Problem) -> ConsumeError {
    match problem.code() {
        Code::Unavailable => ConsumeError::Away(hms_db::Error::Busy),
        _ => ConsumeError::retry(problem),
    }
}
