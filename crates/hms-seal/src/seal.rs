//! Secrets as the database may have them.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use uuid::Uuid;

use crate::{OwnKey, random};

/// Seals secrets and opens them again (AES-256-GCM).
pub struct Seal(LessSafeKey);

impl Seal {
    /// One with this key.
    ///
    /// # Errors
    /// None in practice: the key has the length that is asked for.
    pub fn new(key: &OwnKey) -> anyhow::Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, key.expose()).ok().context("the key cannot be used")?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals a secret of `owner`: nonce and ciphertext in base64. Put to another owner it cannot be opened.
    ///
    /// # Errors
    /// The machine gives no random numbers.
    pub fn seal(&self, owner: Uuid, secret: &[u8]) -> anyhow::Result<String> {
        let nonce = random::<NONCE_LEN>()?;
        let mut sealed = secret.to_vec();
        let bound = Aad::from(owner.into_bytes());
        let done = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut sealed);
        done.ok().context("the secret cannot be sealed")?;
        Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what [`Seal::seal`] gave; none when it was sealed for another owner or under another key.
    pub fn open(&self, owner: Uuid, sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = STANDARD.decode(sealed).ok()?;
        let nonce = Nonce::try_assume_unique_for_key(bytes.get(..NONCE_LEN)?).ok()?;
        let bound = Aad::from(owner.into_bytes());
        let secret = self.0.open_in_place(nonce, bound, bytes.get_mut(NONCE_LEN..)?).ok()?;
        Some(secret.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_opened_for_its_owner_with_its_key_alone() {
        let [seal, same, other] = [1, 1, 2].map(|byte| Seal::new(&OwnKey::of([byte; 32])).unwrap());
        let (ann, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sealed = seal.seal(ann, b"secret").unwrap();
        assert_ne!(sealed, seal.seal(ann, b"secret").unwrap(), "a nonce is used once");
        assert_eq!(same.open(ann, &sealed).as_deref(), Some(b"secret".as_slice()));
        assert_eq!(same.open(ben, &sealed), None);
        assert_eq!(other.open(ann, &sealed), None);
        for broken in ["", "AAAA", "not base64", &sealed[..sealed.len() - 4]] {
            assert_eq!(same.open(ann, broken), None, "{broken}");
        }
    }
}
