//! The settings that only this service has.

use hms_model::money::Currency;
use hms_model::{Secret, Text};
use hms_settings::{SettingError, Settings};

use crate::domain::ServiceCode;
use crate::domain::dunning::Steps;

/// How the organisation bills.
#[derive(Debug, Clone)]
pub struct Config {
    /// `HMS_ORGANISATION` (`HMS`): whose name stands on invoices.
    pub organisation: Text<1, 100>,
    /// `HMS_CURRENCY` (`USD`): the currency of invoices that the service drafts by itself.
    pub currency: Currency,
    /// `HMS_BILLING_APPOINTMENT` (`APPOINTMENT`): the service of the catalogue that a fulfilled appointment is.
    pub appointment: ServiceCode,
    /// `HMS_BILLING_DUNNING_DAYS` (`7,21,35`): after how many days past the due day the levels 1 to 3 begin.
    pub dunning: Steps,
    /// The payment provider, where `HMS_PAYMENT_PROVIDER_URL` is set.
    pub provider: Option<ProviderSettings>,
}

/// How to reach a payment provider that speaks as Stripe does (PaymentIntents).
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// `HMS_PAYMENT_PROVIDER_URL`: where it answers, such as `https://api.stripe.com`.
    pub url: String,
    /// `HMS_PAYMENT_PROVIDER_KEY`: who we are there.
    pub key: Secret,
    /// `HMS_PAYMENT_WEBHOOK_SECRET`: what its webhooks are signed with.
    pub webhook_secret: Secret,
}

impl ProviderSettings {
    fn read(settings: &Settings) -> Result<Option<Self>, SettingError> {
        let Some(url) = settings.get("HMS_PAYMENT_PROVIDER_URL") else { return Ok(None) };
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(SettingError::new("HMS_PAYMENT_PROVIDER_URL", "must be an http or https address"));
        }
        let need = |name: &str| {
            let missing = || SettingError::new(name, "is needed beside HMS_PAYMENT_PROVIDER_URL");
            settings.get(name).map(Secret::new).ok_or_else(missing)
        };
        Ok(Some(Self {
            url: url.trim_end_matches('/').to_owned(),
            key: need("HMS_PAYMENT_PROVIDER_KEY")?,
            webhook_secret: need("HMS_PAYMENT_WEBHOOK_SECRET")?,
        }))
    }
}

impl Config {
    /// Reads them.
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        let appointment = settings.get("HMS_BILLING_APPOINTMENT").unwrap_or_else(|| "APPOINTMENT".into());
        let organisation = settings.get("HMS_ORGANISATION").unwrap_or_else(|| "HMS".into());
        Ok(Self {
            organisation: organisation
                .parse()
                .map_err(|reason| SettingError::new("HMS_ORGANISATION", reason))?,
            currency: settings.parse_or("HMS_CURRENCY", Currency::USD)?,
            appointment: appointment
                .parse()
                .map_err(|reason| SettingError::new("HMS_BILLING_APPOINTMENT", reason))?,
            dunning: settings.parse_or("HMS_BILLING_DUNNING_DAYS", Steps::default())?,
            provider: ProviderSettings::read(settings)?,
        })
    }
}
