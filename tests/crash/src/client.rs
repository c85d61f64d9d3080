//! A client that tells three answers apart: it was done, it was refused, and one cannot know.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};

/// How long an answer may take: longer than the gateway waits for a service.
const ANSWER: Duration = Duration::from_secs(40);

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Done; the id in the answer.
    Done(String),
    /// Refused, with the status and the code.
    Refused(String),
    /// Unknown: to be asked again. What came instead of an answer.
    Unclear(String),
}

/// What a request was answered, as it came.
#[derive(Debug)]
pub struct Raw {
    /// The status.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The body; null where it is not JSON.
    pub body: Value,
}

/// Calls a server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    /// A client without a token.
    pub fn new(base: String) -> Self {
        let _already_there = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(ANSWER).build().unwrap();
        Self { http, base, token: None }
    }

    /// The same, signed in; none while that is not possible.
    pub async fn sign_in(&self, username: &str, password: &str) -> Option<Self> {
        let body = json!({"username": username, "password": password});
        let answer = self.post("/api/v1/auth/login", &body, None).await.ok()?;
        let token = answer.body["access"].as_str()?.to_owned();
        Some(Self { token: Some(token), ..self.clone() })
    }

    /// GET.
    pub async fn get(&self, path: &str) -> reqwest::Result<Raw> {
        self.send(self.http.get(format!("{}{path}", self.base))).await
    }

    /// GET of something that is not JSON; none while it is not to be had.
    pub async fn text(&self, path: &str) -> Option<String> {
        let response = self.http.get(format!("{}{path}", self.base)).send().await.ok()?;
        response.error_for_status().ok()?.text().await.ok()
    }

    /// POST, with an idempotency key or without.
    pub async fn post(&self, path: &str, body: &Value, key: Option<&str>) -> reqwest::Result<Raw> {
        let mut request = self.http.post(format!("{}{path}", self.base)).json(body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.send(request).await
    }

    /// POST with an idempotency key, and what it means.
    pub async fn write(&self, path: &str, body: &Value, key: &str) -> Answer {
        match self.post(path, body, Some(key)).await {
            Ok(raw) => raw.meaning(),
            Err(error) if error.is_timeout() => Answer::Unclear("no answer in time".into()),
            Err(_) => Answer::Unclear("the connection broke".into()),
        }
    }

    async fn send(&self, mut request: reqwest::RequestBuilder) -> reqwest::Result<Raw> {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = header.map(ToOwned::to_owned);
        let text = response.text().await?;
        Ok(Raw { status, retry_after, body: serde_json::from_str(&text).unwrap_or_default() })
    }
}

impl Raw {
    /// The code of the error; empty where there is none.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// An error of the server says nothing of what it has done before, and neither does the hint that the same request
    /// is still under way.
    fn meaning(&self) -> Answer {
        let told = format!("{} {}", self.status, self.code());
        match (self.status, self.body["id"].as_str()) {
            (200..300, Some(id)) => Answer::Done(id.to_owned()),
            (400..500, _) if self.code() != "IDEMPOTENCY_IN_FLIGHT" => Answer::Refused(told),
            _ => Answer::Unclear(told),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_counts_as_an_answer() {
        let problem = |code: &str| json!({"error": {"code": code}});
        let cases = [
            (201, json!({"id": "1"}), Answer::Done("1".into())),
            (200, json!({"id": "1"}), Answer::Done("1".into())),
            (201, Value::Null, Answer::Unclear("201 ".into())),
            (409, problem("SLOT_TAKEN"), Answer::Refused("409 SLOT_TAKEN".into())),
            (409, problem("IDEMPOTENCY_IN_FLIGHT"), Answer::Unclear("409 IDEMPOTENCY_IN_FLIGHT".into())),
            (503, problem("UNAVAILABLE"), Answer::Unclear("503 UNAVAILABLE".into())),
            (500, problem("INTERNAL"), Answer::Unclear("500 INTERNAL".into())),
        ];
        for (status, body, expected) in cases {
            assert_eq!(Raw { status, retry_after: None, body }.meaning(), expected);
        }
    }
}
