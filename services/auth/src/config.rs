//! The settings that only this service has.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use hms_access::KeySource;
use hms_model::role::Role;
use hms_model::{Coded, Email, Secret};
use hms_service::Context;
use hms_settings::SettingError;

/// The settings of the auth service.
pub struct AuthSettings {
    /// `TOKEN_EXPIRY` (15m): how long an access token lives.
    pub access_lifetime: TimeDelta,
    /// `JWT_ALGORITHM` (EdDSA), with `JWT_SECRET` for HS256: what everyone checks tokens against.
    pub keys: KeySource,
    /// `HMS_PUBLIC_URL`: where clients reach the platform; the issuer of all tokens.
    pub public_url: String,
    /// `HMS_SIGNING_KEY_DAYS` (30): for how many days a key signs before another one follows it.
    pub key_period: TimeDelta,
    /// `HMS_AUTH_UPKEEP_SECONDS` (60): how often old rows, keys and last uses are looked after.
    pub upkeep_every: Duration,
    /// Who the first admin is.
    pub first_admin: FirstAdmin,
    /// What is asked of people who sign in.
    pub people: PeopleSettings,
}

/// What is asked of people who sign in.
#[derive(Debug, Clone)]
pub struct PeopleSettings {
    /// `HMS_REQUIRE_VERIFIED_EMAIL` (false): whether nobody signs in before a mail has reached them.
    pub require_verified_email: bool,
    /// `HMS_MFA_REQUIRED_ROLES` (none): who must have a second factor, such as `admin,doctor`.
    pub mfa_required_roles: Vec<Role>,
    /// `HMS_NAME` (HMS): how authenticator apps name this place.
    pub place_name: String,
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
            public_url: hms_access::public_url(settings)?,
            key_period: TimeDelta::days(settings.parse_or::<KeyDays>("HMS_SIGNING_KEY_DAYS", KeyDays(30))?.0),
            upkeep_every: Duration::from_secs(
                settings.parse_or::<UpkeepSeconds>("HMS_AUTH_UPKEEP_SECONDS", UpkeepSeconds(60))?.0,
            ),
            first_admin: FirstAdmin {
                email: email.parse().map_err(|reason| SettingError::new("HMS_ADMIN_EMAIL", reason))?,
                password: settings.get("HMS_ADMIN_PASSWORD").map(Secret::new),
                data_dir: context.own.data_dir.clone(),
            },
            people: PeopleSettings {
                require_verified_email: settings.parse_or("HMS_REQUIRE_VERIFIED_EMAIL", false)?,
                mfa_required_roles: settings.parse_or("HMS_MFA_REQUIRED_ROLES", Roles::default())?.0,
                place_name: settings.get("HMS_NAME").unwrap_or_else(|| "HMS".to_owned()),
            },
        })
    }
}

/// For how many days a key signs.
struct KeyDays(i64);

impl FromStr for KeyDays {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let days = text.trim().parse().ok().filter(|days| (1..=3_650).contains(days));
        days.map(Self).ok_or_else(|| "must be a number of days from 1 to 3650".to_owned())
    }
}

/// Seconds from one upkeep to the next.
struct UpkeepSeconds(u64);

impl FromStr for UpkeepSeconds {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = text.trim().parse().ok().filter(|seconds| (1..=3_600).contains(seconds));
        seconds.map(Self).ok_or_else(|| "must be a number of seconds from 1 to 3600".to_owned())
    }
}

/// Roles with commas between.
#[derive(Default)]
struct Roles(Vec<Role>);

impl FromStr for Roles {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let role = |word: &str| {
            Role::from_code(word.trim())
                .ok_or_else(|| "must be roles with commas between, such as admin,doctor".to_owned())
        };
        text.split(',').map(role).collect::<Result<_, _>>().map(Self)
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
