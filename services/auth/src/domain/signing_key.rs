//! When a key signs, when it is published, and when another one follows it. Who checks tokens learns a key before the
//! first token is signed with it, and keeps it until the last one has expired.

use chrono::{DateTime, TimeDelta, Utc};

/// For how long a key is published before it signs: longer than anybody keeps the published set (five minutes).
pub const LEAD: TimeDelta = TimeDelta::minutes(10);

/// The time in which a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// From.
    pub from: DateTime<Utc>,
    /// Up to, not including; until further notice when there is none.
    pub until: Option<DateTime<Utc>>,
}

/// What is to be done about the newest key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Another one follows it, and signs from then on.
    Follow(DateTime<Utc>),
    /// It does not sign yet: it follows another one itself.
    IsNext,
    /// It is young enough.
    Wait,
}

impl Use {
    /// Whether the key signs now.
    pub fn is_now(self, now: DateTime<Utc>) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }

    /// Whether tokens that it signed may still be valid, when none lives longer than `longest`.
    pub fn is_of_meaning(self, longest: TimeDelta, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until + longest)
    }

    /// Decides about the newest key, when each signs for `period`, or at once because somebody asks.
    pub fn decide(self, period: TimeDelta, asked: bool, now: DateTime<Utc>) -> Decision {
        match () {
            () if now < self.from => Decision::IsNext,
            () if asked || self.from + period <= now + LEAD => Decision::Follow(now + LEAD),
            () => Decision::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + 60 * minutes, 0).unwrap()
    }

    #[test]
    fn a_key_is_followed_in_good_time() {
        let day = 1_440;
        let newest = Use { from: at(0), until: None };
        // Keys sign for a day.
        let cases = [
            (-1, false, Decision::IsNext),
            (-1, true, Decision::IsNext),
            (0, false, Decision::Wait),
            (0, true, Decision::Follow(at(10))),
            (day - 11, false, Decision::Wait),
            (day - 10, false, Decision::Follow(at(day))),
            (9 * day, false, Decision::Follow(at(9 * day + 10))),
        ];
        for (minutes, asked, expected) in cases {
            assert_eq!(newest.decide(TimeDelta::days(1), asked, at(minutes)), expected, "{minutes} {asked}");
        }
    }

    #[test]
    fn a_key_signs_for_its_time_and_is_known_until_its_last_token_has_expired() {
        let first = Use { from: at(0), until: Some(at(100)) };
        let longest = TimeDelta::minutes(15);
        for (minutes, signs, of_meaning) in [
            (-1, false, true),
            (0, true, true),
            (99, true, true),
            (100, false, true),
            (114, false, true),
            (115, false, false),
        ] {
            assert_eq!(first.is_now(at(minutes)), signs, "{minutes}");
            assert_eq!(first.is_of_meaning(longest, at(minutes)), of_meaning, "{minutes}");
        }
        assert!(Use { from: at(0), until: None }.is_of_meaning(longest, at(1_000_000)));
    }
}
