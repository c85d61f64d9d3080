//! Messages as clients see them; their text only where they are there to be read.

pub mod get;
pub mod list;
pub mod push_key;
pub mod read;
pub mod resend;

use chrono::{DateTime, Utc};
use hms_model::id::{EventId, NotificationId, PatientId, PushSubscriptionId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Attempt, ChannelKind, Kind, Message, Outcome, Status};

/// The name of a message as a resource.
pub const NOTIFICATION: &str = "notification";

/// A message to a patient.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// What it is about.
    pub kind: Kind,
    /// The way it goes.
    pub channel: ChannelKind,
    /// What has become of it.
    pub status: Status,
    /// The address it goes to; null until that is known, and where it goes to none.
    #[schema(examples("ann@example.org"))]
    pub recipient: Option<String>,
    /// Its subject line.
    pub subject: String,
    /// Its text, where it is there to be read (`in_app`).
    pub body: Option<String>,
    /// The patient it goes to.
    pub patient_id: PatientId,
    /// The event that caused it.
    pub event_id: EventId,
    /// When that event came; for a reminder, when its time came.
    pub created_at: DateTime<Utc>,
    /// When it was handed over; a push message, to the first of the devices.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was read.
    pub read_at: Option<DateTime<Utc>>,
    /// Why it was not handed over, or not yet.
    pub error: Option<String>,
}

/// A message with all that was tried to send it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NotificationWithAttempts {
    #[serde(flatten)]
    notification: Notification,
    /// The attempts, in their order. Each device of a push message has its own: one that has it is not tried again.
    attempts: Vec<NotificationAttempt>,
}

/// One attempt to send a message.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NotificationAttempt {
    /// Its number; counted anew when the message is sent again.
    number: i64,
    /// When it began.
    at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    took_ms: i64,
    /// How it ended.
    outcome: Outcome,
    /// What the provider calls it.
    provider_id: Option<String>,
    /// Why it did not arrive.
    reason: Option<String>,
    /// The device, of a push message.
    push_subscription_id: Option<PushSubscriptionId>,
}

impl NotificationWithAttempts {
    fn new(message: Message, attempts: Vec<Attempt>) -> Self {
        let attempts = attempts.into_iter().map(NotificationAttempt::from).collect();
        Self { notification: message.into(), attempts }
    }
}

impl From<Message> for Notification {
    fn from(message: Message) -> Self {
        let is_to_be_read = message.channel == ChannelKind::InApp;
        let (recipient, body) = message.letter.map(|letter| (letter.recipient, letter.body)).unzip();
        Self {
            id: message.id,
            kind: message.cause.kind,
            channel: message.channel,
            status: message.status,
            recipient: recipient.filter(|recipient| !recipient.is_empty()),
            subject: message.subject,
            body: body.filter(|_| is_to_be_read),
            patient_id: message.cause.patient_id,
            event_id: message.cause.event_id,
            created_at: message.created_at,
            sent_at: message.sent_at,
            read_at: message.read_at,
            error: message.error,
        }
    }
}

impl From<Attempt> for NotificationAttempt {
    fn from(attempt: Attempt) -> Self {
        Self {
            number: attempt.number,
            at: attempt.at,
            took_ms: attempt.took_ms,
            outcome: attempt.outcome,
            provider_id: attempt.provider_id,
            reason: attempt.reason,
            push_subscription_id: attempt.subscription_id,
        }
    }
}
