//! Browsers and devices that have asked for messages, as clients see them; never the whole of where messages go, since who
//! knows that can send there.

pub mod create;
pub mod delete;
pub mod list;

use chrono::{DateTime, Utc};
use hms_model::coded_enum;
use hms_model::id::{PatientId, PushSubscriptionId};
use serde::Serialize;
use url::Url;
use utoipa::ToSchema;

use crate::domain::{PushTarget, Subscription};

/// The name of a subscription as a resource.
pub const SUBSCRIPTION: &str = "push_subscription";

coded_enum! {
    /// What a subscription is of.
    pub enum DeviceKind {
        /// A browser (Web Push, RFC 8030).
        Web = "web",
        /// An app (Firebase Cloud Messaging).
        Fcm = "fcm",
    }
}

/// A browser or a device that has asked for the messages of a patient.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PushSubscription {
    /// Its id.
    id: PushSubscriptionId,
    /// Whose messages it gets.
    patient_id: PatientId,
    /// What it is of.
    kind: DeviceKind,
    /// The server that carries the messages of a browser.
    #[schema(examples("fcm.googleapis.com"))]
    server: Option<String>,
    /// Since when.
    created_at: DateTime<Utc>,
}

impl From<Subscription> for PushSubscription {
    fn from(subscription: Subscription) -> Self {
        let (kind, server) = match &subscription.target {
            PushTarget::Web { endpoint, .. } => {
                let url = Url::parse(endpoint.expose()).ok();
                (DeviceKind::Web, url.and_then(|url| url.host_str().map(str::to_owned)))
            }
            PushTarget::Fcm { .. } => (DeviceKind::Fcm, None),
        };
        Self {
            id: subscription.id,
            patient_id: subscription.patient_id,
            kind,
            server,
            created_at: subscription.created_at,
        }
    }
}
