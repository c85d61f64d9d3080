//! Typed ids: one kind for each thing, so that a patient's id cannot be handed in where a practitioner's is due.
//! Ids are UUID version 7 (RFC 9562): made by us, in time order, with no call to a database.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use uuid::{ContextV7, Timestamp, Uuid};

/// The id of one thing of kind `K`.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id<K> {
    uuid: Uuid,
    #[serde(skip)]
    kind: PhantomData<fn() -> K>,
}

impl<K> Id<K> {
    /// A new id, in the order of `now`; within one process ids of one moment still ascend.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self::from_uuid(Uuid::new_v7(timestamp(now)))
    }

    /// An id that came from elsewhere.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self { uuid, kind: PhantomData }
    }

    /// The bare UUID.
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }
}

fn timestamp(now: DateTime<Utc>) -> Timestamp {
    static ORDER: std::sync::Mutex<ContextV7> = std::sync::Mutex::new(ContextV7::new());
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    Timestamp::from_unix(&ORDER, seconds, now.timestamp_subsec_nanos())
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(f)
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(f)
    }
}
impl<K> FromStr for Id<K> {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self::from_uuid)
    }
}
impl<K> utoipa::PartialSchema for Id<K> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .examples(["0197a3c2-5b1e-7c4d-9f00-3b2a1c0d4e5f"])
            .into()
    }
}
impl<K> utoipa::ToSchema for Id<K> {
    fn name() -> std::borrow::Cow<'static, str> {
        "Uuid".into()
    }
}

/// The registry of kinds. Append only: a kind once used stands in databases and events.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident => $id:ident),+ $(,)?) => {$(
        #[doc = concat!("The kind of [`", stringify!($id), "`].")]
        #[derive(Debug)]
        pub enum $kind {}
        $(#[$doc])*
        pub type $id = Id<$kind>;
    )+};
}

kinds! {
    /// Someone or something that signs in.
    Account => AccountId,
    /// One sign-in and the tokens that follow from it.
    Session => SessionId,
    /// A patient, with or without an account.
    Patient => PatientId,
    /// A practitioner (FHIR Practitioner).
    Practitioner => PractitionerId,
    /// A department or site of the organisation.
    Department => DepartmentId,
    /// An appointment (FHIR Appointment).
    Appointment => AppointmentId,
    /// When a practitioner sees patients at a place (FHIR Schedule).
    Schedule => ScheduleId,
    /// What an appointment is for, with its length and needs (FHIR Appointment.appointmentType).
    AppointmentType => AppointmentTypeId,
    /// A room or a piece of equipment that appointments take.
    Resource => ResourceId,
    /// A day on which a place is closed.
    Holiday => HolidayId,
    /// A slot that is kept for somebody for some minutes.
    Hold => HoldId,
    /// Appointments that were booked as one, by a recurrence rule.
    Series => SeriesId,
    /// Someone who waits for a time to become free.
    WaitlistEntry => WaitlistEntryId,
    /// A time that became free, as it is offered to somebody who waits.
    Offer => OfferId,
    /// A place in the queue at the counter.
    Ticket => TicketId,
    /// A desk that people of the queue are called to.
    Desk => DeskId,
    /// A message to someone, whatever its channel.
    Notification => NotificationId,
    /// One entry of the audit.
    AuditEntry => AuditEntryId,
    /// One event on the bus.
    Event => EventId,
    /// Something that can be billed, with its prices.
    CatalogueItem => CatalogueItemId,
    /// An invoice or a credit note.
    Invoice => InvoiceId,
    /// Money that was taken, or is about to be.
    Payment => PaymentId,
    /// Money that was given back.
    Refund => RefundId,
    /// Who pays for patients: an insurance.
    Payer => PayerId,
    /// What a payer covers for a patient.
    Coverage => CoverageId,
    /// What a payer was asked to pay.
    Claim => ClaimId,
    /// One entry of the ledger.
    LedgerEntry => LedgerEntryId,
    /// An API key.
    ApiKey => ApiKeyId,
    /// A program that is registered as an OAuth client.
    Client => ClientId,
    /// What an account has allowed a client, with the tokens that follow from it.
    Grant => GrantId,
    /// An address that events are sent to.
    Webhook => WebhookId,
    /// An event on its way to a webhook.
    WebhookDelivery => WebhookDeliveryId,
    /// One time that somebody broke the glass.
    BreakGlass => BreakGlassId,
    /// One time that all figures are counted anew.
    MetricsRebuild => MetricsRebuildId,
    /// A browser or a device that push messages go to.
    PushSubscription => PushSubscriptionId,
    /// One version of the words of a message.
    NotificationTemplate => NotificationTemplateId,
    /// One attempt to send a message.
    MessageAttempt => MessageAttemptId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_moment_ascend() {
        let now = DateTime::from_timestamp_millis(1_800_000_000_000).unwrap();
        let ids: Vec<PatientId> = (0..1_000).map(|_| Id::new(now)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn ids_read_back_from_json_and_text() {
        let id: AccountId = Id::new(DateTime::UNIX_EPOCH);
        assert_eq!(id.to_string().parse::<AccountId>().unwrap(), id);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<AccountId>(&json).unwrap(), id);
    }
}
