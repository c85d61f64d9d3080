//! The one seam through which time comes in. Everything that needs "now" takes a [`Clock`], so that tests move
//! it by hand; clippy bans the raw calls elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, TimeDelta, Utc};

/// A source of the present time, UTC, cut to microseconds (what both databases keep).
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    ByHand(Arc<AtomicI64>),
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `at` until [`Clock::advance`] moves it; clones move together.
    pub fn by_hand(at: DateTime<Utc>) -> Self {
        Self(Source::ByHand(Arc::new(AtomicI64::new(at.timestamp_micros()))))
    }

    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => system_now(),
            Source::ByHand(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or_default()
            }
        }
    }

    /// Moves a clock that is set by hand; the system's clock stays as it is.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::ByHand(micros) = &self.0 {
            micros.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the seam the other calls go through")]
fn system_now() -> DateTime<Utc> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX);
    // Cutting what chrono's own clock says takes three times as long, and every request asks several times.
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_by_hand_stands_still_until_it_is_moved() {
        let clock = Clock::by_hand(DateTime::UNIX_EPOCH);
        let same = clock.clone();
        clock.advance(TimeDelta::seconds(90));
        assert_eq!(same.now(), DateTime::UNIX_EPOCH + TimeDelta::seconds(90));
    }

    #[test]
    fn time_has_no_more_than_microseconds() {
        assert_eq!(Clock::system().now().timestamp_subsec_nanos() % 1_000, 0);
    }
}
