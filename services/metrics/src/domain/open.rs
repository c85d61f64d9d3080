//! For how long practitioners could have been booked, by the schedules that were in force.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use hms_model::Zone;
use hms_model::event::ScheduleFacts;
use hms_model::id::DepartmentId;

use super::Place;

/// A version of a schedule, and from when on it was in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// What it says.
    pub facts: ScheduleFacts,
    /// When it was made or changed to this.
    pub since: DateTime<Utc>,
}

/// A day on which a place, or all of them, are closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// The day.
    pub day: NaiveDate,
    /// The place; none: all of them.
    pub department_id: Option<DepartmentId>,
}

/// All that is known of open hours.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calendar {
    schedules: Vec<Vec<Schedule>>,
    closed: Vec<Closed>,
}

impl Calendar {
    /// Of these versions of schedules and these holidays.
    pub fn new(versions: Vec<Schedule>, closed: Vec<Closed>) -> Self {
        let mut schedules: BTreeMap<_, Vec<Schedule>> = BTreeMap::new();
        for version in versions {
            schedules.entry(version.facts.schedule_id).or_default().push(version);
        }
        let mut schedules: Vec<_> = schedules.into_values().collect();
        for versions in &mut schedules {
            versions.sort_by_key(|version| version.facts.version);
        }
        Self { schedules, closed }
    }

    /// The open minutes of a day, by place. A day that is over has the hours that were in force when it ended, whatever
    /// became of them later; what was agreed upon afterwards says nothing of it. Days that are not over have what is
    /// agreed upon now.
    pub fn open(&self, day: NaiveDate, zone: Zone) -> BTreeMap<Place, i64> {
        let mut open = BTreeMap::new();
        for versions in &self.schedules {
            let in_force = versions.iter().rev().find(|version| zone.day(version.since) <= day);
            let minutes = in_force.map_or(0, |version| self.minutes(&version.facts, day));
            if let (Some(Schedule { facts, .. }), true) = (in_force, minutes > 0) {
                let place = Place {
                    department_id: Some(facts.department_id),
                    practitioner_id: Some(facts.practitioner_id),
                };
                *open.entry(place).or_default() += minutes;
            }
        }
        open
    }

    fn minutes(&self, facts: &ScheduleFacts, day: NaiveDate) -> i64 {
        let valid = facts.valid_from <= day && facts.valid_to.is_none_or(|to| day <= to);
        if !facts.active || !valid {
            return 0;
        }
        let closes = |closed: &Closed| {
            closed.day == day && closed.department_id.is_none_or(|id| id == facts.department_id)
        };
        let is_holiday = self.closed.iter().any(closes);
        match facts.exceptions.iter().find(|exception| exception.day == day) {
            Some(exception) if is_holiday => exception.holiday_minutes,
            Some(exception) => exception.minutes,
            None if is_holiday => 0,
            None => {
                let weekday = usize::try_from(day.weekday().num_days_from_monday()).unwrap_or_default();
                facts.week_minutes.get(weekday).copied().unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hms_model::event::OpenDay;
    use hms_model::id::Id;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn schedule() -> ScheduleFacts {
        let now = DateTime::UNIX_EPOCH;
        ScheduleFacts {
            schedule_id: Id::new(now),
            version: 1,
            practitioner_id: Id::new(now),
            department_id: Id::new(now),
            active: true,
            zone: "UTC".into(),
            valid_from: day("2026-03-01"),
            valid_to: Some(day("2026-03-31")),
            week_minutes: [480, 480, 480, 480, 240, 0, 0],
            exceptions: vec![OpenDay { day: day("2026-03-10"), minutes: 60, holiday_minutes: 30 }],
        }
    }

    #[test]
    fn a_day_has_the_hours_that_were_in_force_when_it_ended() {
        let first = schedule();
        let department_id = first.department_id;
        let second = ScheduleFacts { version: 2, week_minutes: [100; 7], ..first.clone() };
        let third = ScheduleFacts { version: 3, active: false, ..second.clone() };
        let at = |facts: &ScheduleFacts, since: &str| Schedule {
            facts: facts.clone(),
            since: since.parse().unwrap(),
        };
        let versions = vec![
            at(&third, "2026-03-20T12:00:00Z"),
            at(&first, "2026-02-27T09:00:00Z"),
            at(&second, "2026-03-16T09:00:00Z"),
        ];
        let closed = vec![
            Closed { day: day("2026-03-03"), department_id: None },
            Closed { day: day("2026-03-04"), department_id: Some(Id::new(DateTime::UNIX_EPOCH)) },
            Closed { day: day("2026-03-10"), department_id: Some(department_id) },
        ];
        let calendar = Calendar::new(versions, closed);
        for (date, minutes, why) in [
            ("2026-02-27", 0, "not valid yet"),
            ("2026-03-02", 480, "a Monday"),
            ("2026-03-03", 0, "a holiday everywhere"),
            ("2026-03-04", 480, "a holiday elsewhere"),
            ("2026-03-06", 240, "a Friday"),
            ("2026-03-07", 0, "a Saturday"),
            ("2026-03-10", 30, "an exception on a holiday"),
            ("2026-03-16", 100, "changed on that day"),
            ("2026-03-19", 100, "before it was given up"),
            ("2026-03-20", 0, "given up"),
        ] {
            let open: i64 = calendar.open(day(date), Zone::UTC).values().sum();
            assert_eq!(open, minutes, "{date}: {why}");
        }
    }
}
