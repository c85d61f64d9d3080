//! The settings that only this service has.

use std::path::PathBuf;
use std::str::FromStr;

use chrono::TimeDelta;
use hms_access::KeySource;
use hms_model::{Email, Secret};
use hms_service::Context;
use hms_settings::SettingError;

/// The settings of the auth service.
pub struct AuthSettings {
    /// `TOKEN_EXPIRY` (15m): how long an access token lives.
    pub access_lifetime: TimeDelta,
    /// `JWT_ALGORITHM` (EdDSA), with `JWT_SECRET` for HS256: what everyone checks tokens against.
    pub keys: KeySource,
    /// Who the first admin is.
    pub first_admin: FirstAdmin,
}

/// The account that is made when there is no admin.
#[derive(Debug, Clone)]
pub struct FirstAdmin {
    /// `HMS_ADMIN_EMAIL` (admin@hms.local).
    pub email: Email,
    /// `HMS_ADMIN_PASSWORD`; without it one is made and written to a file.
    pub password: Option<Secret>,
    /// `HMS_DATA_DIR`: where that file is.
    pub data_dir: PathBuf,
}

impl AuthSettings {
    /// Reads them.
    pub fn read(context: &Context) -> Result<Self, SettingError> {
        let settings = &context.settings;
        let email = settings.get("HMS_ADMIN_EMAIL").unwrap_or_else(|| "admin@hms.local".to_owned());
        Ok(Self {
            access_lifetime: settings.parse_or("TOKEN_EXPIRY", Lifetime(TimeDelta::minutes(15)))?.0,
            keys: KeySource::from_settings(settings)?,
            first_admin: FirstAdmin {
                email: email.parse().map_err(|reason| SettingError::new("HMS_ADMIN_EMAIL", reason))?,
                password: settings.get("HMS_ADMIN_PASSWORD").map(Secret::new),
                data_dir: context.own.data_dir.clone(),
            },
        })
    }
}

/// A length of time as `24h`, `15m`, `900s` or plain seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lifetime(TimeDelta);

/// Longer than this nobody wants a token that is checked without asking.
pub const LONGEST_LIFETIME: TimeDelta = TimeDelta::days(7);

impl FromStr for Lifetime {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (number, unit) = match text.char_indices().last() {
            Some((at, 's')) => (text.get(..at), 1),
            Some((at, 'm')) => (text.get(..at), 60),
            Some((at, 'h')) => (text.get(..at), 3_600),
            _ => (Some(text), 1),
        };
        let number: Option<u32> = number.and_then(|number| number.parse().ok());
        let seconds = number.map(|number| i64::from(number) * unit);
        let right = seconds.filter(|seconds| (1..=LONGEST_LIFETIME.num_seconds()).contains(seconds));
        right.map(|seconds| Self(TimeDelta::seconds(seconds))).ok_or_else(|| {
            "must be a length of time such as 15m, 24h, 900s or 900, and at most 7 days (168h)".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_read_in_the_usual_forms() {
        let cases = [
            ("24h", Some(86_400)),
            ("15m", Some(900)),
            ("900s", Some(900)),
            ("900", Some(900)),
            (" 1s ", Some(1)),
            ("168h", Some(604_800)),
            ("169h", None),
            ("0", None),
            ("0m", None),
            ("-5m", None),
            ("1.5h", None),
            ("1d", None),
            ("h", None),
            ("", None),
            ("99999999999999h", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(text.parse().ok(), seconds.map(|s| Lifetime(TimeDelta::seconds(s))), "{text}");
        }
    }
}
