//! The settings that only this service has.

use hms_model::money::Currency;
use hms_settings::{SettingError, Settings};

use crate::domain::ServiceCode;
use crate::domain::dunning::Steps;

/// How the organisation bills.
#[derive(Debug, Clone)]
pub struct Config {
    /// `HMS_CURRENCY` (`USD`): the currency of invoices that the service drafts by itself.
    pub currency: Currency,
    /// `HMS_BILLING_APPOINTMENT` (`APPOINTMENT`): the service of the catalogue that a fulfilled appointment is.
    pub appointment: ServiceCode,
    /// `HMS_BILLING_DUNNING_DAYS` (`7,21,35`): after how many days past the due day the levels 1 to 3 begin.
    pub dunning: Steps,
}

impl Config {
    /// Reads them.
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        let appointment = settings.get("HMS_BILLING_APPOINTMENT").unwrap_or_else(|| "APPOINTMENT".into());
        Ok(Self {
            currency: settings.parse_or("HMS_CURRENCY", Currency::USD)?,
            appointment: appointment
                .parse()
                .map_err(|reason| SettingError::new("HMS_BILLING_APPOINTMENT", reason))?,
            dunning: settings.parse_or("HMS_BILLING_DUNNING_DAYS", Steps::default())?,
        })
    }
}
