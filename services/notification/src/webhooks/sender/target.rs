//! Where deliveries to a webhook go, and what they are signed with.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::webhook::{Delivery, Hook, SigningKey};
use crate::traces::Traces;
use crate::webhooks::Seal;

/// A delivery that was taken up.
pub struct Ready {
    pub delivery: Delivery,
    pub to: Arc<Target>,
    pub traces: Arc<Traces>,
}

/// A webhook as it was when its deliveries were taken up, with its keys open.
pub struct Target {
    pub url: String,
    /// None when it cannot be opened.
    key: Option<SigningKey>,
    previous: Option<(SigningKey, DateTime<Utc>)>,
}

impl Target {
    /// Opens the keys.
    pub fn open(seal: &Seal, hook: Hook) -> Self {
        let open = |sealed: &str| seal.open_sealed(hook.id, hook.signing, sealed);
        let key = open(&hook.sealed);
        if key.is_none() {
            tracing::error!(webhook = %hook.id, "its key cannot be opened: it was sealed with another HMS_WEBHOOK_KEY");
        }
        let previous = hook.previous.as_ref().and_then(|(sealed, until)| Some((open(sealed)?, *until)));
        Self { key, previous, url: hook.url }
    }

    /// The keys that sign now: the one of the webhook, and the one before while that is still good.
    pub fn keys(&self, now: DateTime<Utc>) -> Vec<&SigningKey> {
        let Some(key) = &self.key else { return Vec::new() };
        let previous = self.previous.as_ref().filter(|(_, until)| now < *until).map(|(previous, _)| previous);
        std::iter::once(key).chain(previous).collect()
    }
}
