//! Events: what services tell each other. Every type stands in the one [`registry`], with its payload.

mod access;
mod payload;
mod registry;
mod webhook;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use access::{AccessBreakGlass, BreakGlassFacts, CareFacts, CareTeamChanged};
pub use payload::*;
pub use registry::{EventType, Payload, Unpublishable, consumed_by, registry};
pub use webhook::{PUBLIC, WebhookDisabled};

use crate::id::EventId;

/// A fact that one service publishes and others may rely on. Its payload only ever grows.
pub trait Event: Serialize + DeserializeOwned + Send + 'static {
    /// The CloudEvents type, which is the routing key too: `appointment.scheduled`.
    const TYPE: &'static str;
    /// The version of the payload.
    const VERSION: u32;
    /// The service that publishes it; `*` when every service does.
    const PRODUCER: &'static str;

    /// The id of the aggregate that it is about.
    fn subject(&self) -> String;

    /// The version of that aggregate after the fact, so that a projection can drop what is older.
    fn aggregate_version(&self) -> i64;
}

/// An event on its way: CloudEvents 1.0 in its JSON form, with our extension attributes in lower case, as the
/// specification asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = CloudEvent)]
pub struct Envelope {
    /// Always `1.0`.
    pub specversion: String,
    /// The id of this event: the same at every delivery.
    pub id: EventId,
    /// Who published it: `hms/appointment`.
    pub source: String,
    /// What it is: `appointment.scheduled`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The id of the aggregate.
    pub subject: String,
    /// When the fact was committed.
    pub time: DateTime<Utc>,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// The W3C trace context of the request that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The version of the payload.
    pub dataversion: u32,
    /// The version of the aggregate.
    pub aggregateversion: i64,
    /// The payload.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// Why an envelope could not be read as the event that was expected.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Another type of event.
    #[error("expected the event {expected}, found {found}")]
    Type {
        /// The type that was asked for.
        expected: &'static str,
        /// The type that came.
        found: String,
    },
    /// A payload from the future.
    #[error("{kind} has version {found}, this program knows up to {known}")]
    Newer {
        /// The type.
        kind: &'static str,
        /// The version that came.
        found: u32,
        /// The version known here.
        known: u32,
    },
    /// A payload of another shape.
    #[error("the payload does not fit")]
    Payload(#[source] serde_json::Error),
}

impl Envelope {
    /// Wraps a fact of `service`.
    pub fn of<E: Event>(
        service: &str,
        event: &E,
        id: EventId,
        time: DateTime<Utc>,
    ) -> serde_json::Result<Self> {
        Ok(Self {
            specversion: "1.0".into(),
            id,
            source: format!("hms/{service}"),
            kind: E::TYPE.into(),
            subject: event.subject(),
            time,
            datacontenttype: "application/json".into(),
            traceparent: None,
            dataversion: E::VERSION,
            aggregateversion: event.aggregate_version(),
            data: serde_json::to_value(event)?,
        })
    }

    /// Reads the payload as the event `E`.
    pub fn read<E: Event>(&self) -> Result<E, Unreadable> {
        if self.kind != E::TYPE {
            return Err(Unreadable::Type { expected: E::TYPE, found: self.kind.clone() });
        }
        if self.dataversion > E::VERSION {
            return Err(Unreadable::Newer { kind: E::TYPE, found: self.dataversion, known: E::VERSION });
        }
        E::deserialize(&self.data).map_err(Unreadable::Payload)
    }
}
