//! What notification tells of its messages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::Event;
use crate::id::NotificationId;

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
