//! Recurring appointments: a rule of RFC 5545, bounded.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use rrule::{RRule, Unvalidated};

use super::{Refusal, Zone};

/// The most appointments of one series.
pub const MOST_OCCURRENCES: usize = 100;
/// How far ahead of its first appointment a series may reach.
const FARTHEST: TimeDelta = TimeDelta::days(731);
const LONGEST_RULE: usize = 200;
const FREQUENCIES: [&str; 4] = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
/// A part that changes the time of the day would make it no series of one appointment.
const PARTS: [&str; 8] =
    ["FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "BYYEARDAY", "WKST"];

/// How a rule ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Count(usize),
    Until(DateTime<Utc>),
    /// Through this local day.
    Through(NaiveDate),
}

/// A recurrence rule that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    endless: String,
    end: End,
}

impl Rule {
    /// Reads `FREQ=WEEKLY;BYDAY=MO;COUNT=10` (RFC 5545, 3.3.10).
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim().trim_start_matches("RRULE:").to_ascii_uppercase();
        if text.len() > LONGEST_RULE {
            return Err(refused(format!("at most {LONGEST_RULE} characters")));
        }
        let (mut parts, mut ends) = (Vec::new(), Vec::new());
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| refused(format!("{part}: must be NAME=VALUE")))?;
            match name {
                "COUNT" => ends.push(count(value)?),
                "UNTIL" => ends.push(until(value)?),
                "FREQ" if !FREQUENCIES.contains(&value) => {
                    return Err(refused(format!("FREQ must be one of {}", FREQUENCIES.join(", "))));
                }
                _ if PARTS.contains(&name) => parts.push(part),
                _ => return Err(refused(format!("{name}: no part of a rule that is taken here"))),
            }
        }
        let end = match ends.as_slice() {
            [end] => *end,
            [] => return Err(refused("must end: give COUNT or UNTIL".into())),
            _ => return Err(refused("has COUNT or UNTIL, once".into())),
        };
        Ok(Self { endless: parts.join(";"), end })
    }

    /// The starts of its appointments, the first one included. Local times that do not exist are passed over and not
    /// counted (3.3.10); of those that come twice it is the first (3.3.5). The rule is run on the clock of the wall, as
    /// though it were UTC, so that no change of the clocks can disturb it.
    pub fn occurrences(&self, first: DateTime<Utc>, zone: Zone) -> Result<Vec<DateTime<Utc>>, Refusal> {
        let wall = zone.local(first);
        let farthest = wall.checked_add_signed(FARTHEST).unwrap_or(wall);
        let mut found = Vec::new();
        for local in self.run(wall)? {
            if let End::Count(count) = self.end
                && found.len() == count
            {
                break;
            }
            if self.is_past_end(local, zone) {
                break;
            }
            if local > farthest {
                return Err(refused("reaches more than two years ahead".into()));
            }
            if found.len() == MOST_OCCURRENCES {
                return Err(refused(format!("has more than {MOST_OCCURRENCES} appointments")));
            }
            if zone.has(local) {
                found.push(zone.moment(local));
            }
        }
        match (found.first(), self.end) {
            (Some(start), _) if zone.local(*start) != wall => Err(refused("does not fit the start".into())),
            (None, _) => Err(refused("has no appointment".into())),
            (_, End::Count(count)) if found.len() < count => {
                Err(refused("has fewer appointments than COUNT within two years".into()))
            }
            _ => Ok(found),
        }
    }

    fn run(&self, wall: NaiveDateTime) -> Result<impl Iterator<Item = NaiveDateTime>, Refusal> {
        let start = rrule::Tz::UTC.from_utc_datetime(&wall);
        let rule: RRule<Unvalidated> =
            self.endless.parse().map_err(|error: rrule::RRuleError| refused(error.to_string()))?;
        let set = rule.build(start).map_err(|error| refused(error.to_string()))?;
        // Two years of days, and some: what lies beyond is refused, and a rule that never comes true has an end.
        let beyond = start + FARTHEST + TimeDelta::days(366);
        let times = set.before(beyond).limit().all(u16::MAX).dates;
        Ok(times.into_iter().map(|time| time.naive_utc()))
    }

    fn is_past_end(&self, local: NaiveDateTime, zone: Zone) -> bool {
        match self.end {
            End::Count(_) => false,
            End::Until(until) => zone.moment(local) > until,
            End::Through(day) => local.date() > day,
        }
    }
}

fn count(value: &str) -> Result<End, Refusal> {
    let count = value.parse().ok().filter(|count| (1..=MOST_OCCURRENCES).contains(count));
    count.map(End::Count).ok_or_else(|| refused(format!("COUNT must be from 1 to {MOST_OCCURRENCES}")))
}

fn until(value: &str) -> Result<End, Refusal> {
    if let Ok(at) = NaiveDateTime::parse_from_str(value, "%Y%m%dT%H%M%SZ") {
        return Ok(End::Until(at.and_utc()));
    }
    let day = NaiveDate::parse_from_str(value, "%Y%m%d").ok().filter(|_| value.len() == 8);
    let day = day.filter(|day| day.checked_add_days(Days::new(1)).is_some());
    day.map(End::Through).ok_or_else(|| refused("UNTIL must be 20261231T225959Z, or the day alone".into()))
}

fn refused(reason: String) -> Refusal {
    Refusal::field("rule", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(rule: &str, first: &str, zone: &str) -> Result<Vec<String>, String> {
        let starts = Rule::parse(rule)
            .and_then(|rule| rule.occurrences(first.parse().unwrap(), zone.parse().unwrap()));
        let words = |at: DateTime<Utc>| at.format("%m-%dT%H:%M").to_string();
        starts.map(|starts| starts.into_iter().map(words).collect()).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_series_keeps_the_time_on_the_wall() {
        let cases: [(&str, &str, &str, &[&str]); 6] = [
            (
                "FREQ=WEEKLY;COUNT=3",
                "2026-03-23T08:00:00Z",
                "Europe/Berlin",
                &["03-23T08:00", "03-30T07:00", "04-06T07:00"],
            ),
            (
                "RRULE:freq=daily;until=20261103",
                "2026-11-01T14:00:00Z",
                "America/New_York",
                &["11-01T14:00", "11-02T14:00", "11-03T14:00"],
            ),
            ("FREQ=DAILY;UNTIL=20260303T085959Z", "2026-03-02T09:00:00Z", "UTC", &["03-02T09:00"]),
            (
                "FREQ=DAILY;COUNT=3",
                "2026-03-07T07:30:00Z",
                "America/New_York",
                &["03-07T07:30", "03-09T06:30", "03-10T06:30"],
            ),
            (
                "FREQ=DAILY;COUNT=2",
                "2026-11-01T05:30:00Z",
                "America/New_York",
                &["11-01T05:30", "11-02T06:30"],
            ),
            (
                "FREQ=MONTHLY;BYDAY=-1FR;COUNT=2",
                "2026-01-30T09:00:00Z",
                "UTC",
                &["01-30T09:00", "02-27T09:00"],
            ),
        ];
        for (rule, first, zone, expected) in cases {
            assert_eq!(starts(rule, first, zone).unwrap(), expected, "{rule} {zone}");
        }
    }

    #[test]
    fn a_rule_that_cannot_be_kept_is_refused() {
        let cases = [
            ("FREQ=DAILY", "must end"),
            ("FREQ=DAILY;COUNT=3;UNTIL=20261231", "COUNT or UNTIL, once"),
            ("FREQ=DAILY;COUNT=3;COUNT=4", "COUNT or UNTIL, once"),
            ("FREQ=DAILY;COUNT=0", "COUNT must be"),
            ("FREQ=DAILY;COUNT=101", "COUNT must be"),
            ("FREQ=DAILY;COUNT=-1", "COUNT must be"),
            ("FREQ=DAILY;UNTIL=20361231", "more than 100"),
            ("FREQ=YEARLY;UNTIL=20361231", "two years"),
            ("FREQ=YEARLY;COUNT=10", "two years"),
            ("FREQ=DAILY;UNTIL=20261231T100000", "UNTIL must be"),
            ("FREQ=HOURLY;COUNT=3", "FREQ must be"),
            ("FREQ=SECONDLY;COUNT=3", "FREQ must be"),
            ("FREQ=DAILY;BYHOUR=9;COUNT=3", "BYHOUR"),
            ("FREQ=WEEKLY;BYDAY=TU;COUNT=3", "does not fit the start"),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2", "has no appointment"),
            ("FREQ=DAILY;UNTIL=20200101", "has no appointment"),
            ("FREQ=DAILY;INTERVAL=0;COUNT=2", "rule:"),
            ("COUNT=3", "rule:"),
            ("FREQ", "NAME=VALUE"),
            ("", "must end"),
        ];
        for (rule, reason) in cases {
            let refusal = starts(rule, "2026-03-02T09:00:00Z", "Europe/Berlin").unwrap_err();
            assert!(refusal.contains(reason), "{rule}: {refusal}");
        }
    }
}
