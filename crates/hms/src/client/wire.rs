//! Requests and answers over HTTP, sent again while the server is busy or the connection breaks.

use std::time::Duration;

use hms_model::Secret;
use reqwest::header::{AUTHORIZATION, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;

use super::error::ClientError;
use super::patience::Patience;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(30);

/// A request, kept so that it can be sent again.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path under `/api/v1/`.
    pub path: String,
    /// The `Idempotency-Key`, which makes a POST safe to repeat.
    pub key: Option<String>,
    /// The JSON body.
    pub body: Option<Value>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; null if it is not JSON.
    pub body: Value,
}

impl Reply {
    /// The code in the error envelope.
    pub fn code(&self) -> Option<&str> {
        self.body.pointer("/error/code").and_then(Value::as_str)
    }

    /// What the error envelope says to people.
    pub fn message(&self) -> &str {
        self.body.pointer("/error/message").and_then(Value::as_str).unwrap_or("no reason given")
    }

    /// Whether the same request may fare better in a moment.
    fn is_passing(&self) -> bool {
        matches!(self.status.as_u16(), 429 | 502 | 503 | 504) || self.code() == Some("IDEMPOTENCY_IN_FLIGHT")
    }

    /// Whether the account has asked too much.
    fn is_limited(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS
    }

    /// How long the server asks to wait, where it says so in seconds (RFC 9110, 10.2.3).
    fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
        Some(Duration::from_secs(seconds))
    }
}

/// By what a request shows who sends it.
#[derive(Clone, Copy)]
pub enum Shown<'a> {
    /// An access token.
    Token(&'a Secret),
    /// An API key.
    Key(&'a Secret),
}

/// The line to one gateway.
pub struct Wire {
    http: reqwest::Client,
    base: Url,
    patience: Patience,
}

impl Wire {
    /// Prepares the line; nothing is sent yet.
    pub fn new(url: &str, patience: Patience) -> Result<Self, ClientError> {
        // Where the process has a provider already, that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let base = base.ok_or_else(|| ClientError::Address { url: url.into() })?;
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // A POST that is redirected would go on as a GET.
            .redirect(Policy::none());
        if base.scheme() == "http" {
            // Without TLS the machine needs no certificates installed; with none, set-up would fail.
            builder = builder.tls_certs_only([]);
        }
        if matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|source| ClientError::SetUp { source })?;
        Ok(Self { http, base, patience })
    }

    /// The gateway's address.
    pub fn url(&self) -> Url {
        self.base.clone()
    }

    /// How long to wait for what.
    pub fn patience(&self) -> &Patience {
        &self.patience
    }

    /// Sends a request until it is answered for good, within the bounds of patience.
    pub async fn send(&self, request: &Request, shown: Option<Shown<'_>>) -> Result<Reply, ClientError> {
        let (mut busy, mut limited) = (self.patience.while_busy(), self.patience.while_limited());
        loop {
            let (trouble, goes_on) = match self.attempt(request, shown).await {
                Ok(reply) if reply.is_passing() => {
                    let (at_least, tell) = (reply.retry_after(), self.patience.tell_limited);
                    let goes_on = match reply.is_limited() {
                        true => limited.wait_and_tell(at_least, tell).await,
                        false => busy.wait(at_least).await,
                    };
                    (ClientError::Busy { url: self.url(), status: reply.status }, goes_on)
                }
                Ok(reply) => return Ok(reply),
                Err(source) => (ClientError::Unreachable { url: self.url(), source }, busy.wait(None).await),
            };
            if !goes_on {
                return Err(trouble);
            }
        }
    }

    /// Fails when nobody listens, without patience: most likely the address is wrong or nothing was started.
    pub async fn probe(&self) -> Result<(), ClientError> {
        let health = self.http.get(self.address("/health")).send().await;
        health.map(drop).map_err(|source| ClientError::Unreachable { url: self.url(), source })
    }

    async fn attempt(&self, request: &Request, shown: Option<Shown<'_>>) -> reqwest::Result<Reply> {
        let address = self.address(&format!("/api/v1/{}", request.path));
        let mut builder = self.http.request(request.method.clone(), address);
        match shown {
            Some(Shown::Token(token)) => builder = builder.bearer_auth(token.expose()),
            Some(Shown::Key(key)) => {
                builder = builder.header(AUTHORIZATION, format!("ApiKey {}", key.expose()))
            }
            None => {}
        }
        if let Some(key) = &request.key {
            builder = builder.header("Idempotency-Key", key);
        }
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        let response = builder.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await?;
        Ok(Reply { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }
}
