//! The auth service, as far as only the gateway asks it.

use std::net::IpAddr;
use std::time::Duration;

use hms_access::ServiceToken;
use hms_model::id::SessionId;
use hms_model::{Clock, Secret};
use hms_problem::{Code, Problem};
use hms_settings::{SettingError, Settings};
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};

/// How long it may take for an answer.
const DEADLINE: Duration = Duration::from_secs(3);
/// The name by which it knows the gateway.
const NAME: &str = "gateway";

/// The way to the auth service's internal routes; clones share their connections.
#[derive(Clone)]
pub struct Auth {
    url: String,
    client: Client,
    token: ServiceToken,
}

/// Why the auth service gave no answer that can be used. The text holds no key and no token.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// We could not show who we are.
    #[error("the gateway's own token cannot be had")]
    Token(#[from] hms_access::AccessError),
    /// No answer, or none that can be read.
    #[error("the auth service does not answer")]
    Away(#[from] reqwest::Error),
    /// It refused.
    #[error("the auth service answered {0}")]
    Refused(StatusCode),
}

/// A part of the list of what is revoked.
#[derive(Debug, Deserialize)]
pub struct Feed {
    /// From where to go on.
    pub position: i64,
    /// What was revoked.
    pub revoked: Vec<Revoked>,
    /// Whether there is nothing more at present.
    pub complete: bool,
}

/// One entry of it.
#[derive(Debug, Deserialize)]
pub struct Revoked {
    /// What the tokens name in their `sid`.
    pub sid: SessionId,
    /// Until when one of them may be alive, in seconds since 1970.
    pub until: i64,
}

#[derive(Serialize)]
struct Exchange<'a> {
    key: &'a str,
    client_ip: IpAddr,
}

#[derive(Deserialize)]
struct Exchanged {
    access: Secret,
}

impl Auth {
    /// As the settings have it; each is described in the README beside this crate. Nothing is asked yet.
    pub fn from_settings(settings: &Settings, clock: Clock) -> Result<Self, SettingError> {
        // The client asks for one provider per process; more than once does no harm.
        let _already_there = rustls::crypto::ring::default_provider().install_default();
        let url = hms_access::auth_url(settings)?;
        let builder = Client::builder().timeout(DEADLINE);
        // Plain HTTP stays within one deployment: neither certificates nor a proxy have a part in it.
        let client = match url.starts_with("http://") {
            true => builder.tls_certs_only([]).no_proxy().build(),
            false => builder.build(),
        };
        let client = client.map_err(|error| SettingError::new("AUTH_URL", error))?;
        Ok(Self { url, client, token: ServiceToken::from_settings(NAME, settings, clock)? })
    }

    /// What was revoked after a position; all of it without one.
    pub async fn revocations(&self, after: Option<i64>) -> Result<Feed, AuthError> {
        let mut request = self.client.get(format!("{}/internal/revocations", self.url));
        if let Some(after) = after {
            request = request.query(&[("after", after)]);
        }
        let token = self.token.get().await?;
        let response = request.bearer_auth(token.expose()).send().await?;
        match response.status() {
            StatusCode::OK => Ok(response.json().await?),
            status => {
                // This is asked each second, so that a token that is refused does not stay for longer.
                if status == StatusCode::UNAUTHORIZED {
                    self.token.forget(&token);
                }
                Err(AuthError::Refused(status))
            }
        }
    }

    /// The token for an API key; nothing where the auth service knows no such key.
    pub async fn exchange(&self, key: &str, client_ip: IpAddr) -> Result<Option<Secret>, AuthError> {
        let request = self.client.post(format!("{}/internal/api-keys/exchange", self.url));
        let request = request.json(&Exchange { key, client_ip });
        let response = request.bearer_auth(self.token.get().await?.expose()).send().await?;
        match response.status() {
            StatusCode::OK => Ok(Some(response.json::<Exchanged>().await?.access)),
            StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST => Ok(None),
            status => Err(AuthError::Refused(status)),
        }
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::warn!(error, "an API key cannot be checked");
        Problem::new(Code::Unavailable).detail("service", "auth")
    }
}
