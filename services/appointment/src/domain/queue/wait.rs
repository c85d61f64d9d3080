//! How long somebody will wait: an estimate of what has been so far today.

use chrono::TimeDelta;

/// Where nobody was served yet today.
const USUAL: TimeDelta = TimeDelta::minutes(10);
/// A desk that somebody forgot to close must not make everybody's wait a day.
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// How long a desk is taken by one person: the mean of these times, or what is usual where there are none.
pub fn average_service(served: &[TimeDelta]) -> TimeDelta {
    let sane = served.iter().map(|time| (*time).clamp(TimeDelta::zero(), LONGEST));
    let sum: TimeDelta = sane.sum();
    match i32::try_from(served.len()) {
        Ok(count) if count > 0 => sum / count,
        _ => USUAL,
    }
}

/// How long the one with so many `ahead` waits, when so many of the desks are taken. Nobody, where a desk is free for
/// them already; else a round for each time that all desks must become free before.
pub fn wait(ahead: usize, desks: usize, taken: usize, each: TimeDelta) -> TimeDelta {
    let desks = desks.max(1);
    let free = desks.saturating_sub(taken);
    let rounds = match ahead.checked_sub(free) {
        None => 0,
        Some(behind) => behind / desks + 1,
    };
    each * i32::try_from(rounds).unwrap_or(i32::MAX)
}
