//! For how long a schedule is open: what others are told of it.

use chrono::NaiveDate;
use hms_model::Coded;
use hms_model::event::{OpenDay, ScheduleFacts};

use super::hours::{TimeRange, Weekday};
use super::{Hours, Schedule};

impl Schedule {
    /// What is told of it.
    pub fn facts(&self) -> ScheduleFacts {
        let details = &self.details;
        ScheduleFacts {
            schedule_id: self.id,
            version: self.version,
            practitioner_id: details.practitioner_id,
            department_id: details.department_id,
            active: details.active,
            zone: details.zone.to_string(),
            valid_from: details.valid_from,
            valid_to: details.valid_to,
            week_minutes: details.hours.week_minutes(),
            exceptions: details.hours.open_days(),
        }
    }
}

impl Hours {
    /// How many minutes a week has on each of its days, Monday first.
    fn week_minutes(&self) -> [i64; 7] {
        let mut week = [0; 7];
        for (open, day) in week.iter_mut().zip(Weekday::ALL) {
            *open = minutes(&self.usual(*day));
        }
        week
    }

    /// The days that are different.
    fn open_days(&self) -> Vec<OpenDay> {
        let mut days: Vec<NaiveDate> = self.exceptions.iter().map(|exception| exception.date).collect();
        days.sort_unstable();
        days.dedup();
        let open = |day, is_holiday| minutes(&self.of(day, is_holiday));
        days.into_iter()
            .map(|day| OpenDay { day, minutes: open(day, false), holiday_minutes: open(day, true) })
            .collect()
    }
}

fn minutes(ranges: &[TimeRange]) -> i64 {
    ranges.iter().map(TimeRange::minutes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_a_holiday_and_the_days_that_are_different() {
        let hours: Hours = serde_json::from_value(serde_json::json!({
            "weekly": [
                {"weekday": "monday", "start": "08:00", "end": "12:00"},
                {"weekday": "monday", "start": "13:00", "end": "17:00"},
                {"weekday": "sunday", "start": "22:00", "end": "24:00"},
            ],
            "breaks": [{"weekday": "monday", "start": "10:00", "end": "10:15"}],
            "exceptions": [
                {"date": "2026-03-02", "kind": "closed", "hours": [{"start": "08:00", "end": "09:00"}]},
                {"date": "2026-03-02", "kind": "open", "hours": [{"start": "18:00", "end": "19:30"}]},
                {"date": "2026-03-09", "kind": "closed"},
            ],
        }))
        .unwrap();
        assert_eq!(hours.week_minutes(), [465, 0, 0, 0, 0, 0, 120]);
        let day = |day: &str, minutes, holiday_minutes| OpenDay {
            day: day.parse().unwrap(),
            minutes,
            holiday_minutes,
        };
        // Both are Mondays; what is open in addition is open on a holiday too.
        assert_eq!(hours.open_days(), [day("2026-03-02", 465 - 60 + 90, 90), day("2026-03-09", 0, 0)]);
    }
}
