//! The settings that only this service has.

use std::path::{Path, PathBuf};

use hms_settings::{SettingError, Settings};
use lettre::message::Mailbox;

/// How mail goes out.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// `HMS_MAIL_FROM` (`HMS <no-reply@hms.local>`): the sender.
    pub from: Mailbox,
    /// Where the embedded default writes mail: `outgoing` in the data folder.
    pub folder: PathBuf,
}

impl MailSettings {
    /// Reads them.
    pub fn read(settings: &Settings, data_dir: &Path) -> Result<Self, SettingError> {
        let from = settings.get("HMS_MAIL_FROM").unwrap_or_else(|| "HMS <no-reply@hms.local>".into());
        let from = from.parse().map_err(|_| {
            SettingError::new(
                "HMS_MAIL_FROM",
                "must be an e-mail address, such as Clinic <no-reply@clinic.example>",
            )
        })?;
        Ok(Self { from, folder: data_dir.join("outgoing") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sender_has_a_default_and_must_be_an_address() {
        let read = |pairs: &[(&str, &str)]| {
            MailSettings::read(&Settings::default().with(pairs.iter().copied()), Path::new("data"))
        };
        let default = read(&[]).unwrap();
        assert_eq!(default.from.to_string(), "HMS <no-reply@hms.local>");
        assert_eq!(default.folder, Path::new("data/outgoing"));
        assert!(read(&[("HMS_MAIL_FROM", "x@y.example")]).is_ok());
        let error = read(&[("HMS_MAIL_FROM", "nobody")]).unwrap_err();
        assert!(error.to_string().starts_with("HMS_MAIL_FROM: "), "{error}");
    }
}
