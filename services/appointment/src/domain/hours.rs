//! The hours of a schedule, as clocks on the wall show them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta};
use hms_model::{Invalid, Text, coded_enum};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ObjectBuilder, RefOr, Type};
use utoipa::{PartialSchema, ToSchema};

use super::Refusal;

const MOST_HOURS: usize = 100;
const MOST_EXCEPTIONS: usize = 400;
const DAY: u16 = 24 * 60;

/// A time of the day in minutes, `00:00` to `24:00`; the last is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DayTime(u16);

impl DayTime {
    /// That time on a day.
    pub fn on(self, day: NaiveDate) -> NaiveDateTime {
        day.and_time(chrono::NaiveTime::MIN) + TimeDelta::minutes(self.0.into())
    }
}

impl FromStr for DayTime {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let number = |part: &str| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u16>().ok().filter(|_| digits)
        };
        let parts = text.split_once(':').and_then(|(hour, minute)| Some((number(hour)?, number(minute)?)));
        let time = parts.filter(|(_, minute)| *minute < 60).map(|(hour, minute)| hour * 60 + minute);
        let invalid = || Invalid("must be a time of the day from 00:00 to 24:00".into());
        time.filter(|time| *time <= DAY).map(Self).ok_or_else(invalid)
    }
}

impl TryFrom<String> for DayTime {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<DayTime> for String {
    fn from(time: DayTime) -> Self {
        time.to_string()
    }
}

impl fmt::Display for DayTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl PartialSchema for DayTime {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"))
            .examples(["09:00"])
            .into()
    }
}

impl ToSchema for DayTime {
    fn name() -> Cow<'static, str> {
        "DayTime".into()
    }
}

coded_enum! {
    /// A day of the week.
    pub enum Weekday {
        /// Monday.
        Monday = "monday",
        /// Tuesday.
        Tuesday = "tuesday",
        /// Wednesday.
        Wednesday = "wednesday",
        /// Thursday.
        Thursday = "thursday",
        /// Friday.
        Friday = "friday",
        /// Saturday.
        Saturday = "saturday",
        /// Sunday.
        Sunday = "sunday",
    }
}

impl Weekday {
    /// The day of the week of a date.
    pub fn of(day: NaiveDate) -> Self {
        match day.weekday() {
            chrono::Weekday::Mon => Self::Monday,
            chrono::Weekday::Tue => Self::Tuesday,
            chrono::Weekday::Wed => Self::Wednesday,
            chrono::Weekday::Thu => Self::Thursday,
            chrono::Weekday::Fri => Self::Friday,
            chrono::Weekday::Sat => Self::Saturday,
            chrono::Weekday::Sun => Self::Sunday,
        }
    }
}

/// From one time of a day up to, not including, another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeRange {
    /// From.
    pub start: DayTime,
    /// Up to, not including.
    pub end: DayTime,
}

impl TimeRange {
    /// How long it is on the clock of the wall.
    pub fn minutes(&self) -> i64 {
        i64::from(self.end.0) - i64::from(self.start.0)
    }
}

/// The same time of every week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WeeklyRange {
    /// On this day of the week.
    pub weekday: Weekday,
    /// From.
    pub start: DayTime,
    /// Up to, not including.
    pub end: DayTime,
}

impl WeeklyRange {
    fn range(self) -> TimeRange {
        TimeRange { start: self.start, end: self.end }
    }
}

coded_enum! {
    /// What is different on a day.
    pub enum ExceptionKind {
        /// It is closed: within the given hours, or the whole day where none are given.
        Closed = "closed",
        /// It is open within the given hours too, also on a holiday.
        Open = "open",
    }
}

/// A day that is not as the week says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The day.
    pub date: NaiveDate,
    /// What is different.
    pub kind: ExceptionKind,
    /// Within these hours.
    #[serde(default)]
    pub hours: Vec<TimeRange>,
    /// Why.
    #[serde(default)]
    pub reason: Option<Text<1, 200>>,
}

/// The hours of a schedule. A day's are the weekly hours without the breaks, none of them on a holiday; then what is
/// closed is taken away, and what is open in addition is laid over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// When it is open, every week.
    pub weekly: Vec<WeeklyRange>,
    /// When it is not, within these.
    #[serde(default)]
    pub breaks: Vec<WeeklyRange>,
    /// The days that are different.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
}

impl Hours {
    /// No range is empty, and none of one kind and day overlaps another.
    pub fn check(&self) -> Result<(), Refusal> {
        weekly("hours.weekly", &self.weekly)?;
        weekly("hours.breaks", &self.breaks)?;
        let field = "hours.exceptions";
        if self.exceptions.len() > MOST_EXCEPTIONS {
            return Err(Refusal::field(field, format!("at most {MOST_EXCEPTIONS}")));
        }
        for exception in &self.exceptions {
            if exception.kind == ExceptionKind::Open && exception.hours.is_empty() {
                return Err(Refusal::field(field, format!("{}: open needs hours", exception.date)));
            }
            let same = |other: &&Exception| other.date == exception.date && other.kind == exception.kind;
            let ranges = self.exceptions.iter().filter(same).flat_map(|other| other.hours.iter().copied());
            let twice = self.exceptions.iter().filter(same).count() > 1;
            if twice && exception.hours.is_empty() {
                return Err(Refusal::field(field, format!("{}: closed twice", exception.date)));
            }
            disjoint(field, &exception.date.to_string(), ranges.collect())?;
        }
        Ok(())
    }

    /// When it is open on a day, in order; what only touches is left apart.
    pub fn of(&self, day: NaiveDate, is_holiday: bool) -> Vec<TimeRange> {
        let mut open = if is_holiday { Vec::new() } else { self.usual(Weekday::of(day)) };
        let today = || self.exceptions.iter().filter(|exception| exception.date == day);
        for closed in today().filter(|exception| exception.kind == ExceptionKind::Closed) {
            open = if closed.hours.is_empty() { Vec::new() } else { without(open, &closed.hours) };
        }
        for extra in today().filter(|exception| exception.kind == ExceptionKind::Open) {
            open.extend(&extra.hours);
        }
        open.sort_by_key(|range| (range.start, range.end));
        joined(open)
    }

    /// When it is open on a day of the week that is no different.
    pub fn usual(&self, weekday: Weekday) -> Vec<TimeRange> {
        let on = |list: &[WeeklyRange]| -> Vec<TimeRange> {
            list.iter().filter(|range| range.weekday == weekday).map(|range| range.range()).collect()
        };
        without(on(&self.weekly), &on(&self.breaks))
    }
}

fn weekly(field: &'static str, list: &[WeeklyRange]) -> Result<(), Refusal> {
    if list.len() > MOST_HOURS {
        return Err(Refusal::field(field, format!("at most {MOST_HOURS}")));
    }
    for range in list {
        let same = list.iter().filter(|other| other.weekday == range.weekday);
        disjoint(field, range.weekday.into_words(), same.map(|range| range.range()).collect())?;
    }
    Ok(())
}

impl Weekday {
    fn into_words(self) -> &'static str {
        hms_model::Coded::code(self)
    }
}

fn disjoint(field: &'static str, day: &str, mut ranges: Vec<TimeRange>) -> Result<(), Refusal> {
    ranges.sort_by_key(|range| (range.start, range.end));
    if let Some(range) = ranges.iter().find(|range| range.end <= range.start) {
        let reason = format!("{day} {} to {}: must end after it starts", range.start, range.end);
        return Err(Refusal::field(field, reason));
    }
    let mut pairs = ranges.iter().zip(ranges.iter().skip(1));
    match pairs.find(|(one, next)| next.start < one.end) {
        Some((one, next)) => {
            let reason =
                format!("{day} {} to {} and {} to {} overlap", one.start, one.end, next.start, next.end);
            Err(Refusal::field(field, reason))
        }
        None => Ok(()),
    }
}

fn without(open: Vec<TimeRange>, closed: &[TimeRange]) -> Vec<TimeRange> {
    closed.iter().fold(open, |open, closed| {
        let parts = open.into_iter().flat_map(|range| {
            let before = TimeRange { start: range.start, end: range.end.min(closed.start) };
            let after = TimeRange { start: range.start.max(closed.end), end: range.end };
            [before, after]
        });
        parts.filter(|part| part.start < part.end).collect()
    })
}

/// What overlaps becomes one.
fn joined(ranges: Vec<TimeRange>) -> Vec<TimeRange> {
    let mut joined: Vec<TimeRange> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// The days from one to another, both included.
pub(super) fn days(from: NaiveDate, to: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    std::iter::successors(Some(from), |day| day.checked_add_days(Days::new(1)))
        .take_while(move |day| *day <= to)
}
