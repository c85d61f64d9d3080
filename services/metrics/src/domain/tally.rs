//! Counts of several days, on the way to their figures.

use std::collections::BTreeMap;

use hms_model::money::Currency;

use super::facts::Status;
use super::queue::Standing;
use super::{Cell, Figures, Overflow, Queue, Revenue, Sight, Takings, Utilisation, Waiting};

/// What was counted of some days of one group.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    appointments: BTreeMap<Status, i64>,
    late_cancellations: i64,
    booked_minutes: i64,
    /// Booked minutes of practitioners of whom it is known when they are open, and those open minutes.
    measured: Option<(i64, i64)>,
    standing: Standing,
    new_patients: i64,
    money: BTreeMap<Currency, Takings>,
}

impl Tally {
    /// Adds a day; `now` when that day is not over.
    pub fn add(&mut self, day: &Cell, now: Option<i64>) -> Result<(), Overflow> {
        for (status, count) in &day.appointments {
            *self.appointments.entry(*status).or_default() += count;
        }
        self.late_cancellations += day.late_cancellations;
        self.booked_minutes += day.booked_minutes;
        self.standing.then(Standing::of(&day.visits, now));
        self.new_patients += day.new_patients;
        for (currency, takings) in &day.money {
            self.money.entry(*currency).or_default().add(takings)?;
        }
        Ok(())
    }

    /// Adds what was booked of the minutes that were open.
    pub fn measure(&mut self, booked: i64, open: i64) {
        let (all_booked, all_open) = self.measured.unwrap_or_default();
        self.measured = Some((all_booked + booked, all_open + open));
    }

    /// The figures, as far as the caller may see them.
    pub fn figures(&self, sight: Sight) -> Result<Figures, Overflow> {
        let of = |status| self.appointments.get(&status).copied().unwrap_or_default();
        let came = of(Status::Arrived) + of(Status::Fulfilled);
        Ok(Figures {
            appointments: self.appointments.values().sum(),
            by_status: self.appointments.clone(),
            late_cancellations: self.late_cancellations,
            no_show_rate: share(of(Status::Noshow), came + of(Status::Noshow)),
            waiting: self.waiting(),
            queue: Queue {
                longest: self.standing.longest,
                mean: share(self.standing.waited, self.standing.measured),
            },
            utilisation: Utilisation {
                booked_minutes: self.booked_minutes,
                open_minutes: self.measured.map(|(_, open)| open),
                rate: self.measured.and_then(|(booked, open)| share(booked, open)),
            },
            new_patients: sight.patients.then_some(self.new_patients),
            revenue: if sight.money { Some(self.revenue()?) } else { None },
        })
    }

    fn waiting(&self) -> Waiting {
        let mut waits = self.standing.waits.clone();
        waits.sort_unstable();
        let called = count(waits.len());
        let sum: i64 = waits.iter().sum();
        Waiting {
            tickets: self.standing.tickets,
            called,
            served: self.standing.served,
            left: self.standing.left,
            mean_seconds: (called > 0).then(|| (sum + called / 2) / called.max(1)),
            p50_seconds: rank(&waits, 50),
            p90_seconds: rank(&waits, 90),
        }
    }

    fn revenue(&self) -> Result<Vec<Revenue>, Overflow> {
        let of = |(currency, takings): (&Currency, &Takings)| {
            let net = takings.invoiced.checked_sub(takings.credited).ok_or(Overflow)?;
            Ok(Revenue {
                currency: *currency,
                invoiced: takings.invoiced,
                credited: takings.credited,
                net,
                collected: takings.collected,
                refunded: takings.refunded,
            })
        };
        self.money.iter().map(of).collect()
    }
}

/// The least of sorted numbers that so many percent of them do not exceed (nearest rank).
fn rank(sorted: &[i64], percent: usize) -> Option<i64> {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied()
}

/// A share, rounded to four decimals; none of nothing.
fn share(part: i64, whole: i64) -> Option<f64> {
    if whole <= 0 {
        return None;
    }
    let parts = (i128::from(part) * 10_000 + i128::from(whole) / 2) / i128::from(whole);
    i32::try_from(parts).ok().map(|parts| f64::from(parts) / 10_000.0)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_one_of_the_numbers() {
        for (numbers, p50, p90) in [
            (vec![], None, None),
            (vec![7], Some(7), Some(7)),
            (vec![1, 2], Some(1), Some(2)),
            ((1..=10).collect(), Some(5), Some(9)),
            ((1..=11).collect(), Some(6), Some(10)),
        ] {
            assert_eq!((rank(&numbers, 50), rank(&numbers, 90)), (p50, p90), "{numbers:?}");
        }
    }

    #[test]
    fn a_share_of_nothing_is_not_known() {
        assert_eq!(share(0, 0), None);
        assert_eq!(share(1, 3), Some(0.3333));
        assert_eq!(share(2, 3), Some(0.6667));
        assert_eq!(share(90, 60), Some(1.5));
    }
}
