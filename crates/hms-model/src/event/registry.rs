//! The one registry of events: who publishes what, and who acts upon it.

use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::access::{AccessBreakGlass, CareTeamChanged};
use super::payload::*;
use super::webhook::WebhookDisabled;
use super::{Envelope, Event};

/// One row of the registry.
#[derive(Debug, Clone, Copy)]
pub struct EventType {
    /// The type, such as `patient.created`.
    pub kind: &'static str,
    /// The version of its payload.
    pub version: u32,
    /// The service that publishes it; `*` when every service does.
    pub producer: &'static str,
    /// The services that act upon it. A producer makes their queues before it publishes anything, so that one that
    /// starts for the first time later misses nothing.
    pub consumers: &'static [&'static str],
    /// What its payload looks like.
    pub payload: fn() -> Payload,
}

/// The shape of a payload.
#[derive(Clone)]
pub struct Payload {
    /// The name of the type: `PatientCreated`.
    pub name: String,
    /// Its schema.
    pub schema: RefOr<Schema>,
    /// The schemas that it refers to, by name.
    pub parts: Vec<(String, RefOr<Schema>)>,
}

/// Why an event must not be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unpublishable {
    /// Nobody could know what it means.
    #[error("{0} is not in the registry of events")]
    Unknown(String),
    /// Nobody would take it.
    #[error("{0} is not in the registry of work queues")]
    NoQueue(String),
    /// Another service answers for facts of this type.
    #[error("{kind} is published by {producer}, not by {by}")]
    Foreign {
        /// The type.
        kind: String,
        /// Whose type it is.
        producer: &'static str,
        /// The source of the event.
        by: String,
    },
}

macro_rules! registry {
    ($($event:ty => [$($consumer:literal),*]),+ $(,)?) => {
        /// Every event of the platform.
        pub const fn registry() -> &'static [EventType] {
            &[$(EventType {
                kind: <$event>::TYPE,
                version: <$event>::VERSION,
                producer: <$event>::PRODUCER,
                consumers: &[$($consumer),*],
                payload: Payload::of::<$event>,
            }),+]
        }
    };
}

registry![
    AccountRegistered => [],
    AccountLocked => [],
    AccountDeleted => [],
    SessionRevoked => [],
    AccountVerificationRequested => ["notification"],
    AccountInvited => ["notification"],
    AccountPasswordResetRequested => ["notification"],
    PatientCreated => ["auth", "appointment", "notification", "billing", "metrics"],
    PatientUpdated => ["auth", "appointment", "notification", "billing"],
    PractitionerCreated => ["auth", "appointment", "notification", "billing", "audit", "metrics"],
    PractitionerUpdated => ["auth", "appointment", "notification", "billing", "audit", "metrics"],
    DepartmentCreated => ["appointment", "notification", "billing", "metrics"],
    DepartmentUpdated => ["appointment", "notification", "billing", "metrics"],
    AppointmentScheduled => ["notification", "user", "metrics"],
    AppointmentRescheduled => ["notification", "user", "appointment", "metrics"],
    AppointmentCancelled => ["notification", "user", "appointment", "metrics"],
    AppointmentArrived => ["notification", "user", "metrics"],
    AppointmentFulfilled => ["notification", "billing", "user", "metrics"],
    AppointmentNoshow => ["notification", "user", "metrics"],
    AppointmentUpdated => ["user", "metrics"],
    WaitlistOffered => ["notification"],
    QueueChanged => ["metrics"],
    ScheduleChanged => ["metrics"],
    HolidayChanged => ["metrics"],
    MessageSent => [],
    MessageFailed => [],
    WebhookDisabled => [],
    BillingInvoiceIssued => ["notification", "metrics"],
    BillingInvoicePaid => ["notification", "metrics"],
    BillingInvoiceVoided => ["notification", "metrics"],
    BillingPaymentCaptured => ["notification", "metrics"],
    BillingPaymentRefunded => ["notification", "metrics"],
    CareTeamChanged => ["appointment", "audit", "notification"],
    AccessBreakGlass => ["appointment", "audit", "notification"],
    AuditRecorded => ["audit"],
    AuditDisclosed => ["audit"],
    AuditCheckpoint => [],
];

/// The types that a service acts upon, in alphabetical order.
pub fn consumed_by(service: &str) -> Vec<&'static str> {
    let consumed = registry().iter().filter(|event| event.consumers.contains(&service));
    let mut kinds: Vec<_> = consumed.map(|event| event.kind).collect();
    kinds.sort_unstable();
    kinds
}

impl EventType {
    /// The row of a type.
    pub fn find(kind: &str) -> Option<&'static EventType> {
        registry().iter().find(|event| event.kind == kind)
    }

    /// Whether this service may publish it.
    pub fn is_published_by(&self, service: &str) -> bool {
        self.producer == "*" || self.producer == service
    }
}

impl Payload {
    /// That of a type.
    pub(crate) fn of<T: ToSchema>() -> Self {
        let mut parts = Vec::new();
        T::schemas(&mut parts);
        Self { name: T::name().into_owned(), schema: T::schema(), parts }
    }
}

impl Envelope {
    /// Refuses what its source must not publish: a type that is not in the registry, or another service's.
    pub fn check_publishable(&self) -> Result<(), Unpublishable> {
        let event = EventType::find(&self.kind).ok_or_else(|| Unpublishable::Unknown(self.kind.clone()))?;
        let by = self.source.strip_prefix("hms/").unwrap_or(&self.source);
        if event.is_published_by(by) {
            return Ok(());
        }
        let (kind, by) = (self.kind.clone(), by.to_owned());
        Err(Unpublishable::Foreign { kind, producer: event.producer, by })
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::id::Id;
    use crate::service::ServiceEntry;

    #[test]
    fn producers_and_consumers_are_services() {
        for event in registry() {
            let known = |name: &str| ServiceEntry::find(name).is_some();
            assert!(event.producer == "*" || known(event.producer), "{event:?}");
            assert!(event.consumers.iter().all(|consumer| known(consumer)), "{event:?}");
        }
    }

    #[test]
    fn every_event_has_a_type_of_its_own() {
        let mut kinds: Vec<_> = registry().iter().map(|event| event.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), registry().len());
    }

    #[test]
    fn a_service_publishes_what_is_its_own_and_what_is_everybodys() {
        let facts = DepartmentFacts {
            department_id: Id::new(DateTime::UNIX_EPOCH),
            version: 1,
            name: "Radiology".into(),
            active: true,
        };
        let event = DepartmentCreated(facts);
        let own = Envelope::of("user", &event, Id::new(DateTime::UNIX_EPOCH), DateTime::UNIX_EPOCH).unwrap();
        let with =
            |kind: &str, source: &str| Envelope { kind: kind.into(), source: source.into(), ..own.clone() };
        let cases = [
            ("department.created", "hms/user", ""),
            ("audit.recorded", "hms/user", ""),
            ("department.created", "hms/audit", "department.created is published by user, not by audit"),
            ("department.created", "elsewhere", "department.created is published by user, not by elsewhere"),
            ("ward.painted", "hms/user", "ward.painted is not in the registry of events"),
        ];
        for (kind, source, refusal) in cases {
            let outcome = with(kind, source).check_publishable();
            assert_eq!(outcome.map_or_else(|refused| refused.to_string(), |()| String::new()), refusal);
        }
    }
}
