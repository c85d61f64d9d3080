//! The payloads of the events. A field is added as optional; none is ever taken away or given another meaning.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Event;
use crate::audit::AuditEntry;
use crate::id::{
    AccountId, AppointmentId, AppointmentTypeId, DepartmentId, InvoiceId, NotificationId, OfferId, PatientId,
    PaymentId, PractitionerId, SeriesId, SessionId, TicketId, WaitlistEntryId,
};
use crate::money::Money;
use crate::role::Role;
use crate::secret::OneTimeToken;

macro_rules! event {
    ($name:ty = $kind:literal v $version:literal by $producer:literal, $subject:ident) => {
        impl Event for $name {
            const TYPE: &'static str = $kind;
            const VERSION: u32 = $version;
            const PRODUCER: &'static str = $producer;
            fn subject(&self) -> String {
                self.$subject.to_string()
            }
            fn aggregate_version(&self) -> i64 {
                self.version
            }
        }
    };
}

/// Someone has an account now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountRegistered {
    /// The account.
    pub account_id: AccountId,
    /// Its version.
    pub version: i64,
    /// Its roles.
    pub roles: Vec<Role>,
}
event!(AccountRegistered = "account.registered" v 1 by "auth", account_id);

/// An account was locked for a time for those who come with a device that is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountLocked {
    /// The account.
    pub account_id: AccountId,
    /// Its version.
    pub version: i64,
    /// How many attempts have failed.
    pub failures: i64,
    /// Until when it is locked.
    pub until: DateTime<Utc>,
}
event!(AccountLocked = "account.locked" v 1 by "auth", account_id);

/// An account was deleted; its id names nobody any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountDeleted {
    /// The account.
    pub account_id: AccountId,
    /// Its version.
    pub version: i64,
}
event!(AccountDeleted = "account.deleted" v 1 by "auth", account_id);

/// A session ended before its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionRevoked {
    /// The session.
    pub session_id: SessionId,
    /// Always 1: a session ends once.
    pub version: i64,
    /// Whose it was.
    pub account_id: AccountId,
    /// Why, in a word or two: `signed out`, `password changed`.
    pub reason: String,
}
event!(SessionRevoked = "session.revoked" v 1 by "auth", session_id);

/// A mail that carries a secret: whoever has it can act for the account once, until it expires.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountMailFacts {
    /// The account; for an invitation the id that the account will have.
    pub account_id: AccountId,
    /// Its version; 1 where it is not there yet.
    pub version: i64,
    /// To whom the mail goes.
    pub email: String,
    /// The secret.
    pub token: OneTimeToken,
    /// Until when it can be used.
    pub expires_at: DateTime<Utc>,
}

/// Somebody is to show that an address is theirs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct AccountVerificationRequested(pub AccountMailFacts);

/// Somebody is to get an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct AccountInvited(pub AccountMailFacts);

/// Somebody has forgotten the password of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct AccountPasswordResetRequested(pub AccountMailFacts);

/// What other services keep of a patient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PatientFacts {
    /// The patient.
    pub patient_id: PatientId,
    /// The version of the record.
    pub version: i64,
    /// The account that is the patient's own, if any.
    pub account_id: Option<AccountId>,
    /// The name as people say it.
    pub name: String,
    /// Where mail reaches the patient.
    pub email: Option<String>,
    /// Where a call reaches the patient, E.164.
    pub phone: Option<String>,
    /// The language in which to write to the patient (BCP 47).
    #[serde(default)]
    pub language: Option<String>,
    /// Whether the record is in use.
    pub active: bool,
}

/// A patient was registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct PatientCreated(pub PatientFacts);

/// A patient's record was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct PatientUpdated(pub PatientFacts);

/// What other services keep of a practitioner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PractitionerFacts {
    /// The practitioner.
    pub practitioner_id: PractitionerId,
    /// The version of the record.
    pub version: i64,
    /// The account that is the practitioner's own, if any.
    pub account_id: Option<AccountId>,
    /// The name as people say it.
    pub name: String,
    /// What they are trained in.
    pub specialty: Option<String>,
    /// The department they belong to.
    pub department_id: Option<DepartmentId>,
    /// Whether they work here at present.
    pub active: bool,
}

/// A practitioner was registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct PractitionerCreated(pub PractitionerFacts);

/// A practitioner's record was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct PractitionerUpdated(pub PractitionerFacts);

/// What other services keep of a department.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DepartmentFacts {
    /// The department.
    pub department_id: DepartmentId,
    /// The version of the record.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// Whether it is in use.
    pub active: bool,
}

/// A department was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct DepartmentCreated(pub DepartmentFacts);

/// A department was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct DepartmentUpdated(pub DepartmentFacts);

/// What every event of an appointment tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AppointmentFacts {
    /// The appointment.
    pub appointment_id: AppointmentId,
    /// Its version after the fact.
    pub version: i64,
    /// For whom.
    pub patient_id: PatientId,
    /// With whom.
    pub practitioner_id: PractitionerId,
    /// The name of the practitioner, for messages.
    pub practitioner_name: String,
    /// Where.
    pub department_id: Option<DepartmentId>,
    /// From.
    pub start: DateTime<Utc>,
    /// Up to, not including.
    pub end: DateTime<Utc>,
    /// The status after the fact (FHIR Appointment.status).
    pub status: String,
    /// Why it was moved or cancelled.
    pub reason: Option<String>,
    /// Whether it records what took place elsewhere or before: no message is due.
    #[serde(default)]
    pub recorded: bool,
    /// What it is for.
    #[serde(default)]
    pub appointment_type_id: Option<AppointmentTypeId>,
    /// The IANA zone of the place, in which its times are shown to people; none where no schedule says.
    #[serde(default)]
    pub zone: Option<String>,
    /// The series that it belongs to.
    #[serde(default)]
    pub series_id: Option<SeriesId>,
    /// Whether it was called off later than its type allows for.
    #[serde(default)]
    pub late_cancellation: bool,
}

macro_rules! appointment_events {
    ($($(#[$doc:meta])* $name:ident = $kind:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub AppointmentFacts);
        facts_event!($name = $kind by "appointment", appointment_id);
    )+};
}

macro_rules! facts_event {
    ($name:ty = $kind:literal by $producer:literal, $subject:ident) => {
        impl Event for $name {
            const TYPE: &'static str = $kind;
            const VERSION: u32 = 1;
            const PRODUCER: &'static str = $producer;
            fn subject(&self) -> String {
                self.0.$subject.to_string()
            }
            fn aggregate_version(&self) -> i64 {
                self.0.version
            }
        }
    };
}

facts_event!(AccountVerificationRequested = "account.verification_requested" by "auth", account_id);
facts_event!(AccountInvited = "account.invited" by "auth", account_id);
facts_event!(AccountPasswordResetRequested = "account.password_reset_requested" by "auth", account_id);
facts_event!(PatientCreated = "patient.created" by "user", patient_id);
facts_event!(PatientUpdated = "patient.updated" by "user", patient_id);
facts_event!(PractitionerCreated = "practitioner.created" by "user", practitioner_id);
facts_event!(PractitionerUpdated = "practitioner.updated" by "user", practitioner_id);
facts_event!(DepartmentCreated = "department.created" by "user", department_id);
facts_event!(DepartmentUpdated = "department.updated" by "user", department_id);

appointment_events! {
    /// An appointment was booked.
    AppointmentScheduled = "appointment.scheduled",
    /// It was moved.
    AppointmentRescheduled = "appointment.rescheduled",
    /// It was called off.
    AppointmentCancelled = "appointment.cancelled",
    /// The patient is there.
    AppointmentArrived = "appointment.arrived",
    /// It took place.
    AppointmentFulfilled = "appointment.fulfilled",
    /// The patient did not come.
    AppointmentNoshow = "appointment.noshow",
}

/// What is told when a time that became free is offered to somebody who waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OfferFacts {
    /// Whose turn it is on the waitlist.
    pub entry_id: WaitlistEntryId,
    /// The version of that entry after the fact.
    pub version: i64,
    /// The offer.
    pub offer_id: OfferId,
    /// To whom.
    pub patient_id: PatientId,
    /// With whom.
    pub practitioner_id: PractitionerId,
    /// The name of the practitioner, for messages.
    pub practitioner_name: String,
    /// Where.
    pub department_id: Option<DepartmentId>,
    /// What for.
    pub appointment_type_id: Option<AppointmentTypeId>,
    /// From.
    pub start: DateTime<Utc>,
    /// Up to, not including.
    pub end: DateTime<Utc>,
    /// The IANA zone of the place.
    pub zone: Option<String>,
    /// Until when it can be accepted.
    pub expires_at: DateTime<Utc>,
}

/// A time that became free is offered to somebody who waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct WaitlistOffered(pub OfferFacts);
facts_event!(WaitlistOffered = "waitlist.offered" by "appointment", entry_id);

/// What is told of a ticket of the queue at the counter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TicketFacts {
    /// The ticket.
    pub ticket_id: TicketId,
    /// Its version after the fact.
    pub version: i64,
    /// The queue.
    pub department_id: DepartmentId,
    /// The day, in the zone of the counter.
    pub day: NaiveDate,
    /// What stands on the ticket.
    pub number: String,
    /// The status after the fact.
    pub status: String,
    /// The desk that it was called to.
    pub desk: Option<String>,
    /// Whose it is, where that is known.
    pub patient_id: Option<PatientId>,
    /// The appointment that it is for.
    pub appointment_id: Option<AppointmentId>,
}

/// A ticket of the queue was given or has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct QueueChanged(pub TicketFacts);
facts_event!(QueueChanged = "queue.changed" by "appointment", ticket_id);

/// What is told of a message; never its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MessageFacts {
    /// The message.
    pub notification_id: NotificationId,
    /// Its version.
    pub version: i64,
    /// `email`, `sms`, `push`.
    pub channel: String,
    /// Why it failed.
    pub reason: Option<String>,
}

/// A message was handed to its channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct MessageSent(pub MessageFacts);
facts_event!(MessageSent = "message.sent" by "notification", notification_id);

/// A message could not be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct MessageFailed(pub MessageFacts);
facts_event!(MessageFailed = "message.failed" by "notification", notification_id);

/// What is told of an invoice or a credit note; never its lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InvoiceFacts {
    /// The invoice.
    pub invoice_id: InvoiceId,
    /// Its version.
    pub version: i64,
    /// The number that stands on it.
    pub number: String,
    /// Whether it is an `invoice` or a `credit_note`.
    pub kind: String,
    /// For whom.
    pub patient_id: PatientId,
    /// The appointment that it is for.
    pub appointment_id: Option<AppointmentId>,
    /// All of it.
    pub total: Money,
    /// What is not settled yet.
    pub open: Money,
    /// Until when it is to be paid.
    pub due_on: Option<NaiveDate>,
}

/// An invoice, or a credit note, has its number and is owed now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct BillingInvoiceIssued(pub InvoiceFacts);
facts_event!(BillingInvoiceIssued = "billing.invoice.issued" by "billing", invoice_id);

/// Nothing of an invoice is open any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct BillingInvoicePaid(pub InvoiceFacts);
facts_event!(BillingInvoicePaid = "billing.invoice.paid" by "billing", invoice_id);

/// An invoice was called void: nobody owes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct BillingInvoiceVoided(pub InvoiceFacts);
facts_event!(BillingInvoiceVoided = "billing.invoice.voided" by "billing", invoice_id);

/// What is told of a payment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PaymentFacts {
    /// The payment.
    pub payment_id: PaymentId,
    /// Its version.
    pub version: i64,
    /// Whose debt it pays; none for one that no patient is named for.
    pub patient_id: Option<PatientId>,
    /// The invoice that it was meant for.
    pub invoice_id: Option<InvoiceId>,
    /// `cash`, `card`, `transfer`, `insurance`.
    pub method: String,
    /// What was taken, or given back.
    pub amount: Money,
    /// The system that asked for it and its own name for it: `facility`, `booking 0197…`.
    #[serde(default)]
    pub source: Option<String>,
    /// See `source`.
    #[serde(default)]
    pub reference: Option<String>,
}

/// Money was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct BillingPaymentCaptured(pub PaymentFacts);
facts_event!(BillingPaymentCaptured = "billing.payment.captured" by "billing", payment_id);

/// Money was given back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct BillingPaymentRefunded(pub PaymentFacts);
facts_event!(BillingPaymentRefunded = "billing.payment.refunded" by "billing", payment_id);

/// Someone did something: for the audit alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct AuditRecorded(pub AuditEntry);

impl Event for AuditRecorded {
    const TYPE: &'static str = "audit.recorded";
    const VERSION: u32 = 1;
    const PRODUCER: &'static str = "*";
    fn subject(&self) -> String {
        self.0.id.to_string()
    }
    fn aggregate_version(&self) -> i64 {
        1
    }
}

/// Records of patients were shown, to one or several people who asked at the same time: for the audit alone. One event
/// for all of them, since each was durable by the same commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditDisclosed {
    /// What the audit shall know of each look, in the order in which they were asked for.
    pub entries: Vec<AuditEntry>,
}

impl Event for AuditDisclosed {
    const TYPE: &'static str = "audit.disclosed";
    const VERSION: u32 = 1;
    const PRODUCER: &'static str = "*";
    fn subject(&self) -> String {
        self.entries.first().map(|entry| entry.id.to_string()).unwrap_or_default()
    }
    fn aggregate_version(&self) -> i64 {
        1
    }
}

/// The audit has signed how far its chain has come: kept elsewhere, it shows later that nothing was cut off or made
/// anew. `docs/audit.md` says how it is checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditCheckpoint {
    /// The number of the checkpoint; they count from 1.
    pub number: i64,
    /// The number of the newest entry.
    pub position: i64,
    /// The hash of that entry: SHA-256 in hexadecimal digits.
    pub hash: String,
    /// The id of the key that signed.
    pub key: String,
    /// The text that was signed.
    pub statement: String,
    /// The Ed25519 signature of that text, in base64.
    pub signature: String,
}

impl Event for AuditCheckpoint {
    const TYPE: &'static str = "audit.checkpoint";
    const VERSION: u32 = 1;
    const PRODUCER: &'static str = "audit";
    fn subject(&self) -> String {
        "chain".to_owned()
    }
    fn aggregate_version(&self) -> i64 {
        self.number
    }
}
