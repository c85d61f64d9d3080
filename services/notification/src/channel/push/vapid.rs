//! By what push services know who sends (RFC 8292).

use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hms_seal::OwnKey;
use hms_settings::Settings;
use p256::SecretKey;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;
use url::Url;

use super::encryption::uncompressed;
use super::jws;

/// For how long a token is good: a day at the most.
const GOOD: TimeDelta = TimeDelta::hours(12);

/// The key of this deployment. Browsers bind their subscriptions to it.
pub struct VapidKey {
    pair: EcdsaKeyPair,
    public: String,
}

impl VapidKey {
    /// From `HMS_VAPID_KEY` (a private key of P-256, 32 bytes in base64 or base64url) or the file `HMS_VAPID_KEY_FILE`,
    /// else from the file `vapid-key` in the data folder, which is made when it is not there.
    pub fn open(settings: &Settings, data_dir: &Path) -> anyhow::Result<Self> {
        Self::of(&OwnKey::open(settings, "HMS_VAPID_KEY", &data_dir.join("vapid-key"))?)
    }

    fn of(key: &OwnKey) -> anyhow::Result<Self> {
        let secret =
            SecretKey::from_slice(key.expose()).ok().context("HMS_VAPID_KEY is no private key of P-256")?;
        let public = uncompressed(&secret.public_key());
        let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let pair = EcdsaKeyPair::from_private_key_and_public_key(kind, key.expose(), &public, &random);
        Ok(Self {
            pair: pair.ok().context("HMS_VAPID_KEY cannot be used")?,
            public: URL_SAFE_NO_PAD.encode(public),
        })
    }

    /// The public half, as `applicationServerKey` of a browser takes it: uncompressed, in base64url.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// What goes into `Authorization` for a message to this endpoint.
    pub fn authorization(&self, endpoint: &Url, contact: &str, now: DateTime<Utc>) -> Option<String> {
        let audience = endpoint.origin().ascii_serialization();
        let header = json!({ "alg": "ES256", "typ": "JWT" });
        let claims = json!({ "aud": audience, "exp": (now + GOOD).timestamp(), "sub": contact });
        let sign = |text: &[u8]| Some(self.pair.sign(&SystemRandom::new(), text).ok()?.as_ref().to_vec());
        Some(format!("vapid t={}, k={}", jws::signed(&header, &claims, sign)?, self.public))
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_token_says_for_whom_until_when_and_whom_to_turn_to() {
        let key = VapidKey::of(&OwnKey::of([7; 32])).unwrap();
        let endpoint = Url::parse("https://push.example:8443/send/abc?x=1").unwrap();
        let authorization =
            key.authorization(&endpoint, "mailto:it@clinic.example", DateTime::UNIX_EPOCH).unwrap();
        let (token, public) = authorization.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(public, key.public());
        let [text, signature] =
            <[&str; 2]>::try_from(token.rsplitn(2, '.').collect::<Vec<_>>()).map(|[s, t]| [t, s]).unwrap();
        let public =
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, URL_SAFE_NO_PAD.decode(public).unwrap());
        public.verify(text.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(text.split_once('.').unwrap().1).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let expected =
            json!({ "aud": "https://push.example:8443", "exp": 43_200, "sub": "mailto:it@clinic.example" });
        assert_eq!(claims, expected);
    }

    #[test]
    fn not_every_number_is_a_key() {
        assert!(VapidKey::of(&OwnKey::of([0xff; 32])).is_err(), "larger than the order of the curve");
        assert!(VapidKey::of(&OwnKey::of([0; 32])).is_err());
    }
}
