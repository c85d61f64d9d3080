//! What goes out to webhooks: which events may, and what is told of a webhook itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Event;
use crate::id::{AccountId, WebhookId};

/// The types that a webhook may receive. Every other event stays inside: some carry secrets that work once, some tell how
/// the deployment is run. Notification consumes all of these.
pub const PUBLIC: &[&str] = &[
    "appointment.arrived",
    "appointment.cancelled",
    "appointment.fulfilled",
    "appointment.noshow",
    "appointment.rescheduled",
    "appointment.scheduled",
    "billing.invoice.issued",
    "billing.invoice.paid",
    "billing.invoice.voided",
    "billing.payment.captured",
    "billing.payment.refunded",
    "department.created",
    "department.updated",
    "patient.created",
    "patient.updated",
    "practitioner.created",
    "practitioner.updated",
];

/// A webhook was switched off, since its receiver is gone or has failed for too long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WebhookDisabled {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Its version.
    pub version: i64,
    /// Who made it.
    pub account_id: AccountId,
    /// Why: `gone` (it answered 410) or `failing` (nothing arrived for 5 days).
    pub reason: String,
}

impl Event for WebhookDisabled {
    const TYPE: &'static str = "webhook.disabled";
    const VERSION: u32 = 1;
    const PRODUCER: &'static str = "notification";
    fn subject(&self) -> String {
        self.webhook_id.to_string()
    }
    fn aggregate_version(&self) -> i64 {
        self.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventType;

    #[test]
    fn what_is_public_is_in_the_registry_and_consumed_where_webhooks_are() {
        for kind in PUBLIC {
            let event = EventType::find(kind).unwrap_or_else(|| panic!("{kind} is no event"));
            assert!(event.consumers.contains(&"notification"), "{kind}");
        }
        assert!(PUBLIC.is_sorted());
    }

    #[test]
    fn what_carries_a_secret_or_tells_of_accounts_and_the_audit_is_not_public() {
        for inside in ["account.", "session.", "audit.", "message.", "webhook."] {
            assert!(PUBLIC.iter().all(|kind| !kind.starts_with(inside)), "{inside}");
        }
    }
}
