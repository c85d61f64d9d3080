//! When a patient is reminded of an appointment.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::Invalid;
use hms_model::event::AppointmentFacts;
use hms_model::id::{AppointmentId, EventId};

/// The furthest that a reminder may lie before its appointment.
const FURTHEST: i64 = 60 * 24 * 60;
/// The most reminders of one appointment.
const MOST: usize = 5;

/// How long before an appointment its patient is reminded: `24h,2h`; `off` for not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leads(Vec<TimeDelta>);

/// A reminder that is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// Of which appointment.
    pub appointment_id: AppointmentId,
    /// How many minutes before it.
    pub lead: i64,
    /// When.
    pub due_at: DateTime<Utc>,
    /// The event that it follows from.
    pub event_id: EventId,
}

impl Leads {
    /// The reminders of an appointment as it is now. There is none of one that does not take place, and none whose time is
    /// over: who books two hours before needs no word of the day before.
    pub fn plan(&self, facts: &AppointmentFacts, event_id: EventId, now: DateTime<Utc>) -> Vec<Reminder> {
        if facts.recorded || !matches!(facts.status.as_str(), "booked" | "pending") {
            return Vec::new();
        }
        let reminders = self.0.iter().map(|lead| Reminder {
            appointment_id: facts.appointment_id,
            lead: lead.num_minutes(),
            due_at: facts.start - *lead,
            event_id,
        });
        reminders.filter(|reminder| reminder.due_at > now).collect()
    }
}

impl Default for Leads {
    /// On the day before.
    fn default() -> Self {
        Self(vec![TimeDelta::hours(24)])
    }
}

impl FromStr for Leads {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || {
            Invalid(
                "must be up to 5 times before an appointment, within 60 days, such as 24h,2h or 90m; or off"
                    .into(),
            )
        };
        if text.trim() == "off" {
            return Ok(Self(Vec::new()));
        }
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let read = |part: &str| {
            let (number, unit) = part.split_at_checked(part.len().checked_sub(1)?)?;
            let minutes = match unit {
                "m" => 1,
                "h" => 60,
                "d" => 24 * 60,
                _ => return None,
            };
            let minutes = number.parse::<i64>().ok()?.checked_mul(minutes)?;
            (1..=FURTHEST).contains(&minutes).then(|| TimeDelta::minutes(minutes))
        };
        let mut leads = parts.map(read).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
        leads.sort_unstable();
        leads.dedup();
        if leads.is_empty() || leads.len() > MOST { Err(wrong()) } else { Ok(Self(leads)) }
    }
}

impl fmt::Display for Leads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leads: Vec<_> = self.0.iter().map(|lead| format!("{}m", lead.num_minutes())).collect();
        f.write_str(&leads.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::appointment;

    const NONE: [i64; 0] = [];

    #[test]
    fn leads_are_read_in_minutes_hours_and_days() {
        for (text, expected) in [
            ("24h,2h", Some("120m,1440m")),
            ("1d, 90m", Some("90m,1440m")),
            ("2h,120m", Some("120m")),
            ("off", Some("")),
            ("", None),
            ("61d", None),
            ("0h", None),
            ("-2h", None),
            ("2", None),
            ("h", None),
            ("2 weeks", None),
            ("ä", None),
            ("1m,2m,3m,4m,5m,6m", None),
            ("9223372036854775807h", None),
        ] {
            assert_eq!(
                text.parse::<Leads>().ok().map(|leads| leads.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_over_or_does_not_take_place_is_not_reminded_of() {
        let leads: Leads = "24h,2h".parse().unwrap();
        let facts = appointment();
        let event = EventId::from_uuid(facts.appointment_id.uuid());
        let planned = |facts: &AppointmentFacts, before: TimeDelta| {
            let reminders = leads.plan(facts, event, facts.start - before);
            reminders.iter().map(|reminder| reminder.lead).collect::<Vec<_>>()
        };
        assert_eq!(planned(&facts, TimeDelta::hours(25)), [120, 1440]);
        assert_eq!(planned(&facts, TimeDelta::hours(24)), [120], "booked at that very moment");
        assert_eq!(planned(&facts, TimeDelta::hours(3)), [120]);
        assert_eq!(planned(&facts, TimeDelta::hours(1)), NONE);
        assert_eq!(planned(&facts, TimeDelta::hours(-1)), NONE);
        for status in ["cancelled", "noshow", "fulfilled", "arrived", "proposed", "waitlist"] {
            let over = AppointmentFacts { status: status.into(), ..facts.clone() };
            assert_eq!(planned(&over, TimeDelta::hours(25)), NONE, "{status}");
        }
        let recorded = AppointmentFacts { recorded: true, ..facts.clone() };
        assert_eq!(planned(&recorded, TimeDelta::hours(25)), NONE);
    }
}
