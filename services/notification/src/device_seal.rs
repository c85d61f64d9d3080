//! Where push messages go is sealed before the database gets it: whoever knows it can send there.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hms_db::{Db, Error};
use hms_model::Secret;
use hms_model::id::PushSubscriptionId;
use hms_service::{Context, Stop};
use hms_settings::Settings;
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::domain::PushTarget;
use crate::store::push_subscriptions;
use crate::webhooks::own_key;

/// Rows of one transaction, so that nobody waits for it for long.
const AT_ONCE: i64 = 100;

/// Seals and opens where push messages go.
pub struct DeviceSeal {
    seal: hms_seal::Seal,
    addresses: hmac::Key,
}

/// A target as it is sealed.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Web { endpoint: String, p256dh: String, auth: String },
    Fcm { token: String },
}

impl DeviceSeal {
    /// With keys that follow from the one of the service.
    pub fn open(settings: &Settings, data_dir: &Path) -> anyhow::Result<Self> {
        let key = own_key(settings, data_dir)?;
        let addresses = key.for_use("addresses of push subscriptions")?;
        Ok(Self {
            seal: hms_seal::Seal::new(&key.for_use("push subscriptions")?)?,
            addresses: hmac::Key::new(hmac::HMAC_SHA256, addresses.expose()),
        })
    }

    /// Seals a target. Put to another subscription it cannot be opened.
    pub fn seal(&self, id: PushSubscriptionId, target: &PushTarget) -> anyhow::Result<String> {
        let text = |secret: &Secret| secret.expose().to_owned();
        let kept = match target {
            PushTarget::Web { endpoint, p256dh, auth } => {
                Kept::Web { endpoint: text(endpoint), p256dh: p256dh.clone(), auth: text(auth) }
            }
            PushTarget::Fcm { token } => Kept::Fcm { token: text(token) },
        };
        self.seal.seal(id.uuid(), &serde_json::to_vec(&kept).context("a target is no JSON")?)
    }

    /// Opens what [`DeviceSeal::seal`] gave; none when it was sealed for another subscription or under another key.
    pub fn open_sealed(&self, id: PushSubscriptionId, sealed: &str) -> Option<PushTarget> {
        let kept = serde_json::from_slice(&self.seal.open(id.uuid(), sealed)?).ok()?;
        Some(match kept {
            Kept::Web { endpoint, p256dh, auth } => {
                PushTarget::Web { endpoint: Secret::new(endpoint), p256dh, auth: Secret::new(auth) }
            }
            Kept::Fcm { token } => PushTarget::Fcm { token: Secret::new(token) },
        })
    }

    /// By what a target is found again: the same for the same address, and of no use to whoever has not the key.
    pub fn fingerprint(&self, target: &PushTarget) -> String {
        STANDARD.encode(hmac::sign(&self.addresses, target.address().expose().as_bytes()))
    }
}

/// Seals what a former version of the service has written in the clear, beside the requests. When it fails, the next start
/// goes on.
pub async fn run(context: Context, seal: Arc<DeviceSeal>, stop: Stop) {
    let mut all = 0;
    while !stop.is_told() {
        let seal = Arc::clone(&seal);
        let some = move |db: &mut Db| push_subscriptions::seal_some(db, &seal, AT_ONCE);
        match context.database.write::<usize, Error>(some).await {
            Ok(0) => break,
            Ok(rows) => all += rows,
            Err(error) => {
                tracing::error!(%error, "push subscriptions cannot be sealed; the next start tries again");
                return;
            }
        }
    }
    if all > 0 {
        tracing::info!(rows = all, "push subscriptions are sealed");
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use hms_model::id::Id;
    use hms_testkit::Folder;

    use super::*;

    #[test]
    fn a_target_is_opened_for_its_subscription_with_the_same_key_alone() {
        let (folder, elsewhere) = (Folder::new(), Folder::new());
        let [seal, same, other] = [&folder, &folder, &elsewhere]
            .map(|folder| DeviceSeal::open(&Settings::default(), folder.path()).unwrap());
        let (one, two) = (Id::new(DateTime::UNIX_EPOCH), Id::new(DateTime::UNIX_EPOCH));
        let browser = PushTarget::Web {
            endpoint: Secret::new("https://push.example.org/s3cret"),
            p256dh: "key".into(),
            auth: Secret::new("auth"),
        };
        for target in [browser, PushTarget::Fcm { token: Secret::new("t0ken") }] {
            let sealed = seal.seal(one, &target).unwrap();
            assert_eq!(same.open_sealed(one, &sealed).as_ref(), Some(&target));
            assert_eq!(same.open_sealed(two, &sealed), None);
            assert_eq!(other.open_sealed(one, &sealed), None);
            assert_eq!(seal.fingerprint(&target), same.fingerprint(&target));
            assert_ne!(seal.fingerprint(&target), other.fingerprint(&target));
        }
    }
}
