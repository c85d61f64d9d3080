//! The settings of the side that clients see.

use hms_settings::{SettingError, Settings};

use crate::proxies::{ForwardedHeader, Proxies};

/// How the gateway meets its clients. `Edge::default()` is what holds without any setting.
#[derive(Debug, Clone, Default)]
pub struct Edge {
    /// Whose word counts about where a request came from.
    pub proxies: Proxies,
}

impl Edge {
    /// Reads the settings; each is described in the README beside this crate.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self { proxies: proxies(settings)? })
    }
}

fn proxies(settings: &Settings) -> Result<Proxies, SettingError> {
    const NETWORKS: &str = "HMS_TRUSTED_PROXIES";
    let header = settings.parse_or("HMS_FORWARDED_HEADER", ForwardedHeader::default())?;
    let networks = Proxies::networks(&settings.get(NETWORKS).unwrap_or_default());
    Ok(Proxies::new(networks.map_err(|reason| SettingError::new(NETWORKS, reason))?, header))
}
