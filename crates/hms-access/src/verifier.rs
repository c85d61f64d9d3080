//! Checking tokens: by every service and by the gateway, without a call to the auth service.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hms_model::Clock;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use parking_lot::RwLock;
use tokio::sync::Mutex;

use crate::claims::{Claims, ISSUER};
use crate::jwks::JwkSet;
use crate::{AccessError, crypto};

/// An unknown key id makes us ask for the keys, but no more often than this: a stranger's token must not turn
/// into load on the auth service.
const REFRESH_INTERVAL: Duration = Duration::from_secs(5);
const FETCH_DEADLINE: Duration = Duration::from_secs(3);

/// Where the keys come from.
pub enum KeySource {
    /// The JWK set at this URL, fetched when a token names a key that is not known yet.
    Url(String),
    /// A set that is known beforehand.
    Set(JwkSet),
    /// A secret shared by all services (HS256).
    Secret(Vec<u8>),
}

/// Checks access tokens; clones share their keys.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    validation: Validation,
    keys: Keys,
    clock: Clock,
}

enum Keys {
    Fetched { url: String, client: reqwest::Client, known: RwLock<Known>, last_try: Mutex<Option<Instant>> },
    Fixed(Known),
    Secret(DecodingKey),
}

type Known = HashMap<String, Arc<DecodingKey>>;

impl Verifier {
    /// A verifier; nothing is fetched before the first token comes.
    pub fn new(source: KeySource, clock: Clock) -> Result<Self, AccessError> {
        crypto::install();
        let (algorithm, keys) = match source {
            KeySource::Url(url) => {
                let client = reqwest::Client::builder().timeout(FETCH_DEADLINE).build();
                let client = client.map_err(|error| AccessError::NoKeys(error.into()))?;
                let fetched =
                    Keys::Fetched { url, client, known: RwLock::default(), last_try: Mutex::default() };
                (Algorithm::EdDSA, fetched)
            }
            KeySource::Set(set) => (Algorithm::EdDSA, Keys::Fixed(decoding_keys(&set)?)),
            KeySource::Secret(secret) => (Algorithm::HS256, Keys::Secret(DecodingKey::from_secret(&secret))),
        };
        Ok(Self(Arc::new(Inner { validation: validation(algorithm), keys, clock })))
    }

    /// The claims of a token that is ours, unchanged and not expired.
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, AccessError> {
        let key = self.0.key_of(token).await?;
        let data = jsonwebtoken::decode::<Claims>(token, &key, &self.0.validation);
        let claims = data.map_err(|_| AccessError::Invalid)?.claims;
        if claims.exp <= self.0.clock.now().timestamp() {
            return Err(AccessError::Expired);
        }
        Ok(Arc::new(claims))
    }
}

/// The algorithm is fixed by our setting and never taken from the token (RFC 8725, 3.1). The time is checked by
/// our own clock.
fn validation(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "sub"]);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

impl Inner {
    async fn key_of(&self, token: &str) -> Result<Arc<DecodingKey>, AccessError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| AccessError::Invalid)?;
        if header.typ.as_deref() != Some("at+jwt") {
            return Err(AccessError::Invalid);
        }
        let named = |known: &Known| header.kid.as_ref().and_then(|id| known.get(id).cloned());
        match &self.keys {
            Keys::Secret(key) => Ok(Arc::new(key.clone())),
            Keys::Fixed(known) => named(known).ok_or(AccessError::Invalid),
            Keys::Fetched { url, client, known, last_try } => {
                if let Some(key) = named(&known.read()) {
                    return Ok(key);
                }
                let mut last_try = last_try.lock().await;
                // Another request may have fetched them while this one waited for the lock.
                if let Some(key) = named(&known.read()) {
                    return Ok(key);
                }
                let waiting = last_try.is_some_and(|at| at.elapsed() < REFRESH_INTERVAL);
                if waiting && !known.read().is_empty() {
                    return Err(AccessError::Invalid);
                }
                let fresh = decoding_keys(&fetch(client, url).await?)?;
                // Noted only now: while the auth service is away each token asks again, one after the other.
                *last_try = Some(Instant::now());
                *known.write() = fresh;
                named(&known.read()).ok_or(AccessError::Invalid)
            }
        }
    }
}

async fn fetch(client: &reqwest::Client, url: &str) -> Result<JwkSet, AccessError> {
    let unavailable = |error: reqwest::Error| AccessError::NoKeys(error.into());
    let response = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    response.map_err(unavailable)?.json().await.map_err(unavailable)
}

fn decoding_keys(set: &JwkSet) -> Result<Known, AccessError> {
    let usable = set.keys.iter().filter(|key| key.kty == "OKP" && key.crv == "Ed25519");
    usable
        .map(|key| {
            let decoding = DecodingKey::from_ed_components(&key.x).map_err(|_| AccessError::Key)?;
            Ok((key.kid.clone(), Arc::new(decoding)))
        })
        .collect()
}
