//! The settings that only this service has.

use std::time::Duration;

use hms_model::Zone;
use hms_settings::{SettingError, Settings};

/// How days are counted.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// `HMS_QUEUE_ZONE` (`UTC`): the IANA zone of the clinic, in which days begin and end; the same that the appointment
    /// service has for the counter.
    pub zone: Zone,
    /// `HMS_METRICS_EVERY_MS` (10000): how often what has changed is counted anew.
    pub every: Duration,
}

impl Config {
    /// Reads them.
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        let every: u64 = settings.parse_or("HMS_METRICS_EVERY_MS", 10_000)?;
        if !(50..=3_600_000).contains(&every) {
            return Err(SettingError::new("HMS_METRICS_EVERY_MS", "must be from 50 to 3600000"));
        }
        let zone = settings.parse_or("HMS_QUEUE_ZONE", Zone::UTC)?;
        Ok(Self { zone, every: Duration::from_millis(every) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_default_and_bounds() {
        let read = |name: &str, value: &str| Config::read(&Settings::from_pairs([(name, value)]));
        assert_eq!(Config::read(&Settings::default()).unwrap().zone, Zone::UTC);
        for (name, good, bad) in
            [("HMS_QUEUE_ZONE", "Europe/Berlin", "Mars/Olympus"), ("HMS_METRICS_EVERY_MS", "50", "49")]
        {
            assert!(read(name, good).is_ok(), "{name}");
            assert!(read(name, bad).unwrap_err().to_string().starts_with(name), "{name}");
        }
    }
}
