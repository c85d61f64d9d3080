//! The order of the queue: triage first, then the time of the appointment or of the arrival, as one pure function.

use std::cmp::Ordering;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Ticket, Triage};

/// Who comes later than this after the beginning of the appointment has lost its turn, and waits from the arrival on.
const GRACE: TimeDelta = TimeDelta::minutes(15);
/// The room between two neighbours of the same moment, for those who are moved between them.
const ROOM: i64 = 1 << 32;

/// The place of a ticket in the order; what is less comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The rank of its triage.
    pub triage: i64,
    /// The appointment's time, or the arrival.
    pub at: DateTime<Utc>,
    /// Which of several of one moment.
    pub sub: i64,
}

impl Place {
    /// The place of somebody who arrives as the `nth` of the day.
    pub fn of_arrival(triage: Triage, due: DateTime<Utc>, nth: i64) -> Self {
        Self { triage: triage.rank(), at: due, sub: nth.saturating_mul(ROOM) }
    }
}

/// Since when somebody's turn has come: with an appointment its time, where they are there for it; else the arrival.
pub fn due(appointment: Option<DateTime<Utc>>, arrived_at: DateTime<Utc>) -> DateTime<Utc> {
    match appointment {
        Some(start) if arrived_at <= start + GRACE => start,
        _ => arrived_at,
    }
}

/// Whose turn comes before whose.
pub fn by_turn(one: &Ticket, other: &Ticket) -> Ordering {
    (one.place, one.arrived_at, one.id).cmp(&(other.place, other.arrived_at, other.id))
}

/// The place that makes a ticket the one at `position` (from 1) among these, which wait in order and are without it. A
/// position behind the last is the end.
pub fn place_at(others: &[Ticket], position: usize, own: Place) -> Place {
    let index = position.saturating_sub(1).min(others.len());
    let before = index.checked_sub(1).and_then(|index| others.get(index)).map(|ticket| ticket.place);
    match (before, others.get(index).map(|ticket| ticket.place)) {
        (None, None) => own,
        (Some(before), None) => Place { sub: before.sub.saturating_add(ROOM), ..before },
        (Some(before), Some(after)) if (before.triage, before.at) == (after.triage, after.at) => {
            let half = after.sub.saturating_sub(before.sub) / 2;
            Place { sub: before.sub.saturating_add(half), ..before }
        }
        (_, Some(after)) => Place { sub: after.sub.saturating_sub(ROOM), ..after },
    }
}
