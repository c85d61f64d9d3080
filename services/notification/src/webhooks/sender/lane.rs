//! What was taken up for one webhook: it waits for a place, or is under way. Rules alone; the time is given.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Deliveries to one webhook that are under way at the same time, in one process.
pub const PLACES: usize = 16;
/// So much is taken up beyond the free places as goes out in this time, so that no place waits for the database ...
const AHEAD: Duration = Duration::from_millis(250);
/// ... and never more than this.
const MOST_AHEAD: usize = 512;
/// What has waited for a place for so long is put back: its webhook has become slow, and may have been changed meanwhile.
pub const FRESH: Duration = Duration::from_secs(1);

/// One webhook's.
#[derive(Debug)]
pub struct Lane<T> {
    waiting: VecDeque<(Instant, T)>,
    under_way: usize,
    /// How long an attempt takes, the latest above all; not known before the first has ended.
    took: Option<Duration>,
    /// There may be more that is due.
    more: bool,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), under_way: 0, took: None, more: false }
    }
}

impl<T> Lane<T> {
    /// How many may be taken up now: none as long as enough wait.
    pub fn room(&self) -> usize {
        let ahead = self.ahead();
        if self.waiting.len() > ahead / 2 {
            return 0;
        }
        (PLACES + ahead).saturating_sub(self.under_way + self.waiting.len())
    }

    /// How many may wait for a place: none where attempts take long.
    fn ahead(&self) -> usize {
        let Some(took) = self.took else { return 0 };
        let each = took.as_micros().max(1);
        let rounds = usize::try_from(AHEAD.as_micros() / each).unwrap_or(MOST_AHEAD);
        rounds.saturating_mul(PLACES).min(MOST_AHEAD)
    }

    /// Notes that there may be more than was taken up.
    pub fn leaves_some(&mut self) {
        self.more = true;
    }

    /// Whether it is time to look for more.
    pub fn is_hungry(&self, now: Instant) -> bool {
        (self.more && self.room() > 0) || self.is_stale(now)
    }

    /// Takes what was taken up; says how many places begin with it.
    pub fn add(&mut self, taken: impl IntoIterator<Item = T>, more: bool, now: Instant) -> usize {
        self.waiting.extend(taken.into_iter().map(|one| (now, one)));
        self.more = more;
        let begin = PLACES.saturating_sub(self.under_way).min(self.waiting.len());
        self.under_way += begin;
        begin
    }

    /// The next for a place; with none, the place is free.
    pub fn next(&mut self, now: Instant) -> Option<T> {
        let next = if self.is_stale(now) { None } else { self.waiting.pop_front() };
        if next.is_none() {
            self.under_way = self.under_way.saturating_sub(1);
        }
        next.map(|(_, one)| one)
    }

    /// An attempt has ended.
    pub fn ended(&mut self, took: Duration) {
        self.took = Some(self.took.map_or(took, |before| (before + took) / 2));
    }

    /// What has waited for too long. Nothing waits here again before an attempt has ended.
    pub fn stale(&mut self, now: Instant) -> Vec<T> {
        if !self.is_stale(now) {
            return Vec::new();
        }
        self.took = None;
        self.more = true;
        self.all_waiting()
    }

    /// All that waits.
    pub fn all_waiting(&mut self) -> Vec<T> {
        self.waiting.drain(..).map(|(_, one)| one).collect()
    }

    /// Whether anything waits for a place.
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether nothing of it is in hand.
    pub fn is_idle(&self) -> bool {
        self.under_way == 0 && self.waiting.is_empty()
    }

    fn is_stale(&self, now: Instant) -> bool {
        self.waiting.front().is_some_and(|(since, _)| now.duration_since(*since) >= FRESH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_millis(1);
    const SLOW: Duration = Duration::from_secs(20);

    /// A lane that has taken all it asked for, and whose first attempt has ended after so long.
    fn after(took: Duration, now: Instant) -> Lane<usize> {
        let mut lane = Lane::default();
        assert_eq!(lane.add(0..lane.room(), true, now), PLACES);
        (0..PLACES).for_each(|_| assert!(lane.next(now).is_some()));
        lane.ended(took);
        assert_eq!(lane.next(now), None, "nothing waits yet");
        lane
    }

    #[test]
    fn as_much_waits_as_goes_out_in_a_moment() {
        let now = Instant::now();
        let cases = [
            (Duration::ZERO, MOST_AHEAD),
            (FAST, MOST_AHEAD),
            (Duration::from_millis(20), 12 * PLACES),
            (Duration::from_millis(200), PLACES),
            (Duration::from_millis(251), 0),
            (SLOW, 0),
        ];
        for (took, ahead) in cases {
            let mut lane = after(took, now);
            assert!(lane.is_hungry(now));
            assert_eq!(lane.room(), ahead + 1, "{took:?}");
            assert_eq!(lane.add(0..ahead + 1, true, now), 1, "one place was free");
            let half = ahead / 2;
            while lane.waiting.len() > half + 1 {
                assert_eq!(lane.room(), 0, "more than half of it waits");
                lane.next(now);
            }
            lane.next(now);
            assert_eq!(lane.is_hungry(now), lane.room() > 0);
            assert_eq!(lane.room(), ahead - half);
        }
    }

    #[test]
    fn who_has_all_asks_for_no_more() {
        let now = Instant::now();
        let mut lane = after(FAST, now);
        lane.add(0..3, false, now);
        assert!(lane.room() > 0 && !lane.is_hungry(now));
        lane.leaves_some();
        assert!(lane.is_hungry(now));
    }

    #[test]
    fn what_waited_for_too_long_is_put_back_and_nothing_waits_until_an_attempt_ends() {
        let now = Instant::now();
        let mut lane = after(FAST, now);
        assert_eq!(lane.add(0..100, false, now), 1);
        assert_eq!(lane.next(now), Some(0));
        assert!(lane.stale(now + FRESH - FAST).is_empty());
        let later = now + FRESH;
        assert!(lane.is_hungry(later), "somebody must put it back");
        assert_eq!(lane.next(later), None, "it does not go out any more");
        assert_eq!(lane.stale(later), (1..100).collect::<Vec<_>>());
        assert_eq!((lane.under_way, lane.room()), (PLACES - 1, 1), "the free place alone");
        lane.add([1], true, later);
        assert_eq!(lane.next(later), Some(1));
        assert_eq!(lane.room(), 0);
        lane.ended(FAST);
        assert_eq!(lane.room(), MOST_AHEAD);
    }

    #[test]
    fn it_is_idle_when_the_last_place_is_free() {
        let now = Instant::now();
        let mut lane = Lane::default();
        assert_eq!(lane.add([7], false, now), 1);
        assert!(lane.waits() && !lane.is_idle());
        assert_eq!(lane.next(now), Some(7));
        assert!(!lane.waits() && !lane.is_idle());
        lane.ended(FAST);
        assert_eq!(lane.next(now), None);
        assert!(lane.is_idle());
    }
}
