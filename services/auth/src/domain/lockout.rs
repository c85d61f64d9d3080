//! How failed attempts make the next one wait. What is counted is a subject: an account for all who come with a
//! device that is not known, a known device by itself, or a name that belongs to nobody. So a stranger can make
//! strangers wait, and never somebody who comes with their own device or is signed in.

use chrono::{DateTime, TimeDelta, Utc};

/// So many attempts may fail before the first wait.
const FREE: i64 = 4;
/// The first wait; each further failure doubles it.
const FIRST_WAIT: i64 = 5;
/// The longest wait.
const LONGEST_WAIT: i64 = 15 * 60;
/// Failures are forgotten when there was none for so long.
pub const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(24);

/// The failures of one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// How many there were, one after the other.
    pub failures: i64,
    /// When the last one was.
    pub last_failed_at: DateTime<Utc>,
}

/// For how long nothing is accepted after so many failures: 5 seconds after the fifth, 10, 20 and so on, at most
/// 15 minutes.
pub fn wait_after(failures: i64) -> Option<TimeDelta> {
    if failures <= FREE {
        return None;
    }
    let doublings = u32::try_from(failures - FREE - 1).unwrap_or(u32::MAX);
    let seconds = FIRST_WAIT.checked_mul(2_i64.checked_pow(doublings).unwrap_or(i64::MAX));
    Some(TimeDelta::seconds(seconds.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)))
}

impl Tally {
    /// One failure more.
    pub fn failed(before: Option<&Self>, now: DateTime<Utc>) -> Self {
        let counted = before.filter(|tally| now < tally.last_failed_at + FORGOTTEN_AFTER);
        Self { failures: counted.map_or(0, |tally| tally.failures) + 1, last_failed_at: now }
    }

    /// Until when nothing is accepted; none when something is.
    pub fn locked_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        wait_after(self.failures).map(|wait| self.last_failed_at + wait).filter(|until| now < *until)
    }
}

/// The whole seconds until a moment, at least one, for `Retry-After`.
pub fn seconds_until(until: DateTime<Utc>, now: DateTime<Utc>) -> u32 {
    let millis = (until - now).num_milliseconds().max(1);
    u32::try_from((millis + 999) / 1_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let cases = [
            (0, None),
            (4, None),
            (5, Some(5)),
            (6, Some(10)),
            (7, Some(20)),
            (8, Some(40)),
            (9, Some(80)),
            (10, Some(160)),
            (11, Some(320)),
            (12, Some(640)),
            (13, Some(900)),
            (14, Some(900)),
            (70, Some(900)),
            (1_000_000, Some(900)),
            (i64::MAX, Some(900)),
        ];
        for (failures, seconds) in cases {
            assert_eq!(wait_after(failures), seconds.map(TimeDelta::seconds), "{failures}");
        }
    }

    #[test]
    fn a_subject_is_locked_until_its_wait_is_over() {
        let tally = Tally { failures: 6, last_failed_at: at(0) };
        assert_eq!(tally.locked_until(at(0)), Some(at(10)));
        assert_eq!(tally.locked_until(at(9)), Some(at(10)));
        assert_eq!(tally.locked_until(at(10)), None);
        assert_eq!(Tally { failures: 4, last_failed_at: at(0) }.locked_until(at(0)), None);
    }

    #[test]
    fn failures_add_up_until_there_was_none_for_a_day() {
        let one = Tally::failed(None, at(0));
        assert_eq!(one, Tally { failures: 1, last_failed_at: at(0) });
        let two = Tally::failed(Some(&one), at(86_399));
        assert_eq!(two, Tally { failures: 2, last_failed_at: at(86_399) });
        let later = Tally::failed(Some(&two), at(86_399 + 86_400));
        assert_eq!(later.failures, 1);
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds() {
        assert_eq!(seconds_until(at(5), at(0)), 5);
        assert_eq!(seconds_until(at(5), at(4) + TimeDelta::milliseconds(1)), 1);
        assert_eq!(seconds_until(at(0), at(0)), 1);
    }
}
