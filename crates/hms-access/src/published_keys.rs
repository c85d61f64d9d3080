//! The keys that the auth service publishes, as they were last seen.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;
use parking_lot::RwLock;
use tokio::sync::Mutex;

use crate::AccessError;
use crate::http::client;
use crate::jwks::JwkSet;

/// An unknown key id makes us ask for the keys, but no more often than this: a stranger's token must not turn
/// into load on the auth service.
const REFRESH_INTERVAL: Duration = Duration::from_secs(5);
/// Keys that are older than this are asked for again beside the requests, so that one that was withdrawn is not
/// trusted for longer. While the auth service is away, the keys that we have go on being good.
const KEYS_KEPT: Duration = Duration::from_secs(300);

/// Keys by their ids.
pub(crate) type Known = HashMap<String, Arc<DecodingKey>>;

/// The keys behind a URL.
pub(crate) struct Published {
    url: String,
    client: reqwest::Client,
    current: RwLock<Current>,
    last_try: Mutex<Option<Instant>>,
}

/// The keys as they are just now.
#[derive(Default)]
struct Current {
    set: JwkSet,
    keys: Known,
    /// Counts the sets: what was checked with the keys of an earlier set is checked anew.
    generation: u64,
    at: Option<Instant>,
}

impl Published {
    /// Nothing is fetched before a key is asked for.
    pub fn at(url: String) -> Result<Self, AccessError> {
        let client = client(&url).map_err(|error| AccessError::NoKeys(error.into()))?;
        Ok(Self { url, client, current: RwLock::default(), last_try: Mutex::default() })
    }

    /// Which set of keys is in use.
    pub fn generation(self: &Arc<Self>) -> u64 {
        let (generation, old) = {
            let current = self.current.read();
            (current.generation, current.at.is_some_and(|at| at.elapsed() >= KEYS_KEPT))
        };
        if old {
            tokio::spawn(Arc::clone(self).renew_once());
        }
        generation
    }

    /// Beside the request, which does not wait for it; whoever comes meanwhile leaves it to the first.
    async fn renew_once(self: Arc<Self>) {
        let Ok(mut last_try) = self.last_try.try_lock() else { return };
        if last_try.is_some_and(|at| at.elapsed() < REFRESH_INTERVAL) {
            return;
        }
        *last_try = Some(Instant::now());
        if let Err(error) = self.renew().await {
            tracing::warn!(%error, "the signing keys could not be renewed, the old ones stay");
        }
    }

    /// The key of this id, and the generation that it is of.
    pub async fn key(&self, id: &str) -> Result<(Arc<DecodingKey>, u64), AccessError> {
        if let Some(found) = self.current.read().key(id) {
            return Ok(found);
        }
        let mut last_try = self.last_try.lock().await;
        // Another request may have fetched them while this one waited for the lock.
        if let Some(found) = self.current.read().key(id) {
            return Ok(found);
        }
        let waiting = last_try.is_some_and(|at| at.elapsed() < REFRESH_INTERVAL);
        if waiting && !self.current.read().keys.is_empty() {
            return Err(AccessError::Invalid);
        }
        self.renew().await?;
        // Noted only now: while the auth service is away each token asks again, one after the other.
        *last_try = Some(Instant::now());
        self.current.read().key(id).ok_or(AccessError::Invalid)
    }

    /// A new generation begins only with other keys: a stranger who makes us ask does not make us forget.
    async fn renew(&self) -> Result<(), AccessError> {
        let set = fetch(&self.client, &self.url).await?;
        let keys = decoding_keys(&set)?;
        let mut current = self.current.write();
        if current.set != set {
            current.generation = current.generation.wrapping_add(1);
            current.set = set;
            current.keys = keys;
        }
        current.at = Some(Instant::now());
        Ok(())
    }
}

impl Current {
    fn key(&self, id: &str) -> Option<(Arc<DecodingKey>, u64)> {
        self.keys.get(id).map(|key| (Arc::clone(key), self.generation))
    }
}

async fn fetch(client: &reqwest::Client, url: &str) -> Result<JwkSet, AccessError> {
    let unavailable = |error: reqwest::Error| AccessError::NoKeys(error.into());
    let response = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    response.map_err(unavailable)?.json().await.map_err(unavailable)
}

/// The keys of a set that can be used here.
pub(crate) fn decoding_keys(set: &JwkSet) -> Result<Known, AccessError> {
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
    use chrono::TimeDelta;
    use hms_model::Clock;
    use hms_model::id::Id;
    use hms_model::role::Role;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::{Claims, Issuer, SigningKey};

    fn issuer() -> Issuer {
        Issuer::new(SigningKey::generate().unwrap()).unwrap()
    }

    fn token(issuer: &Issuer) -> String {
        let now = Clock::system().now();
        let claims = Claims::new(Id::new(now), Id::new(now), vec![Role::Nurse], now, TimeDelta::minutes(15));
        issuer.issue(&claims).unwrap()
    }

    /// Publishes whatever the set is just then, one connection after the other.
    async fn publish(set: Arc<RwLock<JwkSet>>) -> (String, JoinHandle<()>) {
        let _already_there = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            loop {
                let (mut peer, _) = listener.accept().await.unwrap();
                let mut request = [0; 4_096];
                assert!(peer.read(&mut request).await.unwrap() > 0);
                let body = serde_json::to_string(&*set.read()).unwrap();
                let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json";
                let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                peer.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        (url, serving)
    }

    /// As if the keys had been fetched long ago.
    async fn grow_old(published: &Published) {
        *published.last_try.lock().await = None;
        published.current.write().at = Instant::now().checked_sub(KEYS_KEPT);
    }

    fn published(verifier: &crate::Verifier) -> Arc<Published> {
        verifier.published().unwrap()
    }

    #[tokio::test]
    async fn a_token_is_forgotten_with_its_key_and_not_when_the_same_keys_come_again() {
        let (old, new) = (issuer(), issuer());
        let set = Arc::new(RwLock::new(old.jwks()));
        let (url, serving) = publish(Arc::clone(&set)).await;
        let verifier = crate::Verifier::new(crate::KeySource::Url(url), Clock::system()).unwrap();
        let (first, second) = (token(&old), token(&new));
        for _ in 0..3 {
            verifier.verify(&first).await.unwrap();
        }
        assert_eq!(verifier.signature_checks(), 1);
        published(&verifier).renew().await.unwrap();
        verifier.verify(&first).await.unwrap();
        assert_eq!(verifier.signature_checks(), 1, "the keys are the same");
        *set.write() = new.jwks();
        published(&verifier).renew().await.unwrap();
        assert!(matches!(verifier.verify(&first).await, Err(AccessError::Invalid)), "its key is gone");
        verifier.verify(&second).await.unwrap();
        serving.abort();
    }

    #[tokio::test]
    async fn old_keys_are_renewed_beside_the_requests() {
        let (old, new) = (issuer(), issuer());
        let set = Arc::new(RwLock::new(old.jwks()));
        let (url, serving) = publish(Arc::clone(&set)).await;
        let verifier = crate::Verifier::new(crate::KeySource::Url(url), Clock::system()).unwrap();
        let token = token(&old);
        verifier.verify(&token).await.unwrap();
        *set.write() = new.jwks();
        verifier.verify(&token).await.expect("the keys are still young");
        grow_old(&published(&verifier)).await;
        let refused = async {
            while verifier.verify(&token).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), refused).await.expect("the key is gone");
        // Without the auth service, what we have goes on being good.
        serving.abort();
        let token = super::tests::token(&new);
        verifier.verify(&token).await.unwrap();
        grow_old(&published(&verifier)).await;
        published(&verifier).renew_once().await;
        verifier.verify(&token).await.unwrap();
    }
}
