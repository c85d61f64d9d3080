//! The key of this service that is not in its database: it seals the secrets of authenticator apps, and marks the
//! devices that are known.

use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hms_model::Secret;
use hms_model::id::{AccountId, Id};
use hms_seal::{OwnKey, Seal};
use hms_settings::Settings;
use ring::hmac;

/// For how long a device is known after the last sign-in from it.
const DEVICE_KNOWN: TimeDelta = TimeDelta::days(365);

/// A device that somebody signed in from.
pub enum Device {}
/// The id of a device.
pub type DeviceId = Id<Device>;

/// The keys that follow from the one key.
pub struct Keyring {
    seal: Seal,
    devices: hmac::Key,
}

impl Keyring {
    /// From `HMS_AUTH_KEY` (32 bytes in base64) or the file `HMS_AUTH_KEY_FILE`, else from the file `auth-key` in the
    /// data folder, which is made when it is not there.
    pub fn open(settings: &Settings, data_dir: &Path) -> anyhow::Result<Self> {
        Self::of(&OwnKey::open(settings, "HMS_AUTH_KEY", &data_dir.join("auth-key"))?)
            .context("the key of the auth service cannot be used")
    }

    fn of(key: &OwnKey) -> anyhow::Result<Self> {
        let devices = key.for_use("hms auth: devices")?;
        Ok(Self {
            seal: Seal::new(&key.for_use("hms auth: seal")?)?,
            devices: hmac::Key::new(hmac::HMAC_SHA256, devices.expose()),
        })
    }

    /// Seals a secret of an account. Put to another account it cannot be opened.
    pub fn seal(&self, account: AccountId, secret: &[u8]) -> anyhow::Result<String> {
        self.seal.seal(account.uuid(), secret)
    }

    /// Opens what [`Keyring::seal`] gave; none when it was sealed for another account or under another key.
    pub fn open_sealed(&self, account: AccountId, sealed: &str) -> Option<Vec<u8>> {
        self.seal.open(account.uuid(), sealed)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::days(days)
    }

    #[test]
    fn a_device_is_known_to_its_account_for_a_year() {
        let (ring, other) =
            (Keyring::of(&OwnKey::of([1; 32])).unwrap(), Keyring::of(&OwnKey::of([2; 32])).unwrap());
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

    /// What was sealed by earlier versions must open for ever: this was, with this key and for this account.
    #[test]
    fn what_is_sealed_is_opened_by_every_version() {
        let ring = Keyring::of(&OwnKey::of([7; 32])).unwrap();
        let ann = Id::from_uuid(uuid::Uuid::from_u128(7));
        let sealed = "AAECAwQFBgcICQoLTWAbDQffrKMZgTlkH78Ylno88VgQ1w==";
        assert_eq!(ring.open_sealed(ann, sealed).as_deref(), Some(b"secret".as_slice()));
        let (ben, other) =
            (Id::from_uuid(uuid::Uuid::from_u128(8)), Keyring::of(&OwnKey::of([8; 32])).unwrap());
        assert_eq!(ring.open_sealed(ben, sealed), None);
        assert_eq!(other.open_sealed(ann, sealed), None);
    }
}
