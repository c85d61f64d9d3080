//! The settings that only this service has.

use std::time::Duration;

use chrono::TimeDelta;
use hms_model::role::RecordAccess;
use hms_settings::{SettingError, Settings};

use crate::domain::Zone;

/// How the counter works, and who sees whom.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// `HMS_QUEUE_ZONE` (`UTC`): the IANA zone of the clinic, whose midnight begins the numbers of the queue anew.
    pub queue_zone: Zone,
    /// `HMS_QUEUE_HEARTBEAT_MS` (15000): how often a stream that has nothing to tell shows that it is alive.
    pub heartbeat: Duration,
    /// `HMS_WAITLIST_OFFER_MINUTES` (30): how long a time that became free is kept for the one it is offered to.
    pub offer_for: TimeDelta,
    /// `HMS_RECORD_ACCESS` (`organisation`): whose records staff see.
    pub access: RecordAccess,
}

impl Config {
    /// Reads them.
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        let queue_zone = settings.parse_or("HMS_QUEUE_ZONE", Zone::UTC)?;
        let heartbeat: u64 = settings.parse_or("HMS_QUEUE_HEARTBEAT_MS", 15_000)?;
        if !(100..=60_000).contains(&heartbeat) {
            return Err(SettingError::new("HMS_QUEUE_HEARTBEAT_MS", "must be from 100 to 60000"));
        }
        let offer: u32 = settings.parse_or("HMS_WAITLIST_OFFER_MINUTES", 30)?;
        if !(1..=1440).contains(&offer) {
            return Err(SettingError::new("HMS_WAITLIST_OFFER_MINUTES", "must be from 1 to 1440"));
        }
        Ok(Self {
            queue_zone,
            heartbeat: Duration::from_millis(heartbeat),
            offer_for: TimeDelta::minutes(offer.into()),
            access: hms_care::record_access(settings)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_default_and_bounds() {
        let read = |name: &str, value: &str| Config::read(&Settings::from_pairs([(name, value)]));
        assert_eq!(Config::read(&Settings::default()).unwrap().offer_for, TimeDelta::minutes(30));
        for (name, good, bad) in [
            ("HMS_QUEUE_ZONE", "Europe/Berlin", "Mars/Olympus"),
            ("HMS_QUEUE_HEARTBEAT_MS", "100", "99"),
            ("HMS_WAITLIST_OFFER_MINUTES", "1440", "0"),
        ] {
            assert!(read(name, good).is_ok(), "{name}");
            assert!(read(name, bad).unwrap_err().to_string().starts_with(name), "{name}");
        }
    }
}
