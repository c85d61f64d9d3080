//! Where settings come from: the environment of the process, or a map in a test or in `hms up`. A service reads
//! each setting once, at its start, into a small struct of its own.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// A source of settings.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    own: Arc<HashMap<String, String>>,
    environment: bool,
}

/// A setting that cannot be used; its text names the setting and never shows its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {reason}")]
pub struct SettingError {
    /// The name of the setting.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

impl SettingError {
    /// Says what is wrong with a setting.
    pub fn new(name: &str, reason: impl Display) -> Self {
        Self { name: name.into(), reason: reason.to_string() }
    }
}

impl Settings {
    /// The environment of the process.
    pub fn from_environment() -> Self {
        Self { own: Arc::default(), environment: true }
    }

    /// Only what is given.
    pub fn from_pairs<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        Self::default().with(pairs)
    }

    /// The same source with some settings laid over it.
    pub fn with<K: Into<String>, V: Into<String>>(&self, pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut own = HashMap::clone(&self.own);
        own.extend(pairs.into_iter().map(|(name, value)| (name.into(), value.into())));
        Self { own: Arc::new(own), environment: self.environment }
    }

    /// The value of a setting; an empty one counts as none.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = self.own.get(name).cloned().or_else(|| self.environment_variable(name));
        value.filter(|value| !value.is_empty())
    }

    /// The value of a setting as a `T`, if it is set.
    pub fn parse<T>(&self, name: &str) -> Result<Option<T>, SettingError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.get(name).map(|text| text.parse().map_err(|reason| SettingError::new(name, reason))).transpose()
    }

    /// The value of a setting as a `T`, or a default.
    pub fn parse_or<T>(&self, name: &str, default: T) -> Result<T, SettingError>
    where
        T: FromStr,
        T::Err: Display,
    {
        Ok(self.parse(name)?.unwrap_or(default))
    }

    /// A length of time in seconds, such as `2.5`, or a default.
    pub fn seconds(&self, name: &str, default: Duration) -> Result<Duration, SettingError> {
        let Some(text) = self.get(name) else { return Ok(default) };
        let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        seconds.ok_or_else(|| SettingError::new(name, "must be a number of seconds"))
    }

    /// A port of the list of services, moved by `HMS_PORT_OFFSET` (0).
    pub fn port(&self, listed: u16) -> Result<u16, SettingError> {
        let offset: u16 = self.parse_or("HMS_PORT_OFFSET", 0)?;
        let beyond = || SettingError::new("HMS_PORT_OFFSET", format!("moves port {listed} beyond 65535"));
        listed.checked_add(offset).ok_or_else(beyond)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the seam the other calls go through")]
    fn environment_variable(&self, name: &str) -> Option<String> {
        if self.environment { std::env::var(name).ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_laid_over_wins_and_empty_is_none() {
        let settings = Settings::from_pairs([("A", "1"), ("B", "")]).with([("A", "2")]);
        assert_eq!(settings.get("A").as_deref(), Some("2"));
        assert_eq!(settings.get("B"), None);
        assert_eq!(settings.parse_or("C", 7_u16).unwrap(), 7);
    }

    #[test]
    fn a_wrong_value_names_the_setting_and_not_the_value() {
        let error = Settings::from_pairs([("PORT", "secret")]).parse::<u16>("PORT").unwrap_err();
        assert_eq!(error.to_string(), "PORT: invalid digit found in string");
    }
}
