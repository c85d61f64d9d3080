//! The key that seals the keys of webhooks, and is not in the database.

use std::path::Path;

use anyhow::Context as _;
use hms_model::id::WebhookId;
use hms_seal::{KEY_BYTES, OwnKey};
use hms_settings::Settings;

use crate::domain::webhook::{Signing, SigningKey};

/// The key of the service, which all replicas share: from `HMS_WEBHOOK_KEY` (32 bytes in base64) or the file
/// `HMS_WEBHOOK_KEY_FILE`, else from the file `webhook-key` in the data folder, which is made when it is not there.
pub fn own_key(settings: &Settings, data_dir: &Path) -> anyhow::Result<OwnKey> {
    OwnKey::open(settings, "HMS_WEBHOOK_KEY", &data_dir.join("webhook-key"))
}

/// Seals and opens the keys of webhooks.
pub struct Seal(hms_seal::Seal);

impl Seal {
    /// With the key of the service.
    pub fn open(settings: &Settings, data_dir: &Path) -> anyhow::Result<Self> {
        Ok(Self(hms_seal::Seal::new(&own_key(settings, data_dir)?)?))
    }

    /// A new key for a webhook.
    pub fn make(signing: Signing) -> anyhow::Result<SigningKey> {
        let key = hms_seal::random::<KEY_BYTES>()?.to_vec();
        SigningKey::of(signing, key).context("a key of the wrong length")
    }

    /// Seals the key of a webhook. Put to another webhook it cannot be opened.
    pub fn seal(&self, webhook: WebhookId, key: &SigningKey) -> anyhow::Result<String> {
        self.0.seal(webhook.uuid(), key.bytes())
    }

    /// Opens what [`Seal::seal`] gave; none when it was sealed for another webhook or under another key.
    pub fn open_sealed(&self, webhook: WebhookId, signing: Signing, sealed: &str) -> Option<SigningKey> {
        SigningKey::of(signing, self.0.open(webhook.uuid(), sealed)?)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use hms_model::id::Id;
    use hms_testkit::Folder;

    use super::*;

    #[test]
    fn a_key_is_opened_for_its_webhook_with_the_same_key_alone() {
        let (folder, elsewhere) = (Folder::new(), Folder::new());
        let [seal, same, other] = [&folder, &folder, &elsewhere]
            .map(|folder| Seal::open(&Settings::default(), folder.path()).unwrap());
        let (one, two) = (Id::new(DateTime::UNIX_EPOCH), Id::new(DateTime::UNIX_EPOCH));
        let key = Seal::make(Signing::Shared).unwrap();
        let sealed = seal.seal(one, &key).unwrap();
        assert_eq!(same.open_sealed(one, Signing::Shared, &sealed), Some(key));
        assert_eq!(same.open_sealed(two, Signing::Shared, &sealed), None);
        assert_eq!(other.open_sealed(one, Signing::Shared, &sealed), None);
        assert!(folder.path().join("webhook-key").exists());
    }
}
