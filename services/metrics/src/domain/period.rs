//! Days and weeks.

use chrono::{Datelike, Days, NaiveDate};

/// From one day to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
}

/// How a span is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Into days.
    Day,
    /// Into weeks from Monday to Sunday (ISO 8601).
    Week,
    /// Not at all.
    Whole,
}

/// One part of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
}

impl Span {
    /// So many days that end with this one.
    pub fn until(to: NaiveDate, days: u64) -> Self {
        let from = to.checked_sub_days(Days::new(days.saturating_sub(1)));
        Self { from: from.unwrap_or(to), to }
    }

    /// Some days, in any order, as few spans in order: those that follow each other are one.
    pub fn of(days: impl IntoIterator<Item = NaiveDate>) -> Vec<Self> {
        let mut days: Vec<NaiveDate> = days.into_iter().collect();
        days.sort_unstable();
        days.dedup();
        let runs = days.chunk_by(|day, next| day.succ_opt() == Some(*next));
        runs.filter_map(|run| Some(Self { from: *run.first()?, to: *run.last()? })).collect()
    }

    /// How many days it has; 0 when it ends before it begins.
    pub fn len(self) -> i64 {
        (self.to - self.from).num_days().saturating_add(1).max(0)
    }

    /// Its days, in order.
    pub fn days(self) -> impl Iterator<Item = NaiveDate> {
        self.from.iter_days().take_while(move |day| *day <= self.to)
    }

    /// The whole weeks that it touches.
    pub fn weeks(self) -> Self {
        Self { from: monday(self.from), to: sunday(self.to) }
    }

    /// Whether the day lies within.
    pub fn has(self, day: NaiveDate) -> bool {
        (self.from..=self.to).contains(&day)
    }
}

impl Step {
    /// The part of the span in which a day lies.
    pub fn of(self, day: NaiveDate, span: Span) -> Period {
        match self {
            Step::Day => Period { from: day, to: day },
            Step::Week => Period { from: monday(day), to: sunday(day) },
            Step::Whole => Period { from: span.from, to: span.to },
        }
    }
}

/// The name of a week by ISO 8601: `2026-W05`. Its year is that of its Thursday.
pub fn week(day: NaiveDate) -> String {
    let week = day.iso_week();
    format!("{:04}-W{:02}", week.year(), week.week())
}

fn monday(day: NaiveDate) -> NaiveDate {
    let since = u64::from(day.weekday().num_days_from_monday());
    day.checked_sub_days(Days::new(since)).unwrap_or(day)
}

fn sunday(day: NaiveDate) -> NaiveDate {
    let left = u64::from(6 - day.weekday().num_days_from_monday());
    day.checked_add_days(Days::new(left)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_belongs_to_the_year_of_its_thursday() {
        for (day, name, from, to) in [
            ("2025-12-29", "2026-W01", "2025-12-29", "2026-01-04"),
            ("2026-01-04", "2026-W01", "2025-12-29", "2026-01-04"),
            ("2027-01-03", "2026-W53", "2026-12-28", "2027-01-03"),
            ("2024-12-30", "2025-W01", "2024-12-30", "2025-01-05"),
        ] {
            let day: NaiveDate = day.parse().unwrap();
            let period = Step::Week.of(day, Span { from: day, to: day });
            assert_eq!(week(day), name);
            assert_eq!((period.from.to_string(), period.to.to_string()), (from.into(), to.into()));
        }
    }

    #[test]
    fn a_span_counts_its_days() {
        let to: NaiveDate = "2026-03-01".parse().unwrap();
        let span = Span::until(to, 30);
        assert_eq!((span.from.to_string(), span.len()), ("2026-01-31".to_owned(), 30));
        assert_eq!(span.days().count(), 30);
        assert_eq!(Span { from: to, to: span.from }.len(), 0);
    }
    #[test]
    fn days_that_follow_each_other_are_one_span() {
        for (days, spans) in [
            ("", ""),
            ("2026-03-01", "2026-03-01/2026-03-01"),
            ("2026-03-02 2026-02-28 2026-03-01 2026-03-01", "2026-02-28/2026-03-02"),
            ("2026-03-04 2026-03-02 2026-03-05", "2026-03-02/2026-03-02 2026-03-04/2026-03-05"),
        ] {
            let given = days.split_whitespace().map(|day| day.parse().unwrap());
            let written = Span::of(given).into_iter().map(|Span { from, to }| format!("{from}/{to}"));
            assert_eq!(written.collect::<Vec<_>>().join(" "), spans, "{days}");
        }
    }
}
