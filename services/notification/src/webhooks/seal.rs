//! The key that seals the keys of webhooks, and is not in the database.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hms_model::id::WebhookId;
use hms_settings::Settings;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

use crate::domain::webhook::{Signing, SigningKey};

/// The bytes of the key, and of those that are made for webhooks.
const KEY_BYTES: usize = 32;

/// Seals and opens the keys of webhooks.
pub struct Seal(LessSafeKey);

impl Seal {
    /// From `HMS_WEBHOOK_KEY` (32 bytes in base64) or the file `HMS_WEBHOOK_KEY_FILE`, else from the file `webhook-key` in
    /// the data folder, which is made when it is not there.
    pub fn open(settings: &Settings, data_dir: &Path) -> anyhow::Result<Self> {
        let text = match (settings.get("HMS_WEBHOOK_KEY"), settings.get("HMS_WEBHOOK_KEY_FILE")) {
            (Some(_), Some(_)) => {
                bail!("HMS_WEBHOOK_KEY and HMS_WEBHOOK_KEY_FILE are both set: one of them is enough")
            }
            (Some(text), None) => text,
            (None, Some(file)) => fs::read_to_string(&file)
                .with_context(|| format!("HMS_WEBHOOK_KEY_FILE: {file} cannot be read"))?,
            (None, None) => own_file(&data_dir.join("webhook-key"))?,
        };
        let key = STANDARD.decode(text.trim()).ok().filter(|key| key.len() == KEY_BYTES);
        let key = key.context("the key of webhooks must be 32 bytes in base64: openssl rand -base64 32")?;
        let key = UnboundKey::new(&AES_256_GCM, &key).ok().context("the key of webhooks cannot be used")?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// A new key for a webhook.
    pub fn make(signing: Signing) -> anyhow::Result<SigningKey> {
        SigningKey::of(signing, random::<KEY_BYTES>()?.to_vec()).context("a key of the wrong length")
    }

    /// Seals the key of a webhook: nonce and ciphertext in base64. Put to another webhook it cannot be opened.
    pub fn seal(&self, webhook: WebhookId, key: &SigningKey) -> anyhow::Result<String> {
        let nonce = random::<NONCE_LEN>()?;
        let mut sealed = key.bytes().to_vec();
        let bound = Aad::from(webhook.uuid().into_bytes());
        let done = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut sealed);
        done.ok().context("the key cannot be sealed")?;
        Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what [`Seal::seal`] gave; none when it was sealed for another webhook or under another key.
    pub fn open_sealed(&self, webhook: WebhookId, signing: Signing, sealed: &str) -> Option<SigningKey> {
        let mut bytes = STANDARD.decode(sealed).ok()?;
        let nonce = Nonce::try_assume_unique_for_key(bytes.get(..NONCE_LEN)?).ok()?;
        let bound = Aad::from(webhook.uuid().into_bytes());
        let key = self.0.open_in_place(nonce, bound, bytes.get_mut(NONCE_LEN..)?).ok()?;
        SigningKey::of(signing, key.to_vec())
    }
}

fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).ok().context("the machine gives no random numbers")?;
    Ok(bytes)
}

/// What the file holds; made with random bytes when there is none. It appears complete, and of several processes that do
/// this at once one makes it and all read the same.
fn own_file(file: &Path) -> anyhow::Result<String> {
    if !file.exists() {
        let draft = file.with_extension(format!("draft-{}", u64::from_le_bytes(random()?)));
        fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
        let mut written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        written.write_all(STANDARD.encode(random::<KEY_BYTES>()?).as_bytes())?;
        written.sync_all()?;
        // Unlike a rename, a link fails where there is a file of that name already.
        let linked = fs::hard_link(&draft, file);
        fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("{} cannot be written", file.display()));
            }
            _ => {}
        }
    }
    fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use chrono::DateTime;
    use hms_model::id::Id;
    use hms_testkit::Folder;

    use super::*;

    #[test]
    fn a_key_is_opened_for_its_webhook_with_the_same_key_alone() {
        let (folder, elsewhere) = (Folder::new(), Folder::new());
        let seal = Seal::open(&Settings::default(), folder.path()).unwrap();
        let same = Seal::open(&Settings::default(), folder.path()).unwrap();
        let other = Seal::open(&Settings::default(), elsewhere.path()).unwrap();
        let (one, two) = (Id::new(DateTime::UNIX_EPOCH), Id::new(DateTime::UNIX_EPOCH));
        let key = Seal::make(Signing::Shared).unwrap();
        let sealed = seal.seal(one, &key).unwrap();
        assert_ne!(sealed, seal.seal(one, &key).unwrap());
        assert_eq!(same.open_sealed(one, Signing::Shared, &sealed), Some(key));
        assert_eq!(same.open_sealed(two, Signing::Shared, &sealed), None);
        assert_eq!(other.open_sealed(one, Signing::Shared, &sealed), None);
        for broken in ["", "AAAA", "not base64", &sealed[..sealed.len() - 4]] {
            assert_eq!(same.open_sealed(one, Signing::Shared, broken), None, "{broken}");
        }
        let file = fs::metadata(folder.path().join("webhook-key")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
