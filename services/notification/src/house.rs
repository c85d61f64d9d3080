//! How this organisation writes to its patients: the settings of messages.

use std::collections::BTreeSet;

use hms_model::{Coded as _, Email, Language, Zone};
use hms_settings::{SettingError, Settings};

use crate::domain::{ChannelKind, Leads, Manner};

/// How this organisation writes to its patients.
#[derive(Debug, Clone)]
pub struct House {
    /// `HMS_ORGANISATION` (`HMS`), `HMS_ZONE` (`UTC`) and `HMS_LANGUAGE` (`en`): what it is called, in which zone it shows
    /// times that no schedule has one for, and the language of patients of whom none is known.
    pub manner: Manner,
    /// `HMS_NOTIFY_BY` (`email,push,in_app`): the ways that messages go to a patient who has said nothing of it.
    pub ways: BTreeSet<ChannelKind>,
    /// `HMS_REMINDERS` (`24h`): how long before an appointment its patient is reminded of it: `24h,2h`, or `off`.
    pub leads: Leads,
    /// `HMS_PRIVACY_EMAIL`: who is told by mail when somebody breaks the glass.
    pub privacy_email: Option<Email>,
}

impl House {
    /// Reads them.
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        let organisation = settings.get("HMS_ORGANISATION").unwrap_or_else(|| "HMS".into());
        let tag = settings.get("HMS_LANGUAGE").unwrap_or_else(|| "en".into());
        let language = Language::of_tag(&tag).ok_or_else(language_fault)?;
        let by = settings.get("HMS_NOTIFY_BY").unwrap_or_else(|| "email,push,in_app".into());
        Ok(Self {
            manner: Manner { organisation, zone: settings.parse_or("HMS_ZONE", Zone::UTC)?, language },
            ways: ways(&by).ok_or_else(ways_fault)?,
            leads: settings.parse_or("HMS_REMINDERS", Leads::default())?,
            privacy_email: settings.parse("HMS_PRIVACY_EMAIL")?,
        })
    }
}

fn ways(text: &str) -> Option<BTreeSet<ChannelKind>> {
    let codes = text.split(',').map(str::trim).filter(|code| !code.is_empty());
    codes.map(ChannelKind::from_code).collect()
}

fn ways_fault() -> SettingError {
    SettingError::new("HMS_NOTIFY_BY", "must be some of: email, sms, push, in_app")
}

fn language_fault() -> SettingError {
    let languages: Vec<_> = Language::ALL.iter().map(|language| language.code()).collect();
    SettingError::new("HMS_LANGUAGE", format!("must be one of: {}", languages.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_default_and_bounds() {
        let default = House::read(&Settings::default()).unwrap();
        assert_eq!(default.manner.language, Language::En);
        assert_eq!((default.leads.to_string().as_str(), default.privacy_email), ("1440m", None));
        assert_eq!(default.ways, BTreeSet::from([ChannelKind::Email, ChannelKind::Push, ChannelKind::InApp]));
        for (name, good, bad) in [
            ("HMS_ZONE", "Europe/Berlin", "Mars/Olympus"),
            ("HMS_LANGUAGE", "de-AT", "tlh"),
            ("HMS_NOTIFY_BY", "sms, email", "pigeon"),
            ("HMS_REMINDERS", "off", "soon"),
            ("HMS_PRIVACY_EMAIL", "privacy@clinic.example", "nobody"),
        ] {
            let read = |value: &str| House::read(&Settings::from_pairs([(name, value)]));
            assert!(read(good).is_ok(), "{name}");
            assert!(read(bad).unwrap_err().to_string().starts_with(name), "{name}");
        }
    }
}
