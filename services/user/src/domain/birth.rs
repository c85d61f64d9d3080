//! Dates of birth, and ages.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use hms_model::Invalid;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr};

use super::Refusal;

/// The longest life that is proven began in this year.
const EARLIEST_YEAR: i32 = 1875;
/// How far the calendar of any place is ahead of UTC.
const FURTHEST_AHEAD: TimeDelta = TimeDelta::hours(14);
/// More years than anybody has.
const MOST_YEARS: u16 = 1_000;

/// A date of birth, written as ISO 8601 has it: `1984-02-29`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BirthDate(NaiveDate);

impl BirthDate {
    /// The day itself.
    pub fn date(self) -> NaiveDate {
        self.0
    }

    /// A patient is neither born in the future nor beyond any age; and does not die before birth, nor later than
    /// now. A date is in the future when no place on earth has it yet.
    pub(super) fn check(self, deceased_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), Refusal> {
        let birth = |reason| Err(Refusal::Rule { field: "birth_date", reason });
        let death = |reason| Err(Refusal::Rule { field: "deceased_at", reason });
        if self.0 > latest_date(now) {
            return birth("must not be in the future");
        }
        if self.0.year() < EARLIEST_YEAR {
            return birth("must not be before 1875");
        }
        match deceased_at {
            Some(death_at) if latest_date(death_at) < self.0 => death("must not be before birth"),
            Some(death_at) if death_at > now => death("must not be in the future"),
            _ => Ok(()),
        }
    }
}

/// The date of the place where it is the latest.
fn latest_date(at: DateTime<Utc>) -> NaiveDate {
    at.checked_add_signed(FURTHEST_AHEAD).unwrap_or(at).date_naive()
}

impl From<NaiveDate> for BirthDate {
    fn from(date: NaiveDate) -> Self {
        Self(date)
    }
}

impl FromStr for BirthDate {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let dash = |place| matches!(place, 4 | 7);
        let form = text.len() == 10
            && text
                .bytes()
                .enumerate()
                .all(|(place, b)| if dash(place) { b == b'-' } else { b.is_ascii_digit() });
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| form);
        date.map(Self).ok_or_else(|| Invalid("must be a date that exists, such as 1984-02-29".into()))
    }
}

impl TryFrom<String> for BirthDate {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<BirthDate> for String {
    fn from(date: BirthDate) -> Self {
        date.to_string()
    }
}

impl fmt::Display for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl utoipa::PartialSchema for BirthDate {
    fn schema() -> RefOr<Schema> {
        let date = Some(SchemaFormat::KnownFormat(KnownFormat::Date));
        ObjectBuilder::new().schema_type(Type::String).format(date).examples(["1984-02-29"]).into()
    }
}

impl utoipa::ToSchema for BirthDate {
    fn name() -> std::borrow::Cow<'static, str> {
        "Date".into()
    }
}

/// The last day on which someone was born who has `age` full years on `today`: whoever was born later is younger.
/// Who was born on 29 February grows a year older on 1 March where the year has no such day.
pub fn last_birth_date(today: NaiveDate, age: u16) -> NaiveDate {
    let year = today.year() - i32::from(age.min(MOST_YEARS));
    // Only 29 February is not there in another year: whoever was born on the day before has had their birthday.
    today.with_year(year).or_else(|| NaiveDate::from_ymd_opt(year, 2, 28)).unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn dates_are_iso_8601_and_exist() {
        let cases = [
            ("1984-02-29", true),
            ("1985-02-29", false),
            ("1984-2-9", false),
            ("1984-13-01", false),
            ("84-02-29", false),
            ("19840229", false),
            ("1984-02-29T00:00:00Z", false),
            (" 984-02-29", false),
            ("-984-02-29", false),
            ("", false),
        ];
        for (text, right) in cases {
            assert_eq!(text.parse::<BirthDate>().is_ok(), right, "{text}");
        }
    }

    #[test]
    fn birth_and_death_are_possible() {
        let now = "2026-03-02T08:00:00Z".parse().unwrap();
        let cases = [
            ("1984-02-29", None, None),
            ("2026-03-02", None, None),
            ("2026-03-03", None, Some("birth_date")),
            ("1875-01-01", None, None),
            ("1874-12-31", None, Some("birth_date")),
            ("1984-02-29", Some("2026-03-02T08:00:00Z"), None),
            ("1984-02-29", Some("2026-03-02T08:00:01Z"), Some("deceased_at")),
            ("1984-02-29", Some("1984-02-29T03:00:00Z"), None),
            ("1984-02-29", Some("1984-02-28T10:00:00Z"), None),
            ("1984-02-29", Some("1984-02-28T09:59:59Z"), Some("deceased_at")),
        ];
        for (birth, death, wrong) in cases {
            let death = death.map(|death: &str| death.parse().unwrap());
            let outcome = birth.parse::<BirthDate>().unwrap().check(death, now);
            let field = outcome.err().map(|refusal| match refusal {
                Refusal::Rule { field, .. } => field,
                other => panic!("{other}"),
            });
            assert_eq!(field, wrong, "born {birth}, died {death:?}");
        }
    }

    #[test]
    fn a_child_born_tomorrow_by_utc_is_registered_where_it_is_tomorrow_already() {
        let auckland_morning = "2026-03-02T19:00:00Z".parse().unwrap();
        assert_eq!("2026-03-03".parse::<BirthDate>().unwrap().check(None, auckland_morning), Ok(()));
    }

    #[test]
    fn the_last_birth_date_of_an_age() {
        let cases = [
            ("2026-03-02", 0, "2026-03-02"),
            ("2026-03-02", 18, "2008-03-02"),
            ("2026-02-28", 18, "2008-02-28"),
            ("2026-03-01", 18, "2008-03-01"),
            ("2028-02-29", 18, "2010-02-28"),
            ("2028-02-29", 4, "2024-02-29"),
            ("2100-02-28", 4, "2096-02-28"),
            ("2026-03-02", u16::MAX, "1026-03-02"),
        ];
        for (today, age, last) in cases {
            assert_eq!(last_birth_date(date(today), age), date(last), "{age} years on {today}");
        }
    }

    /// The obvious way: count the full years of everyone.
    #[test]
    fn the_bounds_of_an_age_agree_with_counting_years() {
        for today in
            ["2024-02-28", "2024-02-29", "2024-03-01", "2025-02-28", "2025-03-01", "2100-03-01"].map(date)
        {
            for age in 0..=9 {
                let (last, first_younger) =
                    (last_birth_date(today, age), last_birth_date(today, age).succ_opt().unwrap());
                assert!(today.years_since(last).unwrap() >= u32::from(age), "{age} on {today}: {last}");
                let younger = today.years_since(first_younger);
                assert!(
                    younger.is_none_or(|years| years < u32::from(age)),
                    "{age} on {today}: {first_younger}"
                );
            }
        }
    }
}
