//! How many requests of one client are on their way at the same time.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use parking_lot::Mutex;

use super::key::Key;

/// How many locks there are.
const SHARDS: usize = 32;

/// The requests on their way; clients without any are not remembered.
#[derive(Clone, Default)]
pub struct InFlight(Arc<All>);

#[derive(Default)]
struct All {
    shards: [Mutex<HashMap<Key, u32>>; SHARDS],
    hasher: RandomState,
}

/// One request on its way, until it is dropped.
pub struct Permit {
    all: InFlight,
    key: Key,
}

impl InFlight {
    /// A place for one more, with the number of those that are left then; nothing where all are taken.
    pub fn enter(&self, key: Key, limit: u32) -> Option<(Permit, u32)> {
        let mut counts = self.0.shard(key)?.lock();
        let count = counts.entry(key).or_default();
        let left = limit.checked_sub(*count + 1)?;
        *count += 1;
        Some((Permit { all: self.clone(), key }, left))
    }
}

impl All {
    fn shard(&self, key: Key) -> Option<&Mutex<HashMap<Key, u32>>> {
        let hash = usize::try_from(self.hasher.hash_one(key)).unwrap_or(usize::MAX);
        self.shards.get(hash % SHARDS)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(shard) = self.all.0.shard(self.key) else { return };
        let mut counts = shard.lock();
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::rules::Rules;

    #[test]
    fn a_place_is_free_again_when_its_request_has_ended() {
        let (all, rules) = (InFlight::default(), Rules::default());
        let rule = rules.find("default", "integration");
        let [one, other] =
            ["198.51.100.1", "198.51.100.2"].map(|address| Key::of(rule, None, address.parse().unwrap()));
        let (first, left) = all.enter(one, 2).unwrap();
        assert_eq!(left, 1);
        let second = all.enter(one, 2).unwrap();
        assert_eq!(second.1, 0);
        assert!(all.enter(one, 2).is_none());
        assert!(all.enter(other, 2).is_some());
        drop(first);
        assert!(all.enter(one, 2).is_some());
        drop(second);
        assert!(all.0.shards.iter().all(|shard| shard.lock().is_empty()));
    }
}
