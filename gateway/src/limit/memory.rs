//! Counting in memory: many small locks instead of a great one, and a number of clients that cannot grow without end.

use std::collections::HashMap;
use std::hash::BuildHasher as _;

use parking_lot::Mutex;

use super::key::Key;
use super::rules::Rule;
use super::window::{Taken, Window};

/// How many locks there are.
const SHARDS: usize = 64;
/// How many clients are remembered at the most.
pub const MOST_CLIENTS: usize = 200_000;
/// The longest window, in milliseconds, with its last slot.
const LONGEST: u64 = 61 * 60 * 1000;

/// The windows of one client, in the order of the rule's quotas.
type Windows = [Window; 2];

/// The windows of all clients.
pub struct Memory {
    shards: Vec<Mutex<Shard>>,
    /// Chooses the lock.
    hasher: foldhash::fast::RandomState,
    most: usize,
}

/// Two generations. Who comes enters the young one; when that is full it becomes the old one, and those of the old one
/// who have not come again meanwhile are forgotten. So a flood of strangers costs a bounded amount of memory, and pushes
/// nobody out who is active.
#[derive(Default)]
struct Shard {
    young: HashMap<Key, Windows>,
    old: HashMap<Key, Windows>,
    turned_at: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self::holding(MOST_CLIENTS)
    }
}

impl Memory {
    /// One that remembers so many clients at the most.
    pub fn holding(most: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, hasher: foldhash::fast::RandomState::default(), most: (most / SHARDS / 2).max(1) }
    }

    /// Counts a request under every quota of a rule, or under none of them. The answers stand in the order of the quotas.
    pub fn take(&self, key: Key, rule: &Rule, now: u64) -> Vec<Taken> {
        self.with(key, now, |windows| {
            let pairs = windows.iter_mut().zip(&rule.quotas);
            let mut all: Vec<_> = pairs.map(|(window, quota)| window.take(quota, now)).collect();
            if !all.iter().all(|taken| taken.admitted) {
                for (window, taken) in windows.iter_mut().zip(&mut all).filter(|(_, taken)| taken.admitted) {
                    window.give_back();
                    taken.remaining += 1;
                }
            }
            all
        })
    }

    /// Takes back a request that was counted.
    pub fn give_back(&self, key: Key, rule: &Rule, now: u64) {
        self.with(key, now, |windows| {
            windows.iter_mut().zip(&rule.quotas).for_each(|(window, _)| window.give_back());
        });
    }

    /// How many clients are remembered.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock()).map(|shard| shard.young.len() + shard.old.len()).sum()
    }

    fn with<T>(&self, key: Key, now: u64, act: impl FnOnce(&mut Windows) -> T) -> T {
        let hash = usize::try_from(self.hasher.hash_one(key)).unwrap_or(usize::MAX);
        match self.shards.get(hash % SHARDS) {
            Some(shard) => act(shard.lock().windows(key, self.most, now)),
            None => act(&mut Windows::default()),
        }
    }
}

impl Shard {
    fn windows(&mut self, key: Key, most: usize, now: u64) -> &mut Windows {
        // After so long without a turn nobody who stands in the old generation has used anything that still counts.
        if self.young.len() >= most || now.saturating_sub(self.turned_at) > LONGEST {
            self.old = std::mem::take(&mut self.young);
            self.turned_at = now;
        }
        let old = &mut self.old;
        self.young.entry(key).or_insert_with(|| old.remove(&key).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;
    use std::sync::Arc;

    use super::*;
    use crate::limit::rules::Rules;

    const START: u64 = 1_800_000_000_000;

    fn key(rule: &Rule, number: u64) -> Key {
        Key::of(rule, None, Ipv6Addr::from_bits(u128::from(number) << 64).into())
    }

    #[test]
    fn one_quota_that_refuses_leaves_the_others_as_they_were() {
        let rules = Rules::parse("[[limit]]\nplan = \"anonymous\"\nper_minute = 3\nper_hour = 5").unwrap();
        let (rule, memory) = (rules.find("default", "anonymous"), Memory::default());
        let remaining = |now| {
            let taken = memory.take(key(rule, 1), rule, now);
            (taken.iter().all(|taken| taken.admitted), taken[0].remaining, taken[1].remaining)
        };
        let first = [(true, 2, 4), (true, 1, 3), (true, 0, 2), (false, 0, 2), (false, 0, 2)];
        assert_eq!(first.map(|_| remaining(START)), first);
        let later = START + 120_000;
        assert_eq!([(); 3].map(|()| remaining(later)), [(true, 2, 1), (true, 1, 0), (false, 1, 0)]);
    }

    #[test]
    fn a_request_is_given_back_once() {
        let rules = Rules::parse("[[limit]]\nplan = \"anonymous\"\nper_minute = 1").unwrap();
        let (rule, memory) = (rules.find("default", "anonymous"), Memory::default());
        let take = || memory.take(key(rule, 1), rule, START)[0].admitted;
        assert!(take() && !take());
        memory.give_back(key(rule, 1), rule, START);
        assert!(take() && !take());
    }

    #[test]
    fn a_flood_of_strangers_is_bounded_and_pushes_nobody_out_who_is_active() {
        let rules = Rules::default();
        let (rule, memory) = (rules.find("default", "anonymous"), Memory::holding(20_000));
        let mut refused = 0;
        for number in 0..1_000_000_u64 {
            memory.take(key(rule, number + 10), rule, START);
            if number % 2_000 == 0 {
                let taken = memory.take(key(rule, 1), rule, START);
                refused += u32::from(!taken.iter().all(|taken| taken.admitted));
            }
        }
        assert!(memory.len() <= 20_000, "{}", memory.len());
        assert_eq!(refused, 450, "of 500 requests of the one who stayed");
    }

    #[test]
    fn who_has_been_quiet_for_long_is_forgotten() {
        let rules = Rules::default();
        let (rule, memory) = (rules.find("default", "anonymous"), Memory::default());
        for number in 0..10_000 {
            memory.take(key(rule, number), rule, START);
        }
        for turn in 1..=2 {
            for number in 0..1_000 {
                memory.take(key(rule, 50_000 + number), rule, START + turn * 2 * LONGEST);
            }
        }
        assert_eq!(memory.len(), 1_000);
    }

    #[test]
    fn many_threads_together_take_exactly_the_quota() {
        let rules = Rules::parse("[[limit]]\nplan = \"anonymous\"\nper_hour = 1000").unwrap();
        let (rule, memory) = (Arc::clone(rules.find("default", "anonymous")), Arc::new(Memory::default()));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (rule, memory) = (Arc::clone(&rule), Arc::clone(&memory));
                std::thread::spawn(move || {
                    (0..1000).filter(|_| memory.take(key(&rule, 1), &rule, START)[0].admitted).count()
                })
            })
            .collect();
        assert_eq!(threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>(), 1000);
    }
}
