//! Keys of checkpoints.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::Deserialize;

use super::{Hash, SignedCheckpoint, Statement};

/// The length of an Ed25519 public key (RFC 8032).
const LENGTH: usize = 32;
/// What comes before the key in its X.509 form (RFC 8410): a sequence, the algorithm, a bit string.
const X509: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A key that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is not a private key in PKCS #8 (RFC 8410).
    #[error("is no Ed25519 key in PKCS #8")]
    Private,
    /// It is not a public key.
    #[error(
        "is no Ed25519 public key: 32 bytes in base64, a PEM file, or what GET /api/v1/audit/keys answers"
    )]
    Public,
}

/// A public key of checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: String,
    bytes: Vec<u8>,
}

/// The key that signs checkpoints.
pub struct Signer {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl PublicKey {
    /// A key of these 32 bytes, alone or in their X.509 form.
    pub fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes = bytes.strip_prefix(&X509).unwrap_or(bytes).to_vec();
        if bytes.len() != LENGTH {
            return Err(KeyError::Public);
        }
        let id = Hash::of(&[&bytes]).as_str().chars().take(LENGTH).collect();
        Ok(Self { id, bytes })
    }

    /// A key in base64.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        Self::new(&STANDARD.decode(text.trim()).map_err(|_| KeyError::Public)?)
    }

    /// Its id: the first 32 hexadecimal digits of its SHA-256.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its 32 bytes in base64.
    pub fn base64(&self) -> String {
        STANDARD.encode(&self.bytes)
    }

    /// Whether it is the key of this signature.
    pub fn verifies(&self, checkpoint: &SignedCheckpoint) -> bool {
        let Ok(signature) = STANDARD.decode(&checkpoint.signature) else { return false };
        UnparsedPublicKey::new(&ED25519, &self.bytes)
            .verify(checkpoint.statement.as_bytes(), &signature)
            .is_ok()
    }
}

/// The public keys in a text: base64, PEM, or the answer of `GET /api/v1/audit/keys`.
pub fn public_keys(text: &str) -> Result<Vec<PublicKey>, KeyError> {
    #[derive(Deserialize)]
    struct Keys {
        keys: Vec<Key>,
    }
    #[derive(Deserialize)]
    struct Key {
        public_key: String,
    }
    if let Ok(answer) = serde_json::from_str::<Keys>(text) {
        return answer.keys.iter().map(|key| PublicKey::from_base64(&key.public_key)).collect();
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
    Ok(vec![PublicKey::from_base64(&lines.collect::<String>())?])
}

impl Signer {
    /// The key of this PKCS #8 document.
    pub fn new(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Private)?;
        let public = PublicKey::new(pair.public_key().as_ref())?;
        Ok(Self { pair, public })
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.public.id()
    }

    /// Signs a statement.
    pub fn sign(&self, statement: &Statement) -> serde_json::Result<SignedCheckpoint> {
        let statement = statement.text()?;
        let signature = STANDARD.encode(self.pair.sign(statement.as_bytes()));
        Ok(SignedCheckpoint { statement, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, 7.1, test 1: the public key, and the signature of the empty text.
    const KEY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    const EMPTY: &str =
        "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw==";

    #[test]
    fn a_signature_of_the_standard_verifies_and_no_other() {
        let key = PublicKey::from_base64(KEY).unwrap();
        let signed = |statement: &str, signature: &str| SignedCheckpoint {
            statement: statement.to_owned(),
            signature: signature.to_owned(),
        };
        assert!(key.verifies(&signed("", EMPTY)));
        assert!(!key.verifies(&signed(" ", EMPTY)));
        assert!(!key.verifies(&signed("", "AAAA")));
        assert!(!key.verifies(&signed("", "?")));
    }

    #[test]
    fn a_key_is_read_in_each_form_it_is_handed_on_in() {
        let key = PublicKey::from_base64(KEY).unwrap();
        let x509 = STANDARD.encode([X509.as_slice(), &key.bytes].concat());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{x509}\n-----END PUBLIC KEY-----\n");
        let answer = format!(r#"{{"keys":[{{"id":"x","public_key":"{KEY}"}},{{"public_key":"{KEY}"}}]}}"#);
        let cases = [(KEY.to_owned(), 1), (format!(" {KEY}\n"), 1), (x509, 1), (pem, 1), (answer, 2)];
        for (text, count) in cases {
            assert_eq!(public_keys(&text).unwrap(), vec![key.clone(); count], "{text}");
        }
        for wrong in ["", "x", "AAAA", r#"{"keys":[{"public_key":"AAAA"}]}"#] {
            assert_eq!(public_keys(wrong).unwrap_err(), KeyError::Public, "{wrong}");
        }
    }
}
