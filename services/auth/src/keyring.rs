//! The key of this service that is not in its database: it seals the secrets of authenticator apps, and marks the
//! devices that are known.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use hms_model::Secret;
use hms_model::id::{AccountId, Id};
use hms_settings::Settings;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::first_admin::write_once;

/// The bytes of the key.
const KEY_BYTES: usize = 32;
/// For how long a device is known after the last sign-in from it.
const DEVICE_KNOWN: TimeDelta = TimeDelta::days(365);

/// A device that somebody signed in from.
pub enum Device {}
/// The id of a device.
pub type DeviceId = Id<Device>;

/// The keys that follow from the one key.
pub struct Keyring {
    seal: LessSafeKey,
    devices: hmac::Key,
}

impl Keyring {
    /// From `HMS_AUTH_KEY` (32 bytes in base64) or the file `HMS_AUTH_KEY_FILE`, else from the file `auth-key` in the
    /// data folder, which is made when it is not there.
    pub fn open(settings: &Settings, data_dir: &Path) -> anyhow::Result<Self> {
        let text = match (settings.get("HMS_AUTH_KEY"), settings.get("HMS_AUTH_KEY_FILE")) {
            (Some(_), Some(_)) => {
                bail!("HMS_AUTH_KEY and HMS_AUTH_KEY_FILE are both set: one of them is enough")
            }
            (Some(text), None) => text,
            (None, Some(file)) => fs::read_to_string(&file)
                .with_context(|| format!("HMS_AUTH_KEY_FILE: {file} cannot be read"))?,
            (None, None) => own_file(&data_dir.join("auth-key"))?,
        };
        let key = STANDARD.decode(text.trim()).ok().filter(|key| key.len() == KEY_BYTES);
        Self::of(
            &key.context("the key of the auth service must be 32 bytes in base64: openssl rand -base64 32")?,
        )
    }

    fn of(key: &[u8]) -> anyhow::Result<Self> {
        let seal: [u8; KEY_BYTES] = derived(key, b"hms auth: seal")?;
        let devices: [u8; KEY_BYTES] = derived(key, b"hms auth: devices")?;
        let seal = UnboundKey::new(&AES_256_GCM, &seal).ok().context("the key cannot be used")?;
        Ok(Self { seal: LessSafeKey::new(seal), devices: hmac::Key::new(hmac::HMAC_SHA256, &devices) })
    }

    /// Seals a secret of an account: nonce and ciphertext in base64. Put to another account it cannot be opened.
    pub fn seal(&self, account: AccountId, secret: &[u8]) -> anyhow::Result<String> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok().context("the machine gives no random numbers")?;
        let mut sealed = secret.to_vec();
        let bound = Aad::from(account.uuid().into_bytes());
        let key = self.seal.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut sealed);
        key.ok().context("the secret cannot be sealed")?;
        Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what [`Keyring::seal`] gave; none when it was sealed for another account or under another key.
    pub fn open_sealed(&self, account: AccountId, sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = STANDARD.decode(sealed).ok()?;
        let nonce = Nonce::try_assume_unique_for_key(bytes.get(..NONCE_LEN)?).ok()?;
        let bound = Aad::from(account.uuid().into_bytes());
        let secret = self.seal.open_in_place(nonce, bound, bytes.get_mut(NONCE_LEN..)?).ok()?;
        Some(secret.to_vec())
    }

    /// The token by which a device is known again at the next sign-in to this account.
    pub fn device_token(&self, account: AccountId, device: DeviceId, now: DateTime<Utc>) -> Secret {
        let seen = now.timestamp().to_be_bytes();
        let mark = hmac::sign(&self.devices, &marked(account, device, seen));
        let token = [device.uuid().as_bytes().as_slice(), &seen, mark.as_ref()].concat();
        Secret::new(URL_SAFE_NO_PAD.encode(token))
    }

    /// Which device this is, if the account was signed in to from it within a year.
    pub fn known_device(&self, account: AccountId, token: &Secret, now: DateTime<Utc>) -> Option<DeviceId> {
        let bytes = URL_SAFE_NO_PAD.decode(token.expose()).ok()?;
        let (device, rest) = bytes.split_first_chunk::<16>()?;
        let (seen, mark) = rest.split_first_chunk::<8>()?;
        let device = DeviceId::from_uuid(uuid::Uuid::from_bytes(*device));
        hmac::verify(&self.devices, &marked(account, device, *seen), mark).ok()?;
        let seen = DateTime::from_timestamp(i64::from_be_bytes(*seen), 0)?;
        (now < seen + DEVICE_KNOWN).then_some(device)
    }
}

fn marked(account: AccountId, device: DeviceId, seen: [u8; 8]) -> Vec<u8> {
    [account.uuid().as_bytes().as_slice(), device.uuid().as_bytes(), &seen].concat()
}

/// A key for one use (RFC 5869).
fn derived(key: &[u8], what_for: &[u8]) -> anyhow::Result<[u8; KEY_BYTES]> {
    let mut derived = [0; KEY_BYTES];
    let info = [what_for];
    let secret = Salt::new(HKDF_SHA256, &[]).extract(key);
    let filled = secret.expand(&info, HKDF_SHA256).and_then(|okm| okm.fill(&mut derived));
    filled.ok().context("the key cannot be used")?;
    Ok(derived)
}

/// What the file holds; made with 32 random bytes when there is none. Of several processes that do this at once one
/// makes it, and all read the same.
fn own_file(file: &Path) -> anyhow::Result<String> {
    if !file.exists() {
        let mut key = [0; KEY_BYTES];
        SystemRandom::new().fill(&mut key).ok().context("the machine gives no random numbers")?;
        match write_once(file, &Secret::new(STANDARD.encode(key))) {
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
    use hms_testkit::Folder;

    use super::*;

    fn at(days: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::days(days)
    }

    #[test]
    fn a_secret_is_opened_for_its_account_with_its_key_alone() {
        let (ring, other) = (Keyring::of(&[1; 32]).unwrap(), Keyring::of(&[2; 32]).unwrap());
        let (ann, ben) = (Id::new(at(0)), Id::new(at(0)));
        let sealed = ring.seal(ann, b"secret").unwrap();
        assert_ne!(sealed, ring.seal(ann, b"secret").unwrap());
        assert_eq!(ring.open_sealed(ann, &sealed).as_deref(), Some(b"secret".as_slice()));
        assert_eq!(ring.open_sealed(ben, &sealed), None);
        assert_eq!(other.open_sealed(ann, &sealed), None);
        for broken in ["", "AAAA", "not base64", &sealed[..sealed.len() - 4]] {
            assert_eq!(ring.open_sealed(ann, broken), None, "{broken}");
        }
    }

    #[test]
    fn a_device_is_known_to_its_account_for_a_year() {
        let (ring, other) = (Keyring::of(&[1; 32]).unwrap(), Keyring::of(&[2; 32]).unwrap());
        let (ann, ben, device) = (Id::new(at(0)), Id::new(at(0)), Id::new(at(0)));
        let token = ring.device_token(ann, device, at(0));
        assert_eq!(ring.known_device(ann, &token, at(364)), Some(device));
        assert_eq!(ring.known_device(ann, &token, at(365)), None);
        assert_eq!(ring.known_device(ben, &token, at(0)), None);
        assert_eq!(other.known_device(ann, &token, at(0)), None);
        for forged in ["", "AAAA", "!", &"A".repeat(75)] {
            assert_eq!(ring.known_device(ann, &Secret::new(forged), at(0)), None, "{forged}");
        }
    }

    #[test]
    fn the_key_is_made_once_and_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::new();
        let settings = Settings::default();
        let (one, two) = (
            Keyring::open(&settings, folder.path()).unwrap(),
            Keyring::open(&settings, folder.path()).unwrap(),
        );
        let ann = Id::new(at(0));
        let sealed = one.seal(ann, b"secret").unwrap();
        assert!(two.open_sealed(ann, &sealed).is_some());
        let mode = fs::metadata(folder.path().join("auth-key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        for wrong in ["short", &STANDARD.encode([1; 31])] {
            let settings = Settings::from_pairs([("HMS_AUTH_KEY", wrong)]);
            let error = Keyring::open(&settings, folder.path()).err().unwrap();
            assert!(error.to_string().contains("32 bytes"), "{error}");
        }
    }
}
