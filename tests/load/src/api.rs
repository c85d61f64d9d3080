//! The API for what happens once: signing in, filling, asking what is there.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use hms_model::Secret;
use hms_settings::Settings;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::hospital::FASTAPI_DOCTOR;

/// What kind of body we send.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The header that makes a POST safe to repeat.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Who signs in: `HMS_ADMIN_EMAIL` (admin@hms.local) with `HMS_ADMIN_PASSWORD`.
#[derive(Debug, Clone)]
pub struct Credentials {
    username: String,
    password: Secret,
}

impl Credentials {
    /// Reads them.
    pub fn read(settings: &Settings) -> anyhow::Result<Self> {
        let username = settings.get("HMS_ADMIN_EMAIL").unwrap_or_else(|| "admin@hms.local".to_owned());
        let password = settings.get("HMS_ADMIN_PASSWORD").context("HMS_ADMIN_PASSWORD is not set")?;
        Ok(Self { username, password: Secret::new(password) })
    }

    /// Name and password, to be sent.
    pub(crate) fn both(&self) -> (&str, &str) {
        (&self.username, self.password.expose())
    }
}

/// A client that has signed in.
pub struct Api {
    connection: Connection,
    token: HeaderValue,
}

impl Api {
    /// Signs in.
    pub async fn sign_in(gateway: SocketAddr, credentials: &Credentials) -> anyhow::Result<Self> {
        let (username, password) = credentials.both();
        let body = json!({"username": username, "password": password});
        Self::enter(gateway, "/api/v1/auth/login", &body, "access").await
    }

    async fn enter(address: SocketAddr, path: &str, body: &Value, field: &str) -> anyhow::Result<Self> {
        let connection = Connection::open(address).await?;
        let mut api = Self { connection, token: HeaderValue::from_static("") };
        let (status, answer) = api.send(Method::POST, path, "", Some(body)).await?;
        ensure!(status == StatusCode::OK, "the sign-in was answered with {status}: {answer}");
        let access = answer.get(field).and_then(Value::as_str).context("the answer has no token")?;
        api.token = HeaderValue::try_from(format!("Bearer {access}"))?;
        api.token.set_sensitive(true);
        Ok(api)
    }

    /// Signs in at the small stack in `tests/peers/python-stack`.
    pub async fn sign_in_at_fastapi(address: SocketAddr) -> anyhow::Result<Self> {
        let (username, password) = FASTAPI_DOCTOR;
        let body = json!({"username": username, "password": password});
        Self::enter(address, "/auth/login", &body, "access_token").await
    }

    /// A client that has signed in elsewhere: with this `Authorization`.
    pub async fn of_token(address: SocketAddr, token: HeaderValue) -> anyhow::Result<Self> {
        Ok(Self { connection: Connection::open(address).await?, token })
    }

    /// Another connection of the same client.
    pub async fn again(&self, address: SocketAddr) -> anyhow::Result<Self> {
        Self::of_token(address, self.token()).await
    }

    /// The `Authorization` of this client.
    pub fn token(&self) -> HeaderValue {
        self.token.clone()
    }

    /// Reads.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        let (status, answer) = self.send(Method::GET, path, "", None).await?;
        ensure!(status == StatusCode::OK, "GET {path} was answered with {status}: {answer}");
        Ok(answer)
    }

    /// Makes something, once, however often it is asked for with this key.
    pub async fn post(&mut self, path: &str, key: &str, body: &Value) -> anyhow::Result<(StatusCode, Value)> {
        self.send(Method::POST, path, key, Some(body)).await
    }

    /// Changes something.
    pub async fn patch(&mut self, path: &str, body: &Value) -> anyhow::Result<(StatusCode, Value)> {
        self.send(Method::PATCH, path, "", Some(body)).await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        key: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let mut request = Request::builder().method(method).uri(path);
        if !self.token.is_empty() {
            request = request.header(AUTHORIZATION, self.token.clone());
        }
        if !key.is_empty() {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, JSON);
                Bytes::from(serde_json::to_vec(body)?)
            }
            None => Bytes::new(),
        };
        let answer = self.connection.send(request.body(Full::new(body))?).await?;
        Ok((answer.status, serde_json::from_slice(&answer.body).unwrap_or_default()))
    }
}
