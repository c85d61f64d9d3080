//! Order over the retry queue: while an event waits there, the later ones of its aggregate go there too, and
//! come back one after the other.

use std::collections::{HashMap, VecDeque};

use hms_model::id::EventId;
use tokio::time::Instant;

/// The aggregates that have events in the retry queue, as far as this session put them there. A new session
/// begins with none: then a later event can overtake, and consumers go by the aggregate's version as always.
#[derive(Default)]
pub(crate) struct Lines(HashMap<String, Line>);

struct Line {
    events: VecDeque<EventId>,
    /// When the first is overdue: it will not come back, as after someone has emptied the queue by hand.
    until: Instant,
}

impl Lines {
    /// Whether this event must let others go first.
    pub fn must_wait(&mut self, subject: &str, event: EventId, now: Instant) -> bool {
        let Some(line) = self.0.get(subject) else { return false };
        if line.until <= now {
            self.0.remove(subject);
            return false;
        }
        line.events.front() != Some(&event)
    }

    /// The event goes to the retry queue and will be back by `until`; it keeps its place if it has one.
    pub fn join(&mut self, subject: &str, event: EventId, until: Instant) {
        let line =
            self.0.entry(subject.to_owned()).or_insert_with(|| Line { events: VecDeque::new(), until });
        line.until = line.until.max(until);
        if !line.events.contains(&event) {
            line.events.push_back(event);
        }
    }

    /// The event is settled for good.
    pub fn leave(&mut self, subject: &str, event: EventId) {
        if let Some(line) = self.0.get_mut(subject) {
            line.events.retain(|other| *other != event);
            if line.events.is_empty() {
                self.0.remove(subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;
    use hms_model::id::Id;

    use super::*;

    #[test]
    fn later_events_wait_for_the_first_and_only_those_of_its_aggregate() {
        let [a1, a2, a3, b1] = [(); 4].map(|()| Id::new(DateTime::UNIX_EPOCH));
        let now = Instant::now();
        let soon = now + Duration::from_secs(1);
        let mut lines = Lines::default();
        lines.join("a", a1, soon);
        assert!(!lines.must_wait("a", a1, now));
        assert!(lines.must_wait("a", a2, now));
        assert!(!lines.must_wait("b", b1, now));
        lines.join("a", a2, soon);
        lines.leave("a", a1);
        assert!(lines.must_wait("a", a3, now));
        assert!(!lines.must_wait("a", a2, now));
        lines.leave("a", a2);
        assert!(!lines.must_wait("a", a3, now));
    }

    #[test]
    fn a_line_whose_first_never_comes_back_is_given_up() {
        let [a1, a2] = [(); 2].map(|()| Id::new(DateTime::UNIX_EPOCH));
        let now = Instant::now();
        let mut lines = Lines::default();
        lines.join("a", a1, now + Duration::from_secs(1));
        assert!(lines.must_wait("a", a2, now));
        assert!(!lines.must_wait("a", a2, now + Duration::from_secs(2)));
    }
}
