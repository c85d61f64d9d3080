//! Which of several endpoints gets the next request.

use std::sync::Arc;

use super::Endpoint;
use super::clock::Millis;
use super::settings::Balance;

/// The most endpoints that one service can have: a set of them is one word.
pub const MOST: usize = 64;

/// A set of the endpoints of one service, by their places in the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Set(u64);

impl Set {
    /// Adds the endpoint at this place.
    pub fn add(&mut self, place: usize) {
        self.0 |= bit(place);
    }

    /// Whether the endpoint at this place is in it.
    pub fn has(self, place: usize) -> bool {
        self.0 & bit(place) != 0
    }

    fn of(endpoints: &[Arc<Endpoint>], is_in: impl Fn(usize, &Endpoint) -> bool) -> Self {
        let mut set = Self::default();
        for (place, endpoint) in endpoints.iter().enumerate() {
            if is_in(place, endpoint) {
                set.add(place);
            }
        }
        set
    }

    fn count(self) -> u32 {
        self.0.count_ones()
    }

    fn places(self) -> impl Iterator<Item = usize> {
        (0..MOST).filter(move |&place| self.has(place))
    }

    fn nth(self, number: u32) -> Option<usize> {
        let number = usize::try_from(number).ok()?;
        self.places().nth(number)
    }
}

fn bit(place: usize) -> u64 {
    u32::try_from(place).ok().and_then(|place| 1_u64.checked_shl(place)).unwrap_or(0)
}

/// The place of the endpoint for the next request. Those that were `tried` are left out; those that are not
/// usable too, unless no other is left: to try one of them is better than to try none.
///
/// `turn` counts requests, and `random` gives a number below its argument.
pub fn pick(
    endpoints: &[Arc<Endpoint>],
    tried: Set,
    rule: Balance,
    now: Millis,
    turn: u32,
    random: impl FnMut(u32) -> u32,
) -> Option<usize> {
    let usable = Set::of(endpoints, |place, endpoint| !tried.has(place) && endpoint.seen.is_usable(now));
    let set = if usable.count() > 0 { usable } else { Set::of(endpoints, |place, _| !tried.has(place)) };
    match (set.count(), rule) {
        (0, _) => None,
        (1, _) => set.nth(0),
        (_, Balance::RoundRobin) => by_turn(endpoints, set, turn),
        (_, Balance::LeastLoaded) => by_load(endpoints, set, random),
    }
}

fn by_turn(endpoints: &[Arc<Endpoint>], set: Set, turn: u32) -> Option<usize> {
    let weight = |place: usize| endpoints.get(place).map_or(0, |endpoint| endpoint.weight);
    let total: u32 = set.places().map(weight).sum();
    let mut left = turn.checked_rem(total)?;
    set.places().find(|&place| match left.checked_sub(weight(place)) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    })
}

fn by_load(endpoints: &[Arc<Endpoint>], set: Set, mut random: impl FnMut(u32) -> u32) -> Option<usize> {
    let count = set.count();
    let first = random(count);
    let second = random(count.saturating_sub(1));
    let second = if second >= first { second.saturating_add(1) } else { second };
    let (first, second) = (set.nth(first)?, set.nth(second)?);
    let (one, other) = (endpoints.get(first)?, endpoints.get(second)?);
    let load = |endpoint: &Endpoint| u64::from(endpoint.seen.active()).saturating_add(1);
    let lighter =
        load(other).saturating_mul(u64::from(one.weight)) < load(one).saturating_mul(u64::from(other.weight));
    Some(if lighter { second } else { first })
}

#[cfg(test)]
mod tests {
    use super::super::settings::{Ejection, Health};
    use super::*;

    fn endpoints(weights: &[u32]) -> Vec<Arc<Endpoint>> {
        let endpoint = |(number, &weight)| Endpoint::new(&format!("http://e{number}"), weight).unwrap();
        weights.iter().enumerate().map(|each| Arc::new(endpoint(each))).collect()
    }

    fn shares(endpoints: &[Arc<Endpoint>], rule: Balance, tried: Set, keep: bool) -> Vec<u32> {
        let mut shares = vec![0; endpoints.len()];
        let mut random = fastrand::Rng::with_seed(7);
        for turn in 0..1_000 {
            let place = pick(endpoints, tried, rule, 0, turn, |below| random.u32(..below)).unwrap();
            shares[place] += 1;
            if keep {
                endpoints[place].seen.begin();
            }
        }
        shares
    }

    #[test]
    fn one_after_the_other_by_weight() {
        let endpoints = endpoints(&[1, 3, 1]);
        assert_eq!(shares(&endpoints, Balance::RoundRobin, Set::default(), false), [200, 600, 200]);
    }

    #[test]
    fn the_less_loaded_by_weight() {
        let endpoints = endpoints(&[1, 3, 1]);
        let shares = shares(&endpoints, Balance::LeastLoaded, Set::default(), true);
        for (share, expected) in shares.into_iter().zip([200_u32, 600, 200]) {
            assert!(share.abs_diff(expected) <= 5, "{share} instead of {expected}");
        }
    }

    #[test]
    fn tried_ejected_and_down_ones_are_left_out() {
        let endpoints = endpoints(&[1, 1, 1, 1]);
        let mut tried = Set::default();
        tried.add(0);
        endpoints[1].seen.eject(&Ejection::default(), 0);
        endpoints[2].seen.examined(&Health { unhealthy: 1, ..Health::default() }, false);
        for rule in [Balance::RoundRobin, Balance::LeastLoaded] {
            assert_eq!(shares(&endpoints, rule, tried, false), [0, 0, 0, 1_000]);
        }
        tried.add(3);
        for rule in [Balance::RoundRobin, Balance::LeastLoaded] {
            let shares = shares(&endpoints, rule, tried, false);
            assert!(shares[1] > 400 && shares[2] > 400, "one that is out is better than none: {shares:?}");
        }
        tried.add(1);
        tried.add(2);
        assert_eq!(pick(&endpoints, tried, Balance::LeastLoaded, 0, 0, |_| 0), None);
    }

    #[test]
    fn the_last_place_of_the_longest_list_is_reached() {
        let endpoints = endpoints(&[1; MOST]);
        assert_eq!(shares(&endpoints, Balance::RoundRobin, Set::default(), false)[MOST - 1], 1_000 / 64);
    }
}
