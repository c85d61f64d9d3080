//! The unit of work: one handler, one transaction. State, events, audit entry and idempotency record are written
//! together or not at all; nothing is published that did not commit.

use chrono::{DateTime, Utc};
use hms_access::Claims;
use hms_api::{Fingerprint, IfMatch, RequestInfo};
use hms_bus::jobs;
use hms_bus::outbox::{self, AppendError};
use hms_db::Db;
use hms_model::audit::{Action, Actor, AuditEntry, Outcome};
use hms_model::event::{AuditRecorded, Envelope, Event};
use hms_model::id::{AccountId, Id, PatientId};
use hms_model::job::Job;
use hms_problem::{Code, Problem};

/// One unit of work, inside its transaction.
pub struct Work<'a> {
    /// The connection; what is done through it is part of the transaction.
    pub db: &'a mut Db,
    /// The time of the whole unit.
    pub now: DateTime<Utc>,
    scene: &'a Scene,
    events: Vec<Envelope>,
    jobs: Vec<Envelope>,
}

/// Who does it, and with which request.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub service: &'static str,
    pub actor: Actor,
    pub info: RequestInfo,
}

impl Scene {
    pub fn new(service: &'static str, claims: Option<&Claims>, info: RequestInfo) -> Self {
        let actor = Actor {
            account_id: claims.map(|claims| claims.sub),
            roles: claims.map(|claims| claims.roles.clone()).unwrap_or_default(),
        };
        Self { service, actor, info }
    }

    /// The service does it by itself, upon no request.
    pub fn own(service: &'static str) -> Self {
        let info = RequestInfo {
            id: String::new(),
            client_ip: None,
            operation: String::new(),
            idempotency_key: None,
            fingerprint: Fingerprint::of(&[]),
            if_match: IfMatch::default(),
            traceparent: None,
        };
        Self::new(service, None, info)
    }

    pub fn entry(&self, act: Act, now: DateTime<Utc>) -> AuditEntry {
        AuditEntry {
            id: Id::new(now),
            at: now,
            service: self.service.to_owned(),
            actor: act.actor.unwrap_or_else(|| self.actor.clone()),
            action: act.action,
            resource: act.resource.to_owned(),
            resource_id: act.resource_id,
            patient_ids: act.patient_ids,
            outcome: act.outcome,
            detail: act.detail,
            request_id: Some(self.info.id.clone()).filter(|id| !id.is_empty()),
            source_ip: self.info.client_ip.map(|ip| ip.to_string()),
        }
    }

    pub fn envelope<E: Event>(&self, event: &E, now: DateTime<Utc>) -> Result<Envelope, Problem> {
        let mut envelope = Envelope::of(self.service, event, Id::new(now), now).map_err(|error| {
            tracing::error!(%error, kind = E::TYPE, "an event cannot be written as JSON");
            Problem::new(Code::Internal)
        })?;
        envelope.traceparent = self.traceparent();
        Ok(envelope)
    }

    fn traceparent(&self) -> Option<String> {
        hms_trace::traceparent().or_else(|| self.info.traceparent.clone())
    }
}

/// What the audit shall know of an act.
#[derive(Debug, Clone)]
pub struct Act {
    action: Action,
    resource: &'static str,
    resource_id: Option<String>,
    patient_ids: Vec<PatientId>,
    outcome: Outcome,
    detail: Option<String>,
    actor: Option<Actor>,
}

impl Act {
    /// An act upon a kind of resource, such as `patient`.
    pub fn new(action: Action, resource: &'static str) -> Self {
        Self {
            action,
            resource,
            resource_id: None,
            patient_ids: Vec::new(),
            outcome: Outcome::Success,
            detail: None,
            actor: None,
        }
    }

    /// Upon this one.
    #[must_use]
    pub fn on<K>(mut self, id: Id<K>) -> Self {
        self.resource_id = Some(id.to_string());
        self
    }

    /// It touches the record of this patient.
    #[must_use]
    pub fn of_patient(mut self, patient: PatientId) -> Self {
        self.patient_ids.push(patient);
        self
    }

    /// It touches the records of these patients.
    #[must_use]
    pub fn of_patients(mut self, patients: impl IntoIterator<Item = PatientId>) -> Self {
        self.patient_ids.extend(patients);
        self
    }

    /// It was refused.
    #[must_use]
    pub fn refused(mut self) -> Self {
        self.outcome = Outcome::Refused;
        self
    }

    /// What else is known, without personal data.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Done by this account, where the request carries no token yet: a sign-in.
    #[must_use]
    pub fn by(mut self, account_id: AccountId, roles: Vec<hms_model::role::Role>) -> Self {
        self.actor = Some(Actor { account_id: Some(account_id), roles });
        self
    }
}

impl<'a> Work<'a> {
    pub(crate) fn new(db: &'a mut Db, now: DateTime<Utc>, scene: &'a Scene) -> Self {
        Self { db, now, scene, events: Vec::new(), jobs: Vec::new() }
    }
}

impl Work<'_> {
    /// Publishes a fact when the unit commits.
    pub fn publish<E: Event>(&mut self, event: &E) -> Result<(), Problem> {
        let envelope = self.scene.envelope(event, self.now)?;
        self.events.push(envelope);
        Ok(())
    }

    /// Puts a job into a queue of the service when the unit commits.
    pub fn enqueue<J: Job>(&mut self, queue: &'static str, job: &J) -> Result<(), Problem> {
        let mut envelope = Envelope::of_job(self.scene.service, queue, job, self.now).map_err(|error| {
            tracing::error!(%error, queue, "a job cannot be written as JSON");
            Problem::new(Code::Internal)
        })?;
        envelope.traceparent = self.scene.traceparent();
        self.jobs.push(envelope);
        Ok(())
    }

    /// Tells the audit when the unit commits.
    pub fn audit(&mut self, act: Act) -> Result<(), Problem> {
        let entry = self.scene.entry(act, self.now);
        self.publish(&AuditRecorded(entry))
    }

    /// The version that the client has seen must be the one at hand (`If-Match`).
    pub fn check_version(&self, version: i64) -> Result<(), Problem> {
        self.scene.info.if_match.check(version)
    }

    /// A new id.
    pub fn new_id<K>(&self) -> Id<K> {
        Id::new(self.now)
    }

    pub(crate) fn flush(&mut self) -> Result<bool, Problem> {
        let written = outbox::append(self.db, &self.events).and_then(|()| jobs::append(self.db, &self.jobs));
        written.map_err(|error| match error {
            AppendError::Database(error) => error.into(),
            AppendError::Unpublishable(refused) => {
                tracing::error!(service = self.scene.service, %refused, "an event or a job must not be published");
                Problem::new(Code::Internal)
            }
        })?;
        Ok(!self.events.is_empty() || !self.jobs.is_empty())
    }
}
