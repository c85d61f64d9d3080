//! Local time: IANA zones, and which moment a local time is.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ObjectBuilder, RefOr, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::Invalid;

/// How far before a gap is looked for the offset that held before it; no gap is longer than a day.
const STEP: TimeDelta = TimeDelta::minutes(15);
const STEPS: i32 = 100;

/// A zone of the IANA database, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(Tz);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// The moment of a local time, by RFC 5545, 3.3.5: one that comes twice is the first of the two; one that does not
    /// exist is read with the offset that held before the gap, and so lies behind it.
    pub fn moment(self, local: NaiveDateTime) -> DateTime<Utc> {
        if let Some(found) = self.0.from_local_datetime(&local).earliest() {
            return found.to_utc();
        }
        let before = (1..=STEPS).find_map(|steps| {
            let earlier = local.checked_sub_signed(STEP.checked_mul(steps)?)?;
            self.0.from_local_datetime(&earlier).latest()
        });
        let offset = before.map_or(0, |before| before.offset().fix().local_minus_utc());
        DateTime::from_naive_utc_and_offset(local - TimeDelta::seconds(offset.into()), Utc)
    }

    /// Whether there is such a local time.
    pub fn has(self, local: NaiveDateTime) -> bool {
        self.0.from_local_datetime(&local).earliest().is_some()
    }

    /// What clocks show there.
    pub fn local(self, at: DateTime<Utc>) -> NaiveDateTime {
        self.0.from_utc_datetime(&at.naive_utc()).naive_local()
    }

    /// The short name of its time then, such as `CET`; where there is none, the offset.
    pub fn abbreviation(self, at: DateTime<Utc>) -> String {
        self.0.from_utc_datetime(&at.naive_utc()).format("%Z").to_string()
    }

    /// The day there.
    pub fn day(self, at: DateTime<Utc>) -> NaiveDate {
        self.local(at).date()
    }
}

impl FromStr for Zone {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Self, Invalid> {
        let zone =
            name.parse().map_err(|_| Invalid("must be an IANA time zone, such as Europe/Berlin".into()));
        zone.map(Self)
    }
}

impl TryFrom<String> for Zone {
    type Error = Invalid;

    fn try_from(name: String) -> Result<Self, Invalid> {
        name.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.0.name().to_owned()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl PartialSchema for Zone {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).examples(["Europe/Berlin"]).into()
    }
}

impl ToSchema for Zone {
    fn name() -> Cow<'static, str> {
        "Zone".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_time_is_one_moment() {
        let cases = [
            ("America/New_York", "2026-03-08T01:59:00", "2026-03-08T06:59:00Z", "before the gap"),
            (
                "America/New_York",
                "2026-03-08T02:30:00",
                "2026-03-08T07:30:00Z",
                "within: 3:30 by the new clock",
            ),
            ("America/New_York", "2026-03-08T03:00:00", "2026-03-08T07:00:00Z", "after the gap"),
            ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z", "twice: the first"),
            ("America/New_York", "2026-11-01T02:00:00", "2026-11-01T07:00:00Z", "after the second"),
            ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00Z", "a gap of half an hour"),
            ("Africa/Cairo", "2026-04-24T00:00:00", "2026-04-23T22:00:00Z", "a midnight that is not there"),
            ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00Z", "a day that is not there"),
            ("Asia/Kolkata", "2026-06-01T09:00:00", "2026-06-01T03:30:00Z", "no change at all"),
        ];
        for (zone, local, expected, case) in cases {
            let moment = zone.parse::<Zone>().unwrap().moment(local.parse().unwrap());
            assert_eq!(moment, expected.parse::<DateTime<Utc>>().unwrap(), "{zone} {local}: {case}");
        }
    }

    #[test]
    fn a_zone_is_one_of_the_database() {
        for (name, known) in
            [("Europe/Berlin", true), ("UTC", true), ("Mars/Olympus", false), ("+02:00", false), ("", false)]
        {
            assert_eq!(name.parse::<Zone>().is_ok(), known, "{name}");
        }
    }
}
