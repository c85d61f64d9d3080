//! How long the queue was, and how long people stood in it.

use super::Visit;
use super::facts::TicketStatus;

/// The queue of a day, or of several one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// How long each waited who was called, in seconds.
    pub waits: Vec<i64>,
    /// Tickets.
    pub tickets: i64,
    /// Those that were served.
    pub served: i64,
    /// Those whose owners went away before.
    pub left: i64,
    /// The most that waited at the same time.
    pub longest: i64,
    /// The seconds that all of them waited together.
    pub waited: i64,
    /// The seconds from when the first came to when nobody waited any more.
    pub measured: i64,
}

impl Standing {
    /// The queue of one day. A wait that is not over lasts until `now`; on a day that is over, until the last that
    /// happened at the counter.
    pub fn of(visits: &[Visit], now: Option<i64>) -> Self {
        let known = visits.iter().flat_map(|visit| [Some(visit.arrived), visit.until]).flatten();
        let end = now.or_else(|| known.max()).unwrap_or_default();
        let spans: Vec<(i64, i64)> = visits
            .iter()
            .map(|visit| (visit.arrived, visit.until.unwrap_or(end).max(visit.arrived)))
            .collect();
        let first = spans.iter().map(|(from, _)| *from).min();
        let last = spans.iter().map(|(_, until)| *until).max();
        let of = |status| count(visits.iter().filter(|visit| visit.status == status).count());
        Self {
            waits: visits.iter().filter_map(Visit::waited_until_called).collect(),
            tickets: count(visits.len()),
            served: of(TicketStatus::Served),
            left: of(TicketStatus::Left),
            longest: longest(&spans),
            waited: spans.iter().map(|(from, until)| until - from).sum(),
            measured: first.zip(last).map_or(0, |(first, last)| last - first),
        }
    }

    /// Lays another day beside it.
    pub fn then(&mut self, other: Self) {
        self.waits.extend(other.waits);
        self.tickets += other.tickets;
        self.served += other.served;
        self.left += other.left;
        self.longest = self.longest.max(other.longest);
        self.waited += other.waited;
        self.measured += other.measured;
    }
}

impl Visit {
    fn waited_until_called(&self) -> Option<i64> {
        let called =
            matches!(self.status, TicketStatus::Called | TicketStatus::InService | TicketStatus::Served);
        self.until.filter(|_| called).map(|until| until - self.arrived)
    }
}

/// The most spans that hold the same moment; one that ends when another begins makes room for it.
fn longest(spans: &[(i64, i64)]) -> i64 {
    let mut steps: Vec<(i64, i64)> = spans
        .iter()
        .filter(|(from, until)| from < until)
        .flat_map(|(from, until)| [(*from, 1), (*until, -1)])
        .collect();
    steps.sort_unstable();
    let (mut now, mut most) = (0, 0);
    for (_, step) in steps {
        now += step;
        most = most.max(now);
    }
    most
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(arrived: i64, until: Option<i64>, status: TicketStatus) -> Visit {
        Visit { arrived, until, status }
    }

    #[test]
    fn who_waits_at_the_same_time() {
        use TicketStatus::{Called, Left, Served, Skipped, Waiting};
        let visits = [
            visit(0, Some(100), Served),
            visit(50, Some(150), Called),
            visit(100, Some(130), Left),
            visit(120, None, Waiting),
            visit(150, Some(150), Served),
            visit(160, Some(170), Skipped),
        ];
        let over = Standing::of(&visits, None);
        assert_eq!(over.waits, [100, 100, 0]);
        assert_eq!((over.tickets, over.served, over.left), (6, 2, 1));
        // From 120 to 130: the second, the third and the fourth.
        assert_eq!(over.longest, 3);
        assert_eq!((over.waited, over.measured), (100 + 100 + 30 + 50 + 10, 170));
        let still = Standing::of(&visits, Some(400));
        assert_eq!((still.waited, still.measured), (100 + 100 + 30 + 280 + 10, 400));
        assert_eq!(Standing::of(&[], Some(400)), Standing::default());
    }

    #[test]
    fn days_follow_one_another_and_do_not_overlap() {
        let day = |from: i64| Standing::of(&[visit(from, Some(from + 10), TicketStatus::Served)], None);
        let mut both = day(0);
        both.then(day(1_000));
        assert_eq!((both.longest, both.waited, both.measured), (1, 20, 20));
    }
}
