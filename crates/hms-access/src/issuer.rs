//! Signing: done by the auth service alone (and by tests).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::Serialize;

use crate::claims::Claims;
use crate::jwks::{Jwk, JwkSet};
use crate::{AccessError, crypto};

/// A key to sign with.
pub enum SigningKey {
    /// An Ed25519 key in PKCS #8 (RFC 8410), with the id under which its public half is published.
    Ed25519 {
        /// The `kid` of the JWK.
        id: String,
        /// The private key, DER.
        pkcs8: Vec<u8>,
    },
    /// A secret that all services share.
    Hs256 {
        /// The secret.
        secret: Vec<u8>,
    },
}

impl SigningKey {
    /// Makes a new Ed25519 key. Its id is the thumbprint of its public half, so that equal keys have equal ids.
    pub fn generate() -> Result<Self, AccessError> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| AccessError::Key)?;
        let pkcs8 = document.as_ref().to_vec();
        let id = Jwk::ed25519(String::new(), &public_half(&pkcs8)?).thumbprint();
        Ok(Self::Ed25519 { id, pkcs8 })
    }
}

fn public_half(pkcs8: &[u8]) -> Result<Vec<u8>, AccessError> {
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(|_| AccessError::Key)?;
    Ok(pair.public_key().as_ref().to_vec())
}

/// Signs access tokens.
pub struct Issuer {
    header: Header,
    key: EncodingKey,
    public: Option<Jwk>,
}

impl Issuer {
    /// An issuer that signs with this key.
    pub fn new(key: SigningKey) -> Result<Self, AccessError> {
        crypto::install();
        Ok(match key {
            SigningKey::Ed25519 { id, pkcs8 } => {
                let public = Jwk::ed25519(id.clone(), &public_half(&pkcs8)?);
                let header = Header { kid: Some(id), ..header(Algorithm::EdDSA) };
                Self { header, key: EncodingKey::from_ed_der(&pkcs8), public: Some(public) }
            }
            SigningKey::Hs256 { secret } => Self {
                header: header(Algorithm::HS256),
                key: EncodingKey::from_secret(&secret),
                public: None,
            },
        })
    }

    /// A signed token.
    pub fn issue(&self, claims: &Claims) -> Result<String, AccessError> {
        jsonwebtoken::encode(&self.header, claims, &self.key).map_err(|_| AccessError::Key)
    }

    /// Any other signed statement, such as an ID token; its type keeps it from being taken for an access token.
    pub fn sign<T: Serialize>(&self, statement: &T) -> Result<String, AccessError> {
        let header = Header { typ: Some("JWT".to_owned()), ..self.header.clone() };
        jsonwebtoken::encode(&header, statement, &self.key).map_err(|_| AccessError::Key)
    }

    /// The public key as others fetch it; empty for a shared secret.
    pub fn jwks(&self) -> JwkSet {
        JwkSet { keys: self.public.iter().cloned().collect() }
    }
}

fn header(algorithm: Algorithm) -> Header {
    // RFC 9068, 2.1: the type tells an access token from any other JWT of the same issuer.
    Header { typ: Some("at+jwt".to_owned()), ..Header::new(algorithm) }
}

impl Jwk {
    fn ed25519(kid: String, public: &[u8]) -> Self {
        Self {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            x: URL_SAFE_NO_PAD.encode(public),
            kid,
            alg: "EdDSA".into(),
            usage: "sig".into(),
        }
    }
}
