//! Half-open time slots: `[start, end)`. Two slots that only touch do not overlap.

use chrono::{DateTime, TimeDelta, Utc};

/// From `start` up to, but not including, `end`; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSlot {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

/// A slot that would end before it has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("end must be after start")]
pub struct EmptySlot;

impl TimeSlot {
    /// A slot, if it has any length.
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Result<Self, EmptySlot> {
        if start < end { Ok(Self { start, end }) } else { Err(EmptySlot) }
    }

    /// Its first moment.
    pub fn start(self) -> DateTime<Utc> {
        self.start
    }

    /// The first moment after it.
    pub fn end(self) -> DateTime<Utc> {
        self.end
    }

    /// How long it lasts.
    pub fn duration(self) -> TimeDelta {
        self.end - self.start
    }

    /// Whether the two have a moment in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(from: i64, to: i64) -> TimeSlot {
        let at = |minute| DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        TimeSlot::new(at(from), at(to)).unwrap()
    }

    #[test]
    fn overlap_is_a_moment_in_common() {
        let cases = [
            ((0, 30), (30, 60), false, "touching"),
            ((0, 30), (29, 60), true, "one minute"),
            ((0, 60), (10, 20), true, "inside"),
            ((0, 30), (0, 30), true, "equal"),
            ((0, 30), (40, 60), false, "apart"),
        ];
        for ((a, b), (c, d), expected, case) in cases {
            assert_eq!(slot(a, b).overlaps(slot(c, d)), expected, "{case}");
            assert_eq!(slot(c, d).overlaps(slot(a, b)), expected, "{case}, the other way round");
        }
    }

    #[test]
    fn a_slot_is_never_empty() {
        let at = DateTime::UNIX_EPOCH;
        assert_eq!(TimeSlot::new(at, at), Err(EmptySlot));
        assert_eq!(TimeSlot::new(at + TimeDelta::seconds(1), at), Err(EmptySlot));
    }
}
