//! Waiting times that double, with jitter, so that many who wait for one thing do not all come back at once.

use std::time::Duration;

/// The waiting times of one series of failures.
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
}

impl Backoff {
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, failures: 0 }
    }

    /// How long to wait after one more failure.
    pub fn next(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        after(self.first, self.most, self.failures)
    }

    /// Whether nothing has failed since things last worked.
    pub fn is_fresh(&self) -> bool {
        self.failures == 0
    }

    /// Things work again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// The wait after the nth failure (from 1): `first` doubled each time, `most` at the most, and between three
/// quarters of that and all of it.
pub(crate) fn after(first: Duration, most: Duration, failures: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(20));
    let wait = first.saturating_mul(doubled).min(most);
    wait.mul_f64(0.75 + fastrand::f64() * 0.25)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_limit_and_stay_there() {
        let (first, most) = (Duration::from_millis(100), Duration::from_secs(1));
        for (failures, full) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1_000), (90, 1_000)] {
            let wait = after(first, most, failures);
            let full = Duration::from_millis(full);
            assert!(wait <= full && wait >= full.mul_f64(0.74), "{failures}: {wait:?}");
        }
    }
}
