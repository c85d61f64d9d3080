//! Refresh tokens rotate: each use gives the next one (RFC 9700, 4.14.2). All tokens that follow from one sign-in
//! are a family, in generations. Whoever shows one that was replaced long ago has found or stolen it, or was
//! stolen from: the whole family ends.

use chrono::{DateTime, TimeDelta, Utc};

/// How long a refresh token lives.
pub const LIFETIME: TimeDelta = TimeDelta::days(30);

/// For how long the immediate predecessor is tolerated, once: the answer with its successor may have been lost, or
/// two tabs of one browser asked at the same time.
pub const GRACE: TimeDelta = TimeDelta::seconds(30);

/// What is known of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// The current generation.
    pub generation: i64,
    /// Since when it is current.
    pub rotated_at: DateTime<Utc>,
    /// Whether its predecessor was tolerated already.
    pub grace_spent: bool,
    /// Whether the family has ended.
    pub revoked: bool,
}

/// What is known of the token that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// Its generation.
    pub generation: i64,
    /// From when on it is no longer valid.
    pub expires_at: DateTime<Utc>,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is current: a new generation begins.
    Rotate,
    /// It is the immediate predecessor: a sibling of the current token is given, and the grace is spent.
    Tolerate,
    /// It was replaced: the family ends.
    Reused,
    /// It is too old.
    Expired,
    /// Its family has ended before.
    Revoked,
}

/// Decides about a token of this family.
pub fn decide(family: &Family, token: &Presented, now: DateTime<Utc>) -> Decision {
    if family.revoked {
        return Decision::Revoked;
    }
    if token.expires_at <= now {
        return Decision::Expired;
    }
    if token.generation == family.generation {
        return Decision::Rotate;
    }
    let predecessor = token.generation == family.generation - 1;
    let in_time = now <= family.rotated_at + GRACE;
    if predecessor && in_time && !family.grace_spent { Decision::Tolerate } else { Decision::Reused }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_token_is_judged_by_its_place_in_the_family() {
        let day = 86_400;
        // The family is at generation 5 since second 0; tokens live 30 days.
        let cases = [
            // (generation, shown at, grace spent, revoked, expected)
            (5, 0, false, false, Decision::Rotate),
            (5, 20 * day, false, false, Decision::Rotate),
            (5, 20 * day, true, false, Decision::Rotate),
            (5, 30 * day - 1, false, false, Decision::Rotate),
            (5, 30 * day, false, false, Decision::Expired),
            (4, 0, false, false, Decision::Tolerate),
            (4, 30, false, false, Decision::Tolerate),
            (4, 31, false, false, Decision::Reused),
            (4, 5, true, false, Decision::Reused),
            (3, 0, false, false, Decision::Reused),
            (0, 5, false, false, Decision::Reused),
            (4, 30 * day, false, false, Decision::Expired),
            (5, 0, false, true, Decision::Revoked),
            (4, 0, false, true, Decision::Revoked),
            (5, 30 * day, false, true, Decision::Revoked),
        ];
        for (generation, seconds, grace_spent, revoked, expected) in cases {
            let family = Family { generation: 5, rotated_at: at(0), grace_spent, revoked };
            let token = Presented { generation, expires_at: at(0) + LIFETIME };
            let case = (generation, seconds, grace_spent, revoked);
            assert_eq!(decide(&family, &token, at(seconds)), expected, "{case:?}");
        }
    }
}
