//! The API as a client sees it: signs in, keeps its token fresh, and is patient with a server that is busy.

mod error;
mod patience;
mod wire;

use hms_model::Secret;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

pub use error::ClientError;
pub use patience::{Backoff, Patience};
use wire::Wire;
pub use wire::{Reply, Request};

/// Who signs in.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user name or e-mail address.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// A client that has signed in.
pub struct Client {
    wire: Wire,
    credentials: Credentials,
    session: Mutex<Session>,
}

/// The tokens at present. `round` counts the renewals: requests that were refused together renew once.
#[derive(Debug, Clone)]
struct Session {
    tokens: Tokens,
    round: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct Tokens {
    access: Secret,
    refresh: Secret,
}

impl Client {
    /// Signs in.
    pub async fn sign_in(
        url: &str,
        credentials: Credentials,
        patience: Patience,
    ) -> Result<Self, ClientError> {
        let wire = Wire::new(url, patience)?;
        wire.probe().await?;
        let tokens = log_in(&wire, &credentials).await?;
        Ok(Self { wire, credentials, session: Mutex::new(Session { tokens, round: 0 }) })
    }

    /// Makes a record; `key` is the `Idempotency-Key`.
    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Result<Reply, ClientError> {
        let (key, body) = (Some(key.to_owned()), Some(body.clone()));
        self.send(Request { method: Method::POST, path: path.into(), key, body }).await
    }

    /// Reads a record.
    pub async fn get(&self, path: &str) -> Result<Reply, ClientError> {
        self.send(Request { method: Method::GET, path: path.into(), key: None, body: None }).await
    }

    /// Deletes a record.
    pub async fn delete(&self, path: &str) -> Result<Reply, ClientError> {
        self.send(Request { method: Method::DELETE, path: path.into(), key: None, body: None }).await
    }

    /// The waits of an appointment whose patient is not known yet.
    pub fn settling(&self) -> Backoff {
        self.wire.patience().while_settling()
    }

    /// Sends a request with a valid token. What no row is to blame for is an error: a missing right, a route that
    /// is not there.
    async fn send(&self, request: Request) -> Result<Reply, ClientError> {
        let session = self.session.lock().await.clone();
        let mut reply = self.wire.send(&request, Some(&session.tokens.access)).await?;
        if reply.status == StatusCode::UNAUTHORIZED {
            let access = self.renew(session.round).await?;
            reply = self.wire.send(&request, Some(&access)).await?;
        }
        let (url, path) = (self.wire.url(), request.path);
        match reply.status {
            StatusCode::UNAUTHORIZED => Err(ClientError::Token { url }),
            StatusCode::FORBIDDEN => {
                let (username, message) = (self.credentials.username.clone(), reply.message().to_owned());
                Err(ClientError::Forbidden { username, path, message })
            }
            StatusCode::NO_CONTENT => Ok(reply),
            status if reply.code() == Some("ROUTE_NOT_FOUND") || reply.body.is_null() => {
                Err(ClientError::NotHms { url, status, path })
            }
            _ => Ok(reply),
        }
    }

    /// A fresh access token in the place of the one of `round`: by the refresh token, and by the password where
    /// that one is no longer good.
    async fn renew(&self, round: u64) -> Result<Secret, ClientError> {
        let mut session = self.session.lock().await;
        if session.round == round {
            let body = json!({ "refresh": session.tokens.refresh.expose() });
            let reply = self.wire.send(&sign_in_request("auth/refresh", body), None).await?;
            session.tokens = match serde_json::from_value(reply.body) {
                Ok(tokens) if reply.status.is_success() => tokens,
                _ => log_in(&self.wire, &self.credentials).await?,
            };
            session.round = round.saturating_add(1);
        }
        Ok(session.tokens.access.clone())
    }
}

async fn log_in(wire: &Wire, credentials: &Credentials) -> Result<Tokens, ClientError> {
    let Credentials { username, password } = credentials;
    let body = json!({ "username": username, "password": password.expose() });
    let request = sign_in_request("auth/login", body);
    let reply = wire.send(&request, None).await?;
    if reply.status == StatusCode::UNAUTHORIZED {
        return Err(ClientError::Credentials { url: wire.url(), username: username.clone() });
    }
    let tokens = serde_json::from_value(reply.body).ok().filter(|_| reply.status.is_success());
    tokens.ok_or(ClientError::NotHms { url: wire.url(), status: reply.status, path: request.path })
}

fn sign_in_request(path: &str, body: Value) -> Request {
    Request { method: Method::POST, path: path.into(), key: None, body: Some(body) }
}
