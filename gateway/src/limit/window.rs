//! One quota over time, as a window that slides in steps: pure, told the time by its caller.
//!
//! A window is cut into [`SLOTS`] slots, and a request counts until its slot has wholly left the window. So in no
//! stretch of time as long as the window do more requests pass than the quota says, wherever it begins; what was used
//! comes back at most one slot late: a second of a minute, a minute of an hour. A token bucket is smaller, but it lets
//! nearly twice the quota pass in the first window, and two fixed windows do so around their boundary.

use std::collections::VecDeque;
use std::time::Duration;

/// Into how many slots a window is cut.
pub const SLOTS: u64 = 60;

/// How many requests in how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    /// The name that clients read.
    pub name: &'static str,
    /// How many.
    pub limit: u32,
    /// In how many seconds; a multiple of [`SLOTS`].
    pub seconds: u32,
}

/// What a window says of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Whether there was room for it.
    pub admitted: bool,
    /// How many more there is room for.
    pub remaining: u32,
    /// When the next one comes back, seen from now.
    pub reset: Duration,
}

/// The requests of one client that count at present.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// The number of each slot in which there were requests, with their count; the oldest first.
    slots: VecDeque<(u64, u32)>,
    used: u32,
}

impl Quota {
    /// The length of a slot in milliseconds.
    pub fn slot_ms(&self) -> u64 {
        (u64::from(self.seconds) * 1000 / SLOTS).max(1)
    }
}

impl Window {
    /// Counts a request, if there is room for it. `now` is in milliseconds since 1970.
    pub fn take(&mut self, quota: &Quota, now: u64) -> Taken {
        let slot = self.advance(quota, now);
        let admitted = self.used < quota.limit;
        if admitted {
            self.used += 1;
            match self.slots.back_mut() {
                Some((last, count)) if *last == slot => *count += 1,
                _ => self.slots.push_back((slot, 1)),
            }
        }
        self.state(quota, now, admitted)
    }

    /// Takes back the request that was counted last.
    pub fn give_back(&mut self) {
        if let Some((_, count)) = self.slots.back_mut() {
            *count -= 1;
            self.used -= 1;
            if *count == 0 {
                self.slots.pop_back();
            }
        }
    }

    /// Forgets what has left the window. A clock that is set back does not begin new slots before it has caught up.
    fn advance(&mut self, quota: &Quota, now: u64) -> u64 {
        let slot = now / quota.slot_ms();
        while let Some(&(oldest, count)) = self.slots.front() {
            if oldest + SLOTS >= slot {
                break;
            }
            self.used -= count;
            self.slots.pop_front();
        }
        self.slots.back().map_or(slot, |&(last, _)| last.max(slot))
    }

    fn state(&self, quota: &Quota, now: u64, admitted: bool) -> Taken {
        let back = self.slots.front().map_or(now, |&(oldest, _)| (oldest + SLOTS + 1) * quota.slot_ms());
        let reset = Duration::from_millis(back.saturating_sub(now));
        Taken { admitted, remaining: quota.limit.saturating_sub(self.used), reset }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Quota = Quota { name: "minute", limit: 50, seconds: 60 };
    /// Some moment that is the beginning of no slot.
    const START: u64 = 1_800_000_000_457;

    #[test]
    fn the_last_of_the_quota_passes_and_the_next_does_not() {
        let mut window = Window::default();
        for left in (0..50).rev() {
            let taken = window.take(&MINUTE, START);
            assert_eq!((taken.admitted, taken.remaining), (true, left));
        }
        let refused = window.take(&MINUTE, START);
        assert!(!refused.admitted);
        assert_eq!((refused.remaining, refused.reset), (0, Duration::from_millis(60_543)));
    }

    #[test]
    fn what_was_used_comes_back_when_it_was_said_to_and_not_a_millisecond_before() {
        let mut window = Window::default();
        let full: Vec<_> = (0..51).map(|_| window.take(&MINUTE, START)).collect();
        let back = START + u64::try_from(full[50].reset.as_millis()).unwrap();
        assert!(!window.clone().take(&MINUTE, back - 1).admitted);
        assert!(window.take(&MINUTE, back).admitted);
    }

    #[test]
    fn a_request_that_is_given_back_leaves_no_trace() {
        let mut window = Window::default();
        for _ in 0..500 {
            assert!(window.take(&MINUTE, START).admitted);
            window.give_back();
        }
        assert!(window.slots.is_empty());
        window.give_back();
        assert_eq!(window.used, 0);
    }

    #[test]
    fn a_clock_that_is_set_back_gives_nothing_away() {
        let mut window = Window::default();
        for _ in 0..50 {
            assert!(window.take(&MINUTE, START).admitted);
        }
        assert!(!window.take(&MINUTE, START - 3_600_000).admitted);
    }

    proptest! {
        /// The promise itself, against a list of all that was admitted.
        #[test]
        fn in_no_stretch_of_the_window_s_length_more_pass_than_the_quota(
            limit in 1_u32..40,
            minutes in prop::sample::select(vec![1_u32, 60]),
            steps in vec(prop_oneof![Just(0_u64), 1_u64..900, 900_u64..70_000, 70_000_u64..700_000], 1..400),
        ) {
            let quota = Quota { name: "x", limit, seconds: minutes * 60 };
            let (length, slot) = (u64::from(quota.seconds) * 1000, quota.slot_ms());
            let (mut window, mut now, mut admitted) = (Window::default(), START, Vec::new());
            for step in steps {
                now += step;
                let count = |length: u64| admitted.iter().filter(|&&at| at + length > now).count();
                let (exactly, with_a_slot) = (count(length), count(length + slot));
                let taken = window.take(&quota, now);
                // Never more than the quota, and never less than what a slot of lateness explains.
                prop_assert!(!taken.admitted || exactly < usize::try_from(limit).unwrap());
                prop_assert!(taken.admitted || with_a_slot >= usize::try_from(limit).unwrap());
                if taken.admitted {
                    admitted.push(now);
                }
                prop_assert!(u64::try_from(window.slots.len()).unwrap() <= SLOTS + 1);
            }
        }
    }
}
