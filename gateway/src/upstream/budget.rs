//! The budget of retries of a service: when it is in trouble, sending everything twice would make it worse.
//!
//! Two bounds hold together. Of the requests under way, only a share may be retries; and over all time each
//! request earns a share of one retry, so that what the service sees is never more than requests × (1 + share),
//! but for a small floor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::settings::Retry;

/// What one retry costs; a request earns `percent` of it.
const COST: u32 = 100;
/// Earnings are kept for so many retries at most: yesterday's calm does not pay for today's storm.
const KEPT: u32 = 100;

/// The budget of one service, shared by all workers.
#[derive(Debug)]
pub struct Budget {
    earned: AtomicU32,
    retrying: AtomicU32,
    retried: AtomicU32,
    refused: AtomicU32,
}

/// One retry under way.
#[derive(Debug)]
pub struct Spent(Arc<Budget>);

impl Budget {
    /// A budget that holds the floor.
    pub fn new(rule: &Retry) -> Self {
        Self {
            earned: AtomicU32::new(rule.floor.saturating_mul(COST)),
            retrying: AtomicU32::new(0),
            retried: AtomicU32::new(0),
            refused: AtomicU32::new(0),
        }
    }

    /// Notes a request.
    pub fn earn(&self, rule: &Retry) {
        let full = KEPT.max(rule.floor).saturating_mul(COST);
        // A full purse is the rule, and then nothing is written that other workers would have to fetch.
        if self.earned.load(Ordering::Relaxed) < full {
            self.earned.fetch_add(rule.percent, Ordering::Relaxed);
        }
    }

    /// Takes one retry out of it, if `active` requests under way allow one.
    pub fn spend(self: &Arc<Self>, rule: &Retry, active: u32) -> Option<Spent> {
        let share = u64::from(active).saturating_mul(u64::from(rule.percent)) / 100;
        let allowed = u32::try_from(share).unwrap_or(u32::MAX).max(rule.floor);
        let more = |retrying: u32| (retrying < allowed).then(|| retrying.saturating_add(1));
        if self.retrying.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        // From here on it is given back when it is dropped.
        let spent = Spent(Arc::clone(self));
        let less = |earned: u32| earned.checked_sub(COST);
        if self.earned.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        self.retried.fetch_add(1, Ordering::Relaxed);
        Some(spent)
    }

    /// Retries so far.
    pub fn retried(&self) -> u32 {
        self.retried.load(Ordering::Relaxed)
    }

    /// Retries that it did not allow.
    pub fn refused(&self) -> u32 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Spent {
    fn drop(&mut self) {
        self.0.retrying.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Request,
        Retry { active: u32 },
        End,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Request),
            3 => (0_u32..200).prop_map(|active| Step::Retry { active }),
            1 => Just(Step::End),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn retries_stay_within_both_bounds(
            steps in prop::collection::vec(step(), 0..400),
            percent in 0_u32..=100,
            floor in 0_u32..5,
        ) {
            let rule = Retry { percent, floor, ..Retry::default() };
            let budget = Arc::new(Budget::new(&rule));
            let (mut requests, mut retries, mut under_way) = (0_u32, 0_u32, Vec::new());
            for step in steps {
                match step {
                    Step::Request => {
                        requests += 1;
                        budget.earn(&rule);
                    }
                    Step::Retry { active } => {
                        if let Some(spent) = budget.spend(&rule, active) {
                            under_way.push(spent);
                            retries += 1;
                            prop_assert!(under_way.len() <= usize::try_from((active * percent / 100).max(floor)).unwrap());
                        }
                    }
                    Step::End => drop(under_way.pop()),
                }
                prop_assert!(retries * 100 <= requests * percent + floor * 100);
            }
            prop_assert_eq!(budget.retried(), retries);
        }
    }

    #[test]
    fn a_calm_service_may_retry() {
        let rule = Retry::default();
        let budget = Arc::new(Budget::new(&rule));
        for _ in 0..rule.floor {
            assert!(budget.spend(&rule, 1).is_some());
        }
        assert!(budget.spend(&rule, 1).is_none(), "the floor is spent");
        for _ in 0..5 {
            budget.earn(&rule);
        }
        assert!(budget.spend(&rule, 1).is_some(), "five requests pay for one retry");
        assert_eq!(budget.refused(), 1);
    }
}
