//! Whom the channels trust beside those whom the machine trusts.

use hms_settings::{SettingError, Settings};
use lettre::transport::smtp::client as smtp;

/// `HMS_OUTGOING_CA_FILE`: certificates (PEM) of authorities, such as a hospital's own.
#[derive(Debug, Clone, Default)]
pub struct Trusted(Vec<u8>);

impl Trusted {
    /// Reads them.
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        const NAME: &str = "HMS_OUTGOING_CA_FILE";
        let Some(file) = settings.get(NAME) else { return Ok(Self::default()) };
        let pem = std::fs::read(&file)
            .map_err(|error| SettingError::new(NAME, format!("{file} cannot be read: {error}")))?;
        let trusted = Self(pem);
        match trusted.http() {
            Ok(certificates) if !certificates.is_empty() => Ok(trusted),
            _ => Err(SettingError::new(NAME, format!("{file} must hold certificates (PEM)"))),
        }
    }

    /// For HTTP.
    pub fn http(&self) -> reqwest::Result<Vec<reqwest::Certificate>> {
        if self.0.is_empty() { Ok(Vec::new()) } else { reqwest::Certificate::from_pem_bundle(&self.0) }
    }

    /// For SMTP.
    pub fn smtp(&self) -> anyhow::Result<Option<smtp::Certificate>> {
        if self.0.is_empty() { Ok(None) } else { Ok(Some(smtp::Certificate::from_pem(&self.0)?)) }
    }
}
