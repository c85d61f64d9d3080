//! What a provider allows: so many messages at once, and so many a second.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{sleep, timeout};

use crate::domain::SendError;

/// How long a message waits for its turn before it is put back.
const PATIENCE: Duration = Duration::from_secs(4);

/// How much a channel may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowance {
    /// Messages that are under way at the same time.
    pub at_once: usize,
    /// Messages that set out in a second; none means as many as there are.
    pub per_second: Option<f64>,
}

/// Holds a channel to its allowance. Each replica counts by itself.
pub struct Limit {
    places: Semaphore,
    pace: Mutex<Pace>,
}

/// When the next message may set out.
struct Pace {
    interval: Duration,
    next: Instant,
}

impl Limit {
    /// One that holds to this.
    pub fn new(allowance: Allowance) -> Self {
        let interval =
            allowance.per_second.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate));
        let pace = Pace { interval, next: Instant::now() };
        Self { places: Semaphore::new(allowance.at_once), pace: Mutex::new(pace) }
    }

    /// Waits for a turn; the message is under way for as long as what is given lives.
    pub async fn enter(&self) -> Result<SemaphorePermit<'_>, SendError> {
        let place = timeout(PATIENCE, self.places.acquire()).await;
        let place = place.ok().and_then(Result::ok).ok_or(SendError::Busy { wait: TimeDelta::seconds(1) })?;
        let turn = self.pace.lock().take(Instant::now(), PATIENCE);
        sleep(turn.map_err(|wait| SendError::Busy { wait: whole_seconds(wait) })?).await;
        Ok(place)
    }

    /// Nothing sets out for so long: the provider said so.
    pub fn rest(&self, wait: TimeDelta) {
        let until = Instant::now() + wait.to_std().unwrap_or_default();
        let mut pace = self.pace.lock();
        pace.next = pace.next.max(until);
    }
}

impl Pace {
    /// How long to wait for the turn that is taken by this; none is taken where that is longer than anyone waits.
    fn take(&mut self, now: Instant, patience: Duration) -> Result<Duration, Duration> {
        let turn = self.next.max(now);
        let wait = turn - now;
        if wait > patience {
            return Err(wait);
        }
        self.next = turn + self.interval;
        Ok(wait)
    }
}

fn whole_seconds(wait: Duration) -> TimeDelta {
    TimeDelta::seconds(i64::try_from(wait.as_secs()).unwrap_or(i64::MAX / 1_000).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_at_their_pace_and_nobody_waits_too_long() {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let millis = |taken: Result<Duration, Duration>| match taken {
            Ok(wait) => i64::try_from(wait.as_millis()).unwrap(),
            Err(wait) => -i64::try_from(wait.as_millis()).unwrap(),
        };
        let mut pace = Pace { interval: Duration::from_millis(500), next: begun };
        let patience = Duration::from_millis(1_000);
        let cases =
            [(0, 0), (0, 500), (0, 1_000), (0, -1_500), (200, -1_300), (600, 900), (10_000, 0), (10_499, 1)];
        for (now, expected) in cases {
            assert_eq!(millis(pace.take(at(now), patience)), expected, "at {now}");
        }
        let mut free = Pace { interval: Duration::ZERO, next: begun };
        assert!((0..1_000).all(|_| free.take(at(0), patience) == Ok(Duration::ZERO)));
    }

    #[tokio::test]
    async fn only_so_many_are_under_way() {
        let limit = Limit::new(Allowance { at_once: 2, per_second: None });
        let (first, second) = (limit.enter().await.unwrap(), limit.enter().await.unwrap());
        assert_eq!(limit.enter().await.err(), Some(SendError::Busy { wait: TimeDelta::seconds(1) }));
        drop((first, second));
        assert!(limit.enter().await.is_ok());
    }

    #[tokio::test]
    async fn a_provider_that_asks_for_rest_gets_it() {
        let limit = Limit::new(Allowance { at_once: 2, per_second: Some(1_000.0) });
        assert!(limit.enter().await.is_ok());
        limit.rest(TimeDelta::minutes(2));
        assert_eq!(limit.enter().await.err(), Some(SendError::Busy { wait: TimeDelta::seconds(120) }));
    }
}
