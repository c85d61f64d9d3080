//! Deliveries as clients see them.

pub mod get;
pub mod list;
pub mod redeliver;

use chrono::{DateTime, Utc};
use hms_model::id::{EventId, WebhookDeliveryId, WebhookId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::webhook::{Delivery, DeliveryStatus};

/// An event on its way to a webhook, without what it says.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeliverySummary {
    /// Its id.
    pub id: WebhookDeliveryId,
    /// Where it goes.
    pub webhook_id: WebhookId,
    /// The event: the `webhook-id` of each attempt.
    pub event_id: EventId,
    /// The type of the event.
    #[schema(examples("patient.created"))]
    pub event_type: String,
    /// What has become of it.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: i64,
    /// While it is pending: when it is tried next, at the earliest.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// The status of the last answer.
    pub last_status: Option<i64>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// When the event came.
    pub created_at: DateTime<Utc>,
    /// When it was delivered or given up.
    pub ended_at: Option<DateTime<Utc>>,
}

impl From<Delivery> for DeliverySummary {
    fn from(delivery: Delivery) -> Self {
        let pending = delivery.status == DeliveryStatus::Pending;
        Self {
            id: delivery.id,
            webhook_id: delivery.webhook_id,
            event_id: delivery.event_id,
            event_type: delivery.event_type,
            status: delivery.status,
            attempts: delivery.attempts,
            next_attempt_at: pending.then_some(delivery.due_at),
            last_status: delivery.last_status,
            error: delivery.error,
            created_at: delivery.created_at,
            ended_at: delivery.ended_at,
        }
    }
}
