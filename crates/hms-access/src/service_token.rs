//! The token by which a service shows another one who it is: fetched when it is needed, kept, and renewed before it
//! expires (RFC 6749, 4.4).

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::{Clock, Secret};
use hms_settings::{SettingError, Settings};
use parking_lot::Mutex;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;

use crate::AccessError;
use crate::http::client;
use crate::place::{auth_url, service_clients_folder};

/// Renewal begins when this part of the lifetime is left: one in this many.
const LEFT_AT_RENEWAL: i32 = 3;
/// After a failure nobody asks again for so long: callers must not wait for one another's time-outs.
const PAUSE: TimeDelta = TimeDelta::seconds(1);

/// The token of one service; clones share it.
#[derive(Clone)]
pub struct ServiceToken(Arc<Inner>);

struct Inner {
    name: String,
    secret: Source,
    url: String,
    client: reqwest::Client,
    clock: Clock,
    kept: Mutex<Kept>,
    /// Held by the one who asks for a new token.
    asking: tokio::sync::Mutex<()>,
}

enum Source {
    Setting(Secret),
    /// Read at each use, so that a secret can be replaced without a restart.
    File(PathBuf),
}

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    failed_at: Option<DateTime<Utc>>,
}

#[derive(Clone)]
struct Token {
    access: Secret,
    renew_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Secret,
    expires_in: u32,
}

impl ServiceToken {
    /// The token of the service `name`: its secret from `HMS_CLIENT_SECRET`, from the file `HMS_CLIENT_SECRET_FILE`, or
    /// from `<HMS_DATA_DIR>/clients/<name>`; the auth service at `AUTH_URL`. Nothing is fetched yet.
    pub fn from_settings(name: &str, settings: &Settings, clock: Clock) -> Result<Self, SettingError> {
        let data_dir = PathBuf::from(settings.get("HMS_DATA_DIR").unwrap_or_else(|| "data".into()));
        let secret = match (settings.get("HMS_CLIENT_SECRET"), settings.get("HMS_CLIENT_SECRET_FILE")) {
            (Some(secret), _) => Source::Setting(Secret::new(secret)),
            (None, Some(file)) => Source::File(file.into()),
            (None, None) => Source::File(service_clients_folder(&data_dir).join(name)),
        };
        let url = format!("{}/api/v1/oauth/token", auth_url(settings)?);
        let client = client(&url).map_err(|error| SettingError::new("AUTH_URL", error))?;
        Ok(Self(Arc::new(Inner {
            name: name.to_owned(),
            secret,
            url,
            client,
            clock,
            kept: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        })))
    }

    /// A token that is valid now. While it is being renewed in good time, all others go on with the one at hand; where
    /// there is none, they wait for the one who asks.
    pub async fn get(&self) -> Result<Secret, AccessError> {
        let now = self.0.clock.now();
        let kept = self.0.kept.lock().token.clone().filter(|token| now < token.expires_at);
        match kept {
            Some(token) if now < token.renew_at => Ok(token.access),
            Some(token) => match self.0.asking.try_lock() {
                Ok(_asking) => Ok(self.0.renew(now).await.unwrap_or(token.access)),
                Err(_) => Ok(token.access),
            },
            None => {
                let _asking = self.0.asking.lock().await;
                self.0.renew(now).await
            }
        }
    }

    /// Gives a token up that was refused; the next [`ServiceToken::get`] fetches another.
    pub fn forget(&self, refused: &Secret) {
        let mut kept = self.0.kept.lock();
        if kept.token.as_ref().is_some_and(|token| token.access == *refused) {
            kept.token = None;
        }
    }
}

impl Inner {
    /// Another caller may have done it while this one waited for its turn.
    async fn renew(&self, now: DateTime<Utc>) -> Result<Secret, AccessError> {
        {
            let kept = self.kept.lock();
            if let Some(token) = kept.token.as_ref().filter(|token| now < token.renew_at) {
                return Ok(token.access.clone());
            }
            if kept.failed_at.is_some_and(|at| now < at + PAUSE) {
                return Err(AccessError::NoServiceToken("the last try has just failed".into()));
            }
        }
        let fetched = self.fetch().await;
        let mut kept = self.kept.lock();
        match fetched {
            Ok(answer) => {
                let lifetime = TimeDelta::seconds(answer.expires_in.into());
                let (renew_at, expires_at) = (now + lifetime - lifetime / LEFT_AT_RENEWAL, now + lifetime);
                kept.token = Some(Token { access: answer.access_token.clone(), renew_at, expires_at });
                kept.failed_at = None;
                Ok(answer.access_token)
            }
            Err(error) => {
                kept.failed_at = Some(now);
                Err(AccessError::NoServiceToken(error))
            }
        }
    }

    async fn fetch(&self) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let secret = match &self.secret {
            Source::Setting(secret) => secret.clone(),
            Source::File(file) => {
                let text = std::fs::read_to_string(file);
                let text = text.map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
                Secret::new(text.trim())
            }
        };
        let request = self.client.post(&self.url).basic_auth(&self.name, Some(secret.expose()));
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let response = request.body("grant_type=client_credentials").send().await?;
        Ok(response.error_for_status()?.json().await?)
    }
}
