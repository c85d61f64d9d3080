//! Dunning: how often a patient should have been asked again by now.

use chrono::NaiveDate;

/// After how many days past the due day the levels 1, 2 and 3 begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps(pub [i64; 3]);

impl Default for Steps {
    fn default() -> Self {
        Self([7, 21, 35])
    }
}

impl std::str::FromStr for Steps {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "must be three ascending numbers of days, such as 7,21,35";
        let days: Vec<i64> =
            text.split(',').map(|part| part.trim().parse().map_err(|_| wrong)).collect::<Result<_, _>>()?;
        let steps: [i64; 3] = days.try_into().map_err(|_| wrong)?;
        if steps.is_sorted() && steps.first().is_some_and(|first| *first > 0) {
            Ok(Self(steps))
        } else {
            Err(wrong)
        }
    }
}

impl Steps {
    /// The last due day of an invoice that is on this level or above; none where there is no such level.
    pub fn due_before(self, level: usize, today: NaiveDate) -> Option<NaiveDate> {
        let days = u64::try_from(*self.0.get(level.checked_sub(1)?)?).ok()?;
        today.checked_sub_days(chrono::Days::new(days))
    }
}
