//! What deliveries are signed with: a shared secret (HMAC-SHA256) or a key pair (Ed25519), by Standard Webhooks 1.0.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hms_model::{Secret, coded_enum};
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// The bytes of a shared secret.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// The bytes of an Ed25519 seed.
const SEED: usize = 32;

coded_enum! {
    /// How the deliveries of a webhook are signed.
    pub enum Signing {
        /// HMAC-SHA256 with a shared secret.
        Shared = "v1",
        /// Ed25519: the receiver needs the public key only.
        KeyPair = "v1a",
    }
}

/// Why a secret is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// Too short or too long.
    #[error("must be whsec_ and 24 to 64 bytes in base64, or 24 to 64 characters")]
    Length,
    /// A key pair is always made here.
    #[error("cannot be given for v1a: the key pair is made here, and its public key is shown")]
    KeyPair,
}

/// The key of a webhook. Debug never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    signing: Signing,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({}, …)", self.signing)
    }
}

impl SigningKey {
    /// From a secret that a client chose: `whsec_` and base64, or a plain text whose bytes are the key.
    pub fn chosen(signing: Signing, secret: &Secret) -> Result<Self, InvalidSecret> {
        if signing == Signing::KeyPair {
            return Err(InvalidSecret::KeyPair);
        }
        let text = secret.expose();
        let bytes = match text.strip_prefix("whsec_") {
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| InvalidSecret::Length)?,
            None => text.as_bytes().to_vec(),
        };
        Self::of(signing, bytes).ok_or(InvalidSecret::Length)
    }

    /// From the bytes that it is kept as; none when they cannot be a key.
    pub fn of(signing: Signing, bytes: Vec<u8>) -> Option<Self> {
        let fits = match signing {
            Signing::Shared => BYTES.contains(&bytes.len()),
            Signing::KeyPair => bytes.len() == SEED,
        };
        fits.then_some(Self { signing, bytes })
    }

    /// The bytes, to be sealed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The secret as the receiver needs it; none where it needs the public key only.
    pub fn shown(&self) -> Option<String> {
        (self.signing == Signing::Shared).then(|| format!("whsec_{}", STANDARD.encode(&self.bytes)))
    }

    /// The public key as the receiver needs it; none where there is none.
    pub fn public_key(&self) -> Option<String> {
        let pair = self.pair()?;
        Some(format!("whpk_{}", STANDARD.encode(pair.public_key().as_ref())))
    }

    /// One entry of `webhook-signature`.
    pub fn sign(&self, id: &str, at: DateTime<Utc>, payload: &str) -> String {
        let signed = format!("{id}.{}.{payload}", at.timestamp());
        let signature = match self.pair() {
            Some(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
            None => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, &self.bytes);
                hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
        };
        format!("{},{}", self.signing, STANDARD.encode(signature))
    }

    fn pair(&self) -> Option<Ed25519KeyPair> {
        (self.signing == Signing::KeyPair)
            .then(|| Ed25519KeyPair::from_seed_unchecked(&self.bytes).ok())
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(1_614_265_330, 0).unwrap()
    }

    #[test]
    fn the_example_of_the_specification_has_its_signature() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let key = SigningKey::chosen(Signing::Shared, &secret).unwrap();
        assert_eq!(
            key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at(), r#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        assert_eq!(key.shown().as_deref(), Some(secret.expose()));
        assert_eq!(key.public_key(), None);
    }

    #[test]
    fn secrets_have_24_to_64_bytes() {
        let encoded = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        let cases = [
            (encoded(24), true),
            (encoded(64), true),
            (encoded(23), false),
            (encoded(65), false),
            ("a".repeat(24), true),
            ("a".repeat(64), true),
            ("a".repeat(23), false),
            ("a".repeat(65), false),
            (String::new(), false),
            (format!("whsec_{}", "!".repeat(40)), false),
        ];
        for (text, taken) in cases {
            let key = SigningKey::chosen(Signing::Shared, &Secret::new(text.clone()));
            assert_eq!(key.is_ok(), taken, "{text}");
        }
        let own = SigningKey::chosen(Signing::KeyPair, &Secret::new("a".repeat(32)));
        assert_eq!(own.unwrap_err(), InvalidSecret::KeyPair);
    }

    #[test]
    fn a_key_pair_signs_what_its_public_key_verifies() {
        let key = SigningKey::of(Signing::KeyPair, vec![3; SEED]).unwrap();
        let public = STANDARD.decode(key.public_key().unwrap().strip_prefix("whpk_").unwrap()).unwrap();
        let signature = key.sign("id", at(), "{}");
        let signature = STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap();
        let public = UnparsedPublicKey::new(&ED25519, public);
        assert!(public.verify(b"id.1614265330.{}", &signature).is_ok());
        assert!(public.verify(b"id.1614265331.{}", &signature).is_err());
        assert_eq!(key.shown(), None);
        assert_eq!(format!("{key:?}"), "SigningKey(v1a, …)");
    }
}
