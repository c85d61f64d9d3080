//! API keys and the short tokens that stand for them. A key is remembered by its SHA-256 only.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use hms_access::Verifier;
use hms_model::Clock;
use hms_problem::Problem;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use super::{Auth, Exchanged, no_such_key};

/// How long before its end a token is replaced, in seconds: a request that is on its way must arrive with a good one.
const MARGIN: i64 = 15;
/// How long a key that does not exist is remembered, in seconds.
const BAD: i64 = 5;
/// How many keys are remembered at the most, good and bad ones apart.
const MOST: usize = 10_000;

type Hash = [u8; 32];

/// What is known of API keys.
pub struct ApiKeys {
    auth: Auth,
    clock: Clock,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    good: HashMap<Hash, Exchanged>,
    /// Until when they are taken to be bad, in seconds since 1970.
    bad: HashMap<Hash, i64>,
    /// Those that are being asked for; whoever holds the lock asks.
    asked: HashMap<Hash, Arc<tokio::sync::Mutex<()>>>,
}

impl ApiKeys {
    /// Nothing is known yet.
    pub fn new(auth: Auth, clock: Clock) -> Self {
        Self { auth, clock, known: Mutex::default() }
    }

    /// What is known of a key without asking.
    pub fn remembered(&self, key: &str) -> Option<Result<Exchanged, Problem>> {
        let (hash, now) = (hash(key), self.now());
        self.known.lock().find(&hash, now)
    }

    /// The token for a key. Of requests with the same key one asks, and the others wait for its answer.
    pub async fn exchange(
        &self,
        key: &str,
        client: IpAddr,
        verifier: &Verifier,
    ) -> Result<Exchanged, Problem> {
        let hash = hash(key);
        let turn = {
            let mut known = self.known.lock();
            if let Some(known) = known.find(&hash, self.now()) {
                return known;
            }
            Arc::clone(known.asked.entry(hash).or_default())
        };
        let asking = Asking { keys: self, hash, turn };
        let _mine = asking.turn.lock().await;
        if let Some(known) = self.remembered(key) {
            return known;
        }
        let Some(token) = self.auth.exchange(key, client).await? else {
            self.known.lock().put_bad(hash, self.now());
            return Err(no_such_key());
        };
        let claims = verifier.verify(token.expose()).await?;
        let exchanged = Exchanged::new(&token, claims)?;
        self.known.lock().put_good(hash, exchanged.clone(), self.now());
        Ok(exchanged)
    }

    fn now(&self) -> i64 {
        self.clock.now().timestamp()
    }
}

/// One that asks or waits. The last of them takes the turn away, even one whose client went away meanwhile.
struct Asking<'a> {
    keys: &'a ApiKeys,
    hash: Hash,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut known = self.keys.known.lock();
        // One of the two is in the map, the other here.
        if Arc::strong_count(&self.turn) <= 2 {
            known.asked.remove(&self.hash);
        }
    }
}

impl Known {
    fn find(&self, hash: &Hash, now: i64) -> Option<Result<Exchanged, Problem>> {
        if let Some(exchanged) = self.good.get(hash).filter(|known| now < known.claims.exp - MARGIN) {
            return Some(Ok(exchanged.clone()));
        }
        self.bad.get(hash).filter(|&&until| now < until).map(|_| Err(no_such_key()))
    }

    fn put_good(&mut self, hash: Hash, exchanged: Exchanged, now: i64) {
        self.bad.remove(&hash);
        if self.good.len() >= MOST {
            self.good.retain(|_, known| now < known.claims.exp - MARGIN);
        }
        if self.good.len() < MOST {
            self.good.insert(hash, exchanged);
        }
    }

    /// Where there is no room, the auth service is asked again: a flood of guesses is stopped by its own limit.
    fn put_bad(&mut self, hash: Hash, now: i64) {
        self.good.remove(&hash);
        if self.bad.len() >= MOST {
            self.bad.retain(|_, until| now < *until);
        }
        if self.bad.len() < MOST {
            self.bad.insert(hash, now + BAD);
        }
    }
}

fn hash(key: &str) -> Hash {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use hms_access::Claims;
    use hms_model::Secret;
    use hms_model::id::Id;
    use hms_model::role::Role;

    use super::*;

    fn exchanged(seconds: i64) -> Exchanged {
        let now = DateTime::UNIX_EPOCH;
        let lifetime = TimeDelta::seconds(seconds);
        let claims = Claims::new(Id::new(now), Id::new(now), vec![Role::Nurse], now, lifetime);
        Exchanged::new(&Secret::new("x"), Arc::new(claims)).unwrap()
    }

    #[test]
    fn a_token_is_used_until_shortly_before_its_end_and_a_bad_key_refused_for_a_while() {
        let mut known = Known::default();
        let (good, bad) = (hash("good"), hash("bad"));
        known.put_good(good, exchanged(300), 0);
        known.put_bad(bad, 0);
        let at = |now| [good, bad].map(|key| known.find(&key, now).map(|known| known.is_ok()));
        assert_eq!(at(0), [Some(true), Some(false)]);
        assert_eq!(at(4), [Some(true), Some(false)]);
        assert_eq!(at(5), [Some(true), None]);
        assert_eq!(at(284), [Some(true), None]);
        assert_eq!(at(285), [None, None]);
        assert_eq!(known.find(&hash("stranger"), 0).map(|known| known.is_ok()), None);
    }

    #[test]
    fn the_number_of_keys_that_are_remembered_is_bounded() {
        let mut known = Known::default();
        for number in 0..20_000 {
            known.put_bad(hash(&format!("bad {number}")), 0);
            known.put_good(hash(&format!("good {number}")), exchanged(300), 0);
        }
        assert_eq!((known.bad.len(), known.good.len()), (MOST, MOST));
        known.put_bad(hash("later"), 100);
        known.put_good(hash("later still"), exchanged(2000), 1000);
        assert_eq!((known.bad.len(), known.good.len()), (1, 1));
    }
}
