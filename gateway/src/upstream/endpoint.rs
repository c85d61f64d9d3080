//! One address of a service, and what the gateway has seen of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use http::HeaderValue;
use url::Url;

use super::clock::Millis;
use super::settings::{Ejection, Health};

/// One address of a service. What was seen of it stays when the table is read again.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `host:port`.
    pub address: Arc<str>,
    /// The same as the value of `Host`.
    pub host: HeaderValue,
    /// Its part of the requests, beside the weights of the others.
    pub weight: u32,
    /// What was seen of it.
    pub seen: Arc<Seen>,
}

/// What was seen of an address, by all workers and by the health checks.
#[derive(Debug, Default)]
pub struct Seen {
    active: AtomicU32,
    failures: AtomicU32,
    ejected_until: AtomicU64,
    /// How often it was ejected without having been well for long in between.
    ejections: AtomicU32,
    down: AtomicBool,
    /// When the next health check is due.
    due: AtomicU64,
    bad_answers: AtomicU32,
    good_answers: AtomicU32,
}

/// What an answer to a health check means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Examined {
    /// The endpoint was up and is down, or the other way round.
    pub changes: bool,
    /// It is the first good answer after a bad one.
    pub recovers: bool,
}

impl Endpoint {
    /// The endpoint at `url`, which is `http://host` or `http://host:port`.
    pub fn new(url: &str, weight: u32) -> Result<Self, &'static str> {
        if !url.starts_with("http://") {
            return Err("must begin with http://");
        }
        let parsed = Url::parse(url).map_err(|_| "is not a URL")?;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err("must not hold a user");
        }
        if parsed.path() != "/" || parsed.query().is_some() || parsed.fragment().is_some() {
            return Err("must end after host and port");
        }
        let host = parsed.host_str().ok_or("is not a URL")?;
        let address = format!("{host}:{}", parsed.port_or_known_default().unwrap_or(80));
        let host = HeaderValue::from_str(&address).map_err(|_| "is not a URL")?;
        Ok(Self { address: address.into(), host, weight, seen: Arc::default() })
    }
}

impl Seen {
    /// Requests under way.
    pub fn active(&self) -> u32 {
        self.active.load(Ordering::Relaxed)
    }

    /// Whether a request should go there: it is neither ejected nor down.
    pub fn is_usable(&self, now: Millis) -> bool {
        !self.is_down() && !self.is_ejected(now)
    }

    /// Whether the health checks say that it is down.
    pub fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    /// Whether it is left out because it failed.
    pub fn is_ejected(&self, now: Millis) -> bool {
        now < self.ejected_until.load(Ordering::Relaxed)
    }

    /// Whether it is time to ask for its health; if so, the next time is so much later.
    pub(super) fn is_due(&self, now: Millis, interval: Millis) -> bool {
        let is_due = now >= self.due();
        if is_due {
            self.due.store(now.saturating_add(interval), Ordering::Relaxed);
        }
        is_due
    }

    /// When the next health check is due.
    pub(super) fn due(&self) -> Millis {
        self.due.load(Ordering::Relaxed)
    }

    /// Notes that a request goes there.
    pub(super) fn begin(&self) {
        self.active.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that it is over.
    pub(super) fn end(&self) {
        self.active.fetch_sub(1, Ordering::Relaxed);
    }

    /// Notes a good answer.
    pub(super) fn succeed(&self) {
        // Mostly there is nothing to write that other workers would have to fetch.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// Notes a failure, and says whether it is one too many in a row.
    pub(super) fn fail(&self, rule: &Ejection) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        rule.failures > 0 && failures >= rule.failures
    }

    /// Leaves it out: each time for twice as long, unless it has been well for the longest time in between.
    /// The caller sees to it that nobody else does so at the same time.
    pub(super) fn eject(&self, rule: &Ejection, now: Millis) -> Millis {
        let back_since = now.saturating_sub(self.ejected_until.load(Ordering::Relaxed));
        let times = if back_since > rule.longest_ms { 0 } else { self.ejections.load(Ordering::Relaxed) };
        let time = rule.first_ms.saturating_mul(1 << times.min(32)).min(rule.longest_ms);
        self.ejections.store(times.saturating_add(1), Ordering::Relaxed);
        self.failures.store(0, Ordering::Relaxed);
        self.ejected_until.store(now.saturating_add(time), Ordering::Relaxed);
        time
    }

    /// Notes an answer to a health check.
    pub(super) fn examined(&self, rule: &Health, good: bool) -> Examined {
        let recovers = good && self.bad_answers.load(Ordering::Relaxed) > 0;
        let (more, fewer, enough) = match good {
            true => (&self.good_answers, &self.bad_answers, rule.healthy),
            false => (&self.bad_answers, &self.good_answers, rule.unhealthy),
        };
        fewer.store(0, Ordering::Relaxed);
        let count = more.load(Ordering::Relaxed).saturating_add(1);
        more.store(count, Ordering::Relaxed);
        let changes = count >= enough && self.is_down() == good;
        if changes {
            self.down.store(!good, Ordering::Relaxed);
            if good {
                // It was seen to be well: what happened before no longer counts.
                self.failures.store(0, Ordering::Relaxed);
                self.ejected_until.store(0, Ordering::Relaxed);
            }
        }
        Examined { changes, recovers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ejection_grows_until_it_has_been_well_for_long() {
        let rule = Ejection { failures: 5, first_ms: 100, longest_ms: 350 };
        let seen = Seen::default();
        assert_eq!(seen.eject(&rule, 1_000), 100);
        assert!(seen.is_ejected(1_099) && !seen.is_ejected(1_100));
        assert_eq!(seen.eject(&rule, 1_200), 200);
        assert_eq!(seen.eject(&rule, 1_500), 350);
        assert_eq!(seen.eject(&rule, 1_850 + 350), 350, "not well for long enough");
        assert_eq!(seen.eject(&rule, 2_550 + 351), 100);
    }

    #[test]
    fn failures_count_in_a_row() {
        let rule = Ejection { failures: 3, ..Ejection::default() };
        let seen = Seen::default();
        let fails = [seen.fail(&rule), seen.fail(&rule)];
        seen.succeed();
        assert_eq!(
            (fails, seen.fail(&rule), seen.fail(&rule), seen.fail(&rule)),
            ([false; 2], false, false, true)
        );
    }

    #[test]
    fn the_first_good_answer_after_a_bad_one_is_a_recovery() {
        let (rule, seen) = (Health::default(), Seen::default());
        let answers = [true, false, false, true, true];
        let recoveries = answers.map(|good| seen.examined(&rule, good).recovers);
        assert_eq!(recoveries, [false, false, false, true, false]);
    }

    #[test]
    fn health_changes_after_answers_in_a_row() {
        let rule = Health { healthy: 2, unhealthy: 3, ..Health::default() };
        let seen = Seen::default();
        // Each answer, whether it changes the state, and whether it is down then.
        for (number, (good, changes, down)) in [
            (true, false, false),
            (false, false, false),
            (false, false, false),
            (true, false, false),
            (false, false, false),
            (false, false, false),
            (false, true, true),
            (false, false, true),
            (true, false, true),
            (false, false, true),
            (true, false, true),
            (true, true, false),
            (true, false, false),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(
                (seen.examined(&rule, good).changes, seen.is_down()),
                (changes, down),
                "answer {number}"
            );
        }
    }
}
