//! The API as a client sees it: signs in, keeps its token fresh, and is patient with a server that is busy.

mod error;
mod patience;
mod wire;

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::Secret;
use hms_model::role::Scope;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

pub use error::ClientError;
pub use patience::{Backoff, Patience};
pub use wire::{Reply, Request};
use wire::{Shown, Wire};

/// How long a key may live that a program has made for itself and did not come to take back.
const KEY_LIFETIME: TimeDelta = TimeDelta::days(1);

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
    program: Option<Program>,
}

/// The API key by which the client goes on as a program.
#[derive(Deserialize)]
struct Program {
    id: String,
    key: Secret,
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
        Ok(Self { wire, credentials, session: Mutex::new(Session { tokens, round: 0 }), program: None })
    }

    /// Goes on as a program, by an API key that the account makes for itself and that allows these scopes only: it is
    /// bounded by how much it asks at the same time, and not by what a person may ask in an hour. An account that may
    /// not make keys goes on as the person it is.
    pub async fn go_on_as_program(
        &mut self,
        name: &str,
        scopes: &[Scope],
        now: DateTime<Utc>,
    ) -> Result<(), ClientError> {
        let body = json!({ "name": name, "scopes": scopes, "expires_at": now + KEY_LIFETIME });
        let access = self.session.get_mut().tokens.access.clone();
        let reply = self.wire.send(&sign_in_request("api-keys", body), Some(Shown::Token(&access))).await?;
        self.program =
            serde_json::from_value(reply.body).ok().filter(|_| reply.status == StatusCode::CREATED);
        Ok(())
    }

    /// Takes back the key that was made for the program.
    pub async fn end_program(&mut self) -> Result<(), ClientError> {
        match self.program.take() {
            Some(program) => self.delete(&format!("api-keys/{}", program.id)).await.map(drop),
            None => Ok(()),
        }
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
        let reply = match &self.program {
            Some(program) => self.wire.send(&request, Some(Shown::Key(&program.key))).await?,
            None => self.send_as_person(&request).await?,
        };
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

    async fn send_as_person(&self, request: &Request) -> Result<Reply, ClientError> {
        let session = self.session.lock().await.clone();
        let reply = self.wire.send(request, Some(Shown::Token(&session.tokens.access))).await?;
        if reply.status != StatusCode::UNAUTHORIZED {
            return Ok(reply);
        }
        let access = self.renew(session.round).await?;
        self.wire.send(request, Some(Shown::Token(&access))).await
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
