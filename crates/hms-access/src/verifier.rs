//! Checking tokens: by every service and by the gateway, without a call to the auth service.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hms_model::Clock;
use hms_model::service::ServiceEntry;
use hms_settings::{SettingError, Settings};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use parking_lot::RwLock;
use tokio::sync::Mutex;

use crate::claims::{Claims, ISSUER};
use crate::jwks::JwkSet;
use crate::{AccessError, crypto};

/// An unknown key id makes us ask for the keys, but no more often than this: a stranger's token must not turn
/// into load on the auth service.
const REFRESH_INTERVAL: Duration = Duration::from_secs(5);
/// RFC 7518, 3.2: a key no shorter than the hash.
const HS256_BYTES: usize = 32;
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

impl KeySource {
    /// As the settings have it: `JWT_ALGORITHM` (`EdDSA`, with the JWK set of the auth service at `AUTH_URL`; or
    /// `HS256` with `JWT_SECRET`).
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        match settings.get("JWT_ALGORITHM").as_deref() {
            None | Some("EdDSA") => Ok(Self::Url(format!("{}/.well-known/jwks.json", auth_url(settings)?))),
            Some("HS256") => match settings.get("JWT_SECRET") {
                Some(secret) if secret.len() >= HS256_BYTES => Ok(Self::Secret(secret.into_bytes())),
                _ => Err(SettingError::new(
                    "JWT_SECRET",
                    "must have at least 32 bytes for HS256 (RFC 7518, 3.2)",
                )),
            },
            Some(_) => Err(SettingError::new("JWT_ALGORITHM", "must be EdDSA or HS256")),
        }
    }
}

fn auth_url(settings: &Settings) -> Result<String, SettingError> {
    if let Some(url) = settings.get("AUTH_URL") {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    let port = ServiceEntry::find("auth").map_or(8000, |auth| auth.port);
    Ok(format!("http://127.0.0.1:{}", settings.port(port)?))
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
                let client = client(&url).map_err(|error| AccessError::NoKeys(error.into()))?;
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

/// Without TLS the machine needs no certificates installed; with none, set-up would fail. Plain HTTP is spoken within
/// one deployment, where no proxy stands in between.
fn client(url: &str) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder().timeout(FETCH_DEADLINE);
    match url.starts_with("http://") {
        true => builder.tls_certs_only([]).no_proxy().build(),
        false => builder.build(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_come_from_where_the_settings_say() {
        let url = |pairs: &[(&str, &str)]| match KeySource::from_settings(
            &Settings::default().with(pairs.iter().copied()),
        ) {
            Ok(KeySource::Url(url)) => url,
            _ => "no url".to_owned(),
        };
        assert_eq!(url(&[]), "http://127.0.0.1:8000/.well-known/jwks.json");
        assert_eq!(url(&[("HMS_PORT_OFFSET", "10")]), "http://127.0.0.1:8010/.well-known/jwks.json");
        assert_eq!(url(&[("AUTH_URL", "https://auth/")]), "https://auth/.well-known/jwks.json");
    }

    #[test]
    fn a_short_secret_or_another_algorithm_is_refused() {
        for pairs in
            [[("JWT_ALGORITHM", "HS256"), ("JWT_SECRET", "short")], [("JWT_ALGORITHM", "none"), ("A", "b")]]
        {
            assert!(KeySource::from_settings(&Settings::from_pairs(pairs)).is_err(), "{pairs:?}");
        }
    }
}
