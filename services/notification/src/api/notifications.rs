//! Messages as clients see them; never their text.

pub mod get;
pub mod list;
pub mod push_key;

use chrono::{DateTime, Utc};
use hms_model::id::{EventId, NotificationId, PatientId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{ChannelKind, Kind, Message, Status};

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
    /// The address it goes to; null until that is known.
    #[schema(examples("ann@example.org"))]
    pub recipient: Option<String>,
    /// Its subject line.
    pub subject: String,
    /// The patient it goes to.
    pub patient_id: PatientId,
    /// The event that caused it.
    pub event_id: EventId,
    /// When that event came.
    pub created_at: DateTime<Utc>,
    /// When it was handed over.
    pub sent_at: Option<DateTime<Utc>>,
    /// Why it was not handed over, or not yet.
    pub error: Option<String>,
}

impl From<Message> for Notification {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            kind: message.kind,
            channel: message.channel,
            status: message.status,
            recipient: message.letter.map(|letter| letter.recipient),
            subject: message.subject,
            patient_id: message.patient_id,
            event_id: message.event_id,
            created_at: message.created_at,
            sent_at: message.sent_at,
            error: message.error,
        }
    }
}
