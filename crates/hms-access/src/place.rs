//! Where the platform and its auth service are, as the settings have it.

use std::path::{Path, PathBuf};

use hms_model::service::{GATEWAY_PORT, ServiceEntry};
use hms_settings::{SettingError, Settings};
use url::Url;

const PUBLIC_URL: &str = "HMS_PUBLIC_URL";

/// `HMS_PUBLIC_URL`: where clients reach the platform, by default the gateway on this machine. It is the issuer of all
/// tokens (RFC 8414, 2), so that the same value must stand at every service.
pub fn public_url(settings: &Settings) -> Result<String, SettingError> {
    let Some(text) = settings.get(PUBLIC_URL) else {
        return Ok(format!("http://127.0.0.1:{}", settings.port(GATEWAY_PORT)?));
    };
    let refused = |reason| SettingError::new(PUBLIC_URL, reason);
    let url = Url::parse(&text).map_err(|_| refused("is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("must begin with https:// or http://"));
    }
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(refused("must end after host and port"));
    }
    Ok(url.origin().ascii_serialization())
}

/// `AUTH_URL`, or the auth service on this machine.
pub fn auth_url(settings: &Settings) -> Result<String, SettingError> {
    if let Some(url) = settings.get("AUTH_URL") {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    let port = ServiceEntry::find("auth").map_or(8000, |auth| auth.port);
    Ok(format!("http://127.0.0.1:{}", settings.port(port)?))
}

/// The folder with one file a service that holds its secret, where nothing else is set: `<HMS_DATA_DIR>/clients`.
pub fn service_clients_folder(data_dir: &Path) -> PathBuf {
    data_dir.join("clients")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_url_is_an_origin() {
        let cases = [
            (None, Some("http://127.0.0.1:8081")),
            (Some("https://hms.example"), Some("https://hms.example")),
            (Some("https://HMS.example:443/"), Some("https://hms.example")),
            (Some("http://localhost:8080"), Some("http://localhost:8080")),
            (Some("https://hms.example/path"), None),
            (Some("https://hms.example/?a=b"), None),
            (Some("https://hms.example/#a"), None),
            (Some("https://me:pw@hms.example"), None),
            (Some("ftp://hms.example"), None),
            (Some("hms.example"), None),
        ];
        for (given, expected) in cases {
            let settings =
                Settings::from_pairs([("HMS_PORT_OFFSET", "1"), (PUBLIC_URL, given.unwrap_or(""))]);
            assert_eq!(public_url(&settings).ok().as_deref(), expected, "{given:?}");
        }
    }
}
