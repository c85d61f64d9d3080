//! A browser or a device that has asked for the messages of a patient.

use chrono::{DateTime, Utc};
use hms_model::id::{AccountId, PatientId, PushSubscriptionId};

use super::PushTarget;

/// The most that one patient can have.
pub const MOST_SUBSCRIPTIONS: i64 = 20;

/// A browser or a device that has asked for the messages of a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: PushSubscriptionId,
    /// Whose messages.
    pub patient_id: PatientId,
    /// Who asked.
    pub account_id: AccountId,
    /// Where they go.
    pub target: PushTarget,
    /// Since when.
    pub created_at: DateTime<Utc>,
}
