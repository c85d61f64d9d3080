//! How long to wait for a server that asks for it, and how often.

use std::time::Duration;

/// Bounds of waiting; the defaults suit a server that restarts or limits rates.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The first wait; each next one is twice as long.
    pub first_wait: Duration,
    /// No wait is longer, unless the server asks for more.
    pub longest_wait: Duration,
    /// How long all waits of one request may be together while the server is busy or gone.
    pub busy: Duration,
    /// The same while it answers that this account has asked too much: it says itself when to come back.
    pub limited: Duration,
    /// Is told of each such wait before it begins.
    pub tell_limited: fn(Duration),
    /// How long an appointment may wait for the appointment service to learn of its patient and practitioner,
    /// which it does by events.
    pub settling: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_secs(5),
            busy: Duration::from_secs(120),
            limited: Duration::from_secs(120),
            tell_limited: |_| {},
            settling: Duration::from_secs(30),
        }
    }
}

impl Patience {
    /// The waits of a request to a busy server.
    pub fn while_busy(&self) -> Backoff {
        Backoff { next: self.first_wait, longest: self.longest_wait, left: self.busy }
    }

    /// The waits of a request for which the account has asked too much.
    pub fn while_limited(&self) -> Backoff {
        Backoff { next: self.first_wait, longest: self.longest_wait, left: self.limited }
    }

    /// The waits of an appointment whose patient is not known yet.
    pub fn while_settling(&self) -> Backoff {
        Backoff { next: self.first_wait, longest: self.longest_wait, left: self.settling }
    }
}

/// Waits that double until none is left.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
    left: Duration,
}

impl Backoff {
    /// Waits once more, `at_least` so long; false at once when that would be too long in all.
    pub async fn wait(&mut self, at_least: Option<Duration>) -> bool {
        self.wait_and_tell(at_least, |_| {}).await
    }

    /// The same; says before for how long.
    pub async fn wait_and_tell(&mut self, at_least: Option<Duration>, tell: fn(Duration)) -> bool {
        let Some(wait) = self.take(at_least.unwrap_or_default()) else { return false };
        tell(wait);
        tokio::time::sleep(wait).await;
        true
    }

    fn take(&mut self, at_least: Duration) -> Option<Duration> {
        let wait = self.next.max(at_least);
        self.left = self.left.checked_sub(wait)?;
        self.next = self.next.saturating_mul(2).min(self.longest);
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let seconds = Duration::from_secs;
        let mut backoff = Backoff { next: seconds(1), longest: seconds(3), left: seconds(10) };
        let waits: Vec<_> = std::iter::from_fn(|| backoff.take(Duration::ZERO)).collect();
        assert_eq!(waits, [1, 2, 3, 3].map(seconds), "1 s is left, too little for the next");
    }

    #[test]
    fn the_server_may_ask_for_a_longer_wait_but_not_for_more_than_is_left() {
        let seconds = Duration::from_secs;
        let mut backoff = Backoff { next: seconds(1), longest: seconds(3), left: seconds(10) };
        assert_eq!(backoff.take(seconds(7)), Some(seconds(7)));
        assert_eq!(backoff.take(seconds(60)), None);
        assert_eq!(backoff.take(Duration::ZERO), Some(seconds(2)));
    }
}
