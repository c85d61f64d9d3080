//! Since when jobs wait in queues of the broker, which does not tell how old a message is. But a queue is emptied from its
//! front: what waits is younger than what was taken last, and than the moment at which the queue was empty.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

/// The moment of each queue before which nothing was written that waits there.
#[derive(Debug, Default)]
pub(crate) struct Fronts(Mutex<BTreeMap<&'static str, DateTime<Utc>>>);

impl Fronts {
    /// Jobs were taken that were written then.
    pub fn taken(&self, queue: &'static str, written: impl Iterator<Item = DateTime<Utc>>) {
        if let Some(last) = written.max() {
            self.advance(queue, last);
        }
    }

    /// So many wait; says since when, at the earliest. Of a queue of which nothing is known yet that is now: how long
    /// its jobs have waited already cannot be seen.
    pub fn measured(&self, queue: &'static str, count: u32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if count == 0 {
            self.advance(queue, now);
            return None;
        }
        Some(*self.0.lock().entry(queue).or_insert(now))
    }

    /// What comes back to the front, from one who is gone, is older, and is taken at once.
    fn advance(&self, queue: &'static str, to: DateTime<Utc>) {
        let mut fronts = self.0.lock();
        let front = fronts.entry(queue).or_insert(to);
        *front = to.max(*front);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const QUEUE: &str = "jobs.send_email";

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    #[test]
    fn what_waits_is_younger_than_what_was_taken_and_than_the_empty_queue() {
        let fronts = Fronts::default();
        assert_eq!(fronts.measured(QUEUE, 3, at(10)), Some(at(10)), "nothing is known before");
        assert_eq!(fronts.measured(QUEUE, 3, at(20)), Some(at(10)), "nobody took anything");
        fronts.taken(QUEUE, [at(12), at(14), at(13)].into_iter());
        assert_eq!(fronts.measured(QUEUE, 1, at(30)), Some(at(14)));
        fronts.taken(QUEUE, [at(2)].into_iter());
        assert_eq!(fronts.measured(QUEUE, 1, at(31)), Some(at(14)), "one that came back says nothing");
        assert_eq!(fronts.measured(QUEUE, 0, at(40)), None);
        assert_eq!(fronts.measured(QUEUE, 2, at(50)), Some(at(40)));
        assert_eq!(fronts.measured("jobs.send_sms", 1, at(50)), Some(at(50)));
    }
}
