//! The settings of webhooks.

use std::time::Duration;

use chrono::TimeDelta;
use hms_settings::{SettingError, Settings};

use crate::domain::webhook::{AddressRules, LEASE};

/// How webhooks are delivered.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// `HMS_WEBHOOK_ALLOW_HTTP` (false) and `HMS_WEBHOOK_ALLOW_PRIVATE` (false): where they may lead.
    pub rules: AddressRules,
    /// `HMS_WEBHOOK_TIMEOUT_MS` (20000): how long an attempt may take.
    pub timeout: Duration,
    /// `HMS_WEBHOOK_KEEP_DAYS` (30): for how long the log keeps what has ended.
    pub keep: TimeDelta,
}

impl WebhookSettings {
    /// Reads them.
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        let rules = AddressRules {
            allow_http: settings.parse_or("HMS_WEBHOOK_ALLOW_HTTP", false)?,
            private: settings.parse("HMS_WEBHOOK_ALLOW_PRIVATE")?.unwrap_or_default(),
        };
        let timeout = Duration::from_millis(settings.parse_or("HMS_WEBHOOK_TIMEOUT_MS", 20_000)?);
        let lease = LEASE.to_std().unwrap_or_default();
        if timeout.is_zero() || timeout * 2 > lease {
            return Err(SettingError::new("HMS_WEBHOOK_TIMEOUT_MS", "must be 1 to 30000"));
        }
        let days: u16 = settings.parse_or("HMS_WEBHOOK_KEEP_DAYS", 30)?;
        if days == 0 {
            return Err(SettingError::new("HMS_WEBHOOK_KEEP_DAYS", "must be at least 1"));
        }
        Ok(Self { rules, timeout, keep: TimeDelta::days(days.into()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_must_end_long_before_its_lease() {
        let read = |name, value| WebhookSettings::read(&Settings::from_pairs([(name, value)]));
        assert_eq!(read("A", "").unwrap().timeout, Duration::from_secs(20));
        assert!(read("HMS_WEBHOOK_TIMEOUT_MS", "30000").is_ok());
        for (name, wrong) in [
            ("HMS_WEBHOOK_TIMEOUT_MS", "30001"),
            ("HMS_WEBHOOK_TIMEOUT_MS", "0"),
            ("HMS_WEBHOOK_KEEP_DAYS", "0"),
            ("HMS_WEBHOOK_ALLOW_PRIVATE", "everything"),
            ("HMS_WEBHOOK_ALLOW_HTTP", "1"),
        ] {
            let error = read(name, wrong).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
