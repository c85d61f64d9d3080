//! The settings that only this service has.

use std::str::FromStr;

use chrono::TimeDelta;
use hms_model::role::RecordAccess;
use hms_settings::{SettingError, Settings};

/// What is configured.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// How long entries are kept.
    pub retention: Retention,
    /// `HMS_RECORD_ACCESS` (`organisation`): whose entries staff see.
    pub access: RecordAccess,
}

impl Config {
    /// Reads it.
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self { retention: Retention::read(settings)?, access: hms_care::record_access(settings)? })
    }
}

/// `AUDIT_RETENTION` (2192d, six years): how long entries are kept, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention(pub TimeDelta);

/// Six years, with their leap days.
const DEFAULT: TimeDelta = TimeDelta::days(2_192);
/// A century and more.
const MOST_DAYS: u32 = 40_000;

impl Retention {
    /// Reads it.
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        settings.parse_or("AUDIT_RETENTION", Self(DEFAULT))
    }
}

impl FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let days = text.trim().strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
        let days = days.filter(|days| (1..=MOST_DAYS).contains(days));
        days.map(|days| Self(TimeDelta::days(days.into())))
            .ok_or_else(|| format!("must be a number of days such as 2192d, from 1d to {MOST_DAYS}d"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retention_is_a_number_of_days() {
        let cases = [
            ("", Some(2_192)),
            ("1d", Some(1)),
            ("3653d", Some(3_653)),
            ("0d", None),
            ("40001d", None),
            ("6", None),
            ("6y", None),
            ("-1d", None),
            ("999999999999d", None),
        ];
        for (text, days) in cases {
            let read = Retention::read(&Settings::from_pairs([("AUDIT_RETENTION", text)]));
            assert_eq!(read.ok(), days.map(|days| Retention(TimeDelta::days(days))), "{text}");
        }
    }
}
