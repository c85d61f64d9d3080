//! What came of the requests.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::work::Outcome;

/// Counts and latencies.
#[derive(Debug, Default)]
pub struct Tally {
    /// How long each request took that was done, in microseconds: as many as there were, so that a percentile is
    /// one of them and no estimate.
    latencies: Vec<u32>,
    conflicts: u32,
    /// By status; none stands for a connection that broke or an answer that did not come.
    failures: BTreeMap<Option<StatusCode>, u32>,
}

impl Tally {
    /// Counts an answer.
    pub fn add(&mut self, outcome: Outcome, status: StatusCode, took: Duration) {
        match outcome {
            Outcome::Done => self.latencies.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX)),
            Outcome::Conflict => self.conflicts += 1,
            Outcome::Failed => *self.failures.entry(Some(status)).or_default() += 1,
        }
    }

    /// Counts a request without an answer.
    pub fn add_broken(&mut self) {
        *self.failures.entry(None).or_default() += 1;
    }

    /// Adds what another connection has counted.
    pub fn merge(&mut self, other: Tally) {
        self.latencies.extend(other.latencies);
        self.conflicts += other.conflicts;
        for (status, count) in other.failures {
            *self.failures.entry(status).or_default() += count;
        }
    }

    /// Sums it up.
    pub fn report(mut self, elapsed: Duration) -> Report {
        self.latencies.sort_unstable();
        let seconds = elapsed.as_secs_f64();
        let done = u32::try_from(self.latencies.len()).unwrap_or(u32::MAX);
        Report {
            per_second: f64::from(done) / seconds,
            p50: percentile(&self.latencies, 50),
            p99: percentile(&self.latencies, 99),
            conflicts_per_second: f64::from(self.conflicts) / seconds,
            failures: self.failures,
        }
    }
}

/// The nearest rank: the smallest value that is not below so many per cent of all. `None` of nothing.
pub(crate) fn percentile(sorted: &[u32], per_cent: usize) -> Option<Duration> {
    let rank = (sorted.len() * per_cent).div_ceil(100);
    let micros = sorted.get(rank.checked_sub(1)?)?;
    Some(Duration::from_micros(u64::from(*micros)))
}

/// What a run has shown. It is written as one line of `name=value`, which scripts read.
#[derive(Debug)]
pub struct Report {
    /// Requests that did what they were for.
    pub per_second: f64,
    /// How long half of those took at most.
    pub p50: Option<Duration>,
    /// How long 99 of 100 of those took at most.
    pub p99: Option<Duration>,
    /// Bookings of a slot that was taken.
    pub conflicts_per_second: f64,
    /// All else, by status; none stands for no answer.
    pub failures: BTreeMap<Option<StatusCode>, u32>,
}

impl Report {
    /// How many requests failed.
    pub fn failed(&self) -> u32 {
        self.failures.values().sum()
    }

    /// The failures by status: `503:4,broken:1`, or `-` if there are none.
    pub(crate) fn failures_by_status(&self) -> String {
        let each = self.failures.iter().map(|(status, count)| match status {
            Some(status) => format!("{}:{count}", status.as_u16()),
            None => format!("broken:{count}"),
        });
        let all: Vec<_> = each.collect();
        if all.is_empty() { "-".to_owned() } else { all.join(",") }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |value: Option<Duration>| match value {
            Some(value) => format!("{:.3}", value.as_secs_f64() * 1_000.0),
            None => "-".to_owned(),
        };
        write!(
            f,
            "per_s={:.1} p50_ms={} p99_ms={} conflicts_per_s={:.1} failed={} failures={}",
            self.per_second,
            milliseconds(self.p50),
            milliseconds(self.p99),
            self.conflicts_per_second,
            self.failed(),
            self.failures_by_status(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let hundred: Vec<u32> = (1..=100).collect();
        let cases: [(&[u32], usize, Option<u64>); 7] = [
            (&[], 50, None),
            (&[7], 50, Some(7)),
            (&[7], 99, Some(7)),
            (&[1, 2, 3], 50, Some(2)),
            (&[1, 2, 3, 4], 50, Some(2)),
            (&hundred, 50, Some(50)),
            (&hundred, 99, Some(99)),
        ];
        for (values, per_cent, expected) in cases {
            assert_eq!(
                percentile(values, per_cent),
                expected.map(Duration::from_micros),
                "{values:?} {per_cent}"
            );
        }
    }

    #[test]
    fn the_report_keeps_what_is_done_apart_from_conflicts_and_failures() {
        let (mut one, mut two) = (Tally::default(), Tally::default());
        for micros in [4_000, 1_000, 3_000, 2_000] {
            one.add(Outcome::Done, StatusCode::CREATED, Duration::from_micros(micros));
        }
        two.add(Outcome::Conflict, StatusCode::CONFLICT, Duration::from_secs(9));
        two.add(Outcome::Failed, StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(9));
        two.add(Outcome::Failed, StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(9));
        two.add_broken();
        one.merge(two);
        assert_eq!(
            one.report(Duration::from_secs(2)).to_string(),
            "per_s=2.0 p50_ms=2.000 p99_ms=4.000 conflicts_per_s=0.5 failed=3 failures=broken:1,503:2"
        );
    }

    #[test]
    fn a_run_in_which_nothing_came_back_has_no_latencies() {
        assert_eq!(
            Tally::default().report(Duration::from_secs(1)).to_string(),
            "per_s=0.0 p50_ms=- p99_ms=- conflicts_per_s=0.0 failed=0 failures=-"
        );
    }
}
