//! Checking tokens: by every service and by the gateway, without a call to the auth service.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hms_model::Clock;
use hms_settings::{SettingError, Settings};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use crate::claims::{AUDIENCE, Claims, INTERNAL_AUDIENCE, ISSUER};
use crate::jwks::JwkSet;
use crate::known_tokens::{KnownTokens, Name};
use crate::place::{auth_url, public_url};
use crate::published_keys::{Known, Published, decoding_keys};
use crate::{AccessError, crypto};

/// RFC 7518, 3.2: a key no shorter than the hash.
const HS256_BYTES: usize = 32;

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

/// Checks access tokens for one audience; clones share their keys.
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
    audience: &'static str,
}

struct Inner {
    validation: Validation,
    keys: Keys,
    clock: Clock,
    known_tokens: KnownTokens,
    signature_checks: AtomicU64,
}

enum Keys {
    Published(Arc<Published>),
    Fixed(Known),
    Secret(Arc<DecodingKey>),
}

impl Verifier {
    /// A verifier of tokens for the API, as [`Claims::new`] makes them; nothing is fetched before the first token comes.
    pub fn new(source: KeySource, clock: Clock) -> Result<Self, AccessError> {
        Self::of_issuer(ISSUER, source, clock)
    }

    /// As the settings have it: the keys of [`KeySource::from_settings`], and [`public_url`] as the issuer.
    pub fn from_settings(settings: &Settings, clock: Clock) -> Result<Self, SettingError> {
        let source = KeySource::from_settings(settings)?;
        let verifier = Self::of_issuer(&public_url(settings)?, source, clock);
        verifier.map_err(|error| SettingError::new("JWT_ALGORITHM", error))
    }

    /// A verifier of the tokens of this issuer.
    pub fn of_issuer(issuer: &str, source: KeySource, clock: Clock) -> Result<Self, AccessError> {
        crypto::install();
        let (algorithm, keys) = match source {
            KeySource::Url(url) => (Algorithm::EdDSA, Keys::Published(Arc::new(Published::at(url)?))),
            KeySource::Set(set) => (Algorithm::EdDSA, Keys::Fixed(decoding_keys(&set)?)),
            KeySource::Secret(secret) => {
                (Algorithm::HS256, Keys::Secret(Arc::new(DecodingKey::from_secret(&secret))))
            }
        };
        let inner = Inner {
            validation: validation(algorithm, issuer),
            keys,
            clock,
            known_tokens: KnownTokens::default(),
            signature_checks: AtomicU64::new(0),
        };
        Ok(Self { inner: Arc::new(inner), audience: AUDIENCE })
    }

    /// The same for the tokens by which services speak to each other; no other tokens then.
    #[must_use]
    pub fn internal(&self) -> Self {
        Self { audience: INTERNAL_AUDIENCE, ..self.clone() }
    }

    /// The claims of a token that is ours, unchanged, in force and not expired. A signature that was found good is
    /// remembered until the token expires or the keys change; nothing else of the token is kept than its SHA-256.
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, AccessError> {
        let inner = &self.inner;
        let name = Name::of(token);
        if let Some(claims) = inner.known_tokens.get(&name, inner.keys.generation()) {
            return self.admit(claims);
        }
        // Keys may have to be fetched: nobody who shows a known token is to carry the room for it.
        Box::pin(self.check(name, token)).await
    }

    async fn check(&self, name: Name, token: &str) -> Result<Arc<Claims>, AccessError> {
        let inner = &self.inner;
        let (key, generation) = inner.key_of(token).await?;
        inner.signature_checks.fetch_add(1, Ordering::Relaxed);
        let data = jsonwebtoken::decode::<Claims>(token, &key, &inner.validation);
        let claims = self.admit(Arc::new(data.map_err(|error| refused(&error))?.claims))?;
        inner.known_tokens.put(name, &claims, generation);
        Ok(claims)
    }

    fn admit(&self, claims: Arc<Claims>) -> Result<Arc<Claims>, AccessError> {
        if claims.aud != self.audience {
            return Err(AccessError::Invalid);
        }
        self.inner.in_force(&claims).map(|()| claims)
    }

    /// How many signatures were checked so far; a token that is shown again costs none.
    pub fn signature_checks(&self) -> u64 {
        self.inner.signature_checks.load(Ordering::Relaxed)
    }

    /// How many tokens are remembered.
    pub fn known_tokens(&self) -> usize {
        self.inner.known_tokens.len()
    }
}

/// The signature is checked before the issuer, so that nobody else makes us write this into the log.
fn refused(error: &jsonwebtoken::errors::Error) -> AccessError {
    if matches!(error.kind(), jsonwebtoken::errors::ErrorKind::InvalidIssuer) {
        tracing::warn!(
            "a token with a good signature has another issuer: is HMS_PUBLIC_URL the same everywhere?"
        );
    }
    AccessError::Invalid
}

/// The algorithm is fixed by our setting and never taken from the token (RFC 8725, 3.1). The time is checked by
/// our own clock.
fn validation(algorithm: Algorithm, issuer: &str) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(&["exp", "iss", "sub"]);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

impl Keys {
    /// Which set of keys is in use; sets that are known beforehand never change.
    fn generation(&self) -> u64 {
        match self {
            Self::Published(published) => published.generation(),
            Self::Fixed(_) | Self::Secret(_) => 0,
        }
    }
}

impl Inner {
    fn in_force(&self, claims: &Claims) -> Result<(), AccessError> {
        let now = self.clock.now().timestamp();
        if claims.exp <= now {
            return Err(AccessError::Expired);
        }
        if claims.nbf.is_some_and(|from| from > now) { Err(AccessError::Invalid) } else { Ok(()) }
    }

    /// The key that the token names, and the generation of the keys that it comes from.
    async fn key_of(&self, token: &str) -> Result<(Arc<DecodingKey>, u64), AccessError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| AccessError::Invalid)?;
        if header.typ.as_deref() != Some("at+jwt") {
            return Err(AccessError::Invalid);
        }
        let id = header.kid.unwrap_or_default();
        match &self.keys {
            Keys::Secret(key) => Ok((Arc::clone(key), 0)),
            Keys::Fixed(known) => known.get(&id).map(|key| (Arc::clone(key), 0)).ok_or(AccessError::Invalid),
            Keys::Published(published) => published.key(&id).await,
        }
    }
}

#[cfg(test)]
impl Verifier {
    pub(crate) fn published(&self) -> Option<Arc<Published>> {
        match &self.inner.keys {
            Keys::Published(published) => Some(Arc::clone(published)),
            Keys::Fixed(_) | Keys::Secret(_) => None,
        }
    }
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
