//! The settings that only this service has.

use std::str::FromStr;

use chrono::TimeDelta;
use hms_model::role::RecordAccess;
use hms_settings::{SettingError, Settings};

/// Who sees whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRules {
    /// `HMS_RECORD_ACCESS` (`organisation`): whose records staff see.
    pub access: RecordAccess,
    /// `HMS_BREAK_GLASS` (4h): how long broken glass opens a record.
    pub break_glass: TimeDelta,
}

/// A number of hours.
struct Hours(TimeDelta);

/// A week: longer is no emergency any more.
const MOST_HOURS: u32 = 168;

impl RecordRules {
    /// Reads them.
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            access: hms_care::record_access(settings)?,
            break_glass: settings.parse_or("HMS_BREAK_GLASS", Hours(TimeDelta::hours(4)))?.0,
        })
    }
}

impl FromStr for Hours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hours = text.trim().strip_suffix('h').and_then(|hours| hours.parse::<u32>().ok());
        let hours = hours.filter(|hours| (1..=MOST_HOURS).contains(hours));
        hours
            .map(|hours| Self(TimeDelta::hours(hours.into())))
            .ok_or_else(|| format!("must be a number of hours such as 4h, from 1h to {MOST_HOURS}h"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_have_a_default_and_bounds() {
        let cases = [
            ("", "", Some((RecordAccess::Organisation, 4))),
            ("care_team", "1h", Some((RecordAccess::CareTeam, 1))),
            ("organisation", "168h", Some((RecordAccess::Organisation, 168))),
            ("nobody", "", None),
            ("", "0h", None),
            ("", "169h", None),
            ("", "4", None),
        ];
        for (access, hours, expected) in cases {
            let settings = Settings::from_pairs([("HMS_RECORD_ACCESS", access), ("HMS_BREAK_GLASS", hours)]);
            let rules =
                expected.map(|(access, hours)| RecordRules { access, break_glass: TimeDelta::hours(hours) });
            assert_eq!(RecordRules::read(&settings).ok(), rules, "{access} {hours}");
        }
    }
}
