//! What can be asked about a running bus: its state in words for health, its counts for metrics.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use crate::jobs::JobNumbers;

/// How well one service's bus works. Writes go on in every state: events wait in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusState {
    /// Events go out and come in.
    Up,
    /// It is on its way up.
    Starting,
    /// Events wait; it comes back by itself when the cause is gone.
    Waiting,
    /// A part of it has ended, which must not happen before a stop.
    Down,
}

/// The health of one service's bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusHealth {
    /// In one word.
    pub state: BusState,
    /// In a sentence; never a secret, never what an event says.
    pub detail: String,
    /// How long the broker took to answer, the last time it was asked (at each sweep); none without a broker, or while it
    /// is away.
    pub latency: Option<Duration>,
    /// Events in the outbox when it was last measured (at each sweep).
    pub outbox_depth: i64,
    /// When the oldest of them was written.
    pub outbox_oldest: Option<DateTime<Utc>>,
}

/// Counts since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BusNumbers {
    /// Events handed to the broker (in process: to every subscriber).
    pub published: u64,
    /// Of those, events that no queue is bound to.
    pub unrouted: u64,
    /// Deliveries whose effect is committed, doubles included.
    pub consumed: u64,
    /// Attempts that failed and were put off.
    pub retried: u64,
    /// Events put to the dead letters.
    pub dead: u64,
    /// Times that a connection to the broker was lost or refused.
    pub interruptions: u64,
}

/// A part of the bus.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Half {
    Relay,
    Consumer,
    /// Those who do jobs.
    Jobs,
}

#[derive(Debug, Clone, Default)]
enum Side {
    /// This service has no such half.
    #[default]
    None,
    Starting,
    Up,
    Waiting(String),
}

#[derive(Default)]
struct Sides {
    relay: Side,
    consumer: Side,
    jobs: Side,
    latency: Option<Duration>,
    depth: i64,
    oldest: Option<DateTime<Utc>>,
}

#[derive(Default)]
pub(crate) struct Board {
    sides: Mutex<Sides>,
    jobs: Mutex<BTreeMap<&'static str, JobNumbers>>,
    pub published: AtomicU64,
    pub unrouted: AtomicU64,
    pub consumed: AtomicU64,
    pub retried: AtomicU64,
    pub dead: AtomicU64,
    pub interruptions: AtomicU64,
}

/// Adds to a count.
pub(crate) fn add(count: &AtomicU64, by: usize) {
    count.fetch_add(u64::try_from(by).unwrap_or(0), Ordering::Relaxed);
}

impl Board {
    pub fn starting(&self, half: Half) {
        self.set(half, Side::Starting);
    }

    pub fn up(&self, half: Half) {
        self.set(half, Side::Up);
    }

    pub fn waiting(&self, half: Half, detail: String) {
        self.set(half, Side::Waiting(detail));
    }

    pub fn depth(&self, count: i64, oldest: Option<DateTime<Utc>>) {
        let mut sides = self.sides.lock();
        sides.depth = count;
        sides.oldest = oldest;
    }

    pub fn count_jobs(&self, queue: &'static str, change: impl FnOnce(&mut JobNumbers)) {
        change(self.jobs.lock().entry(queue).or_default());
    }

    pub fn jobs(&self) -> BTreeMap<&'static str, JobNumbers> {
        self.jobs.lock().clone()
    }

    pub fn answered(&self, latency: Duration) {
        self.sides.lock().latency = Some(latency);
    }

    fn set(&self, half: Half, side: Side) {
        let mut sides = self.sides.lock();
        if matches!(side, Side::Waiting(_)) {
            sides.latency = None;
        }
        match half {
            Half::Relay => sides.relay = side,
            Half::Consumer => sides.consumer = side,
            Half::Jobs => sides.jobs = side,
        }
    }

    pub fn numbers(&self) -> BusNumbers {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        BusNumbers {
            published: get(&self.published),
            unrouted: get(&self.unrouted),
            consumed: get(&self.consumed),
            retried: get(&self.retried),
            dead: get(&self.dead),
            interruptions: get(&self.interruptions),
        }
    }

    pub fn health(&self, all_tasks_run: bool) -> BusHealth {
        let sides = self.sides.lock();
        let (state, detail) = if all_tasks_run {
            together(&sides)
        } else {
            (BusState::Down, "a task of the bus has ended".into())
        };
        let (latency, outbox_depth, outbox_oldest) = (sides.latency, sides.depth, sides.oldest);
        BusHealth { state, detail, latency, outbox_depth, outbox_oldest }
    }
}

fn together(sides: &Sides) -> (BusState, String) {
    let mut causes = Vec::new();
    let mut starting = false;
    for (name, side) in [("relay", &sides.relay), ("consumer", &sides.consumer), ("jobs", &sides.jobs)] {
        match side {
            Side::None | Side::Up => {}
            Side::Starting => starting = true,
            Side::Waiting(detail) => causes.push(format!("{name}: {detail}")),
        }
    }
    if !causes.is_empty() {
        return (BusState::Waiting, causes.join("; "));
    }
    if starting { (BusState::Starting, "starting".into()) } else { (BusState::Up, "events flow".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_half_that_waits_shows_and_passes() {
        let board = Board::default();
        board.starting(Half::Relay);
        assert_eq!(board.health(true).state, BusState::Starting);
        board.up(Half::Relay);
        board.waiting(Half::Consumer, "the broker is away".into());
        let health = board.health(true);
        assert_eq!(
            (health.state, health.detail.as_str()),
            (BusState::Waiting, "consumer: the broker is away")
        );
        board.up(Half::Consumer);
        assert_eq!(board.health(true).state, BusState::Up);
        assert_eq!(board.health(false).state, BusState::Down);
    }
}
