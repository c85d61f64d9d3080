//! A client as tests want it: short calls, and answers that show themselves when they are not as expected.

use std::ops::Index;

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

/// Calls a server, as somebody or as nobody.
#[derive(Clone)]
pub struct Client {
    base: String,
    token: Option<String>,
    http: reqwest::Client,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; null where it is empty, a string where it is not JSON.
    pub body: Value,
    request: String,
}

impl Client {
    /// A client of the server at `base`.
    pub fn new(base: impl Into<String>, token: Option<String>) -> Self {
        let _already_there = rustls::crypto::ring::default_provider().install_default();
        // Tests speak plain HTTP with their own machine; reading its certificates would take most of their time.
        let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
        Self { base: base.into(), token, http }
    }

    /// The same client with another token.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// The token that it shows.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], None).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path, &[], None).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        self.json("POST", path, body, &[]).await
    }

    /// POST of JSON with more headers.
    pub async fn post_with(&self, path: &str, body: &impl Serialize, headers: &[(&str, &str)]) -> Answer {
        self.json("POST", path, body, headers).await
    }

    /// PUT of JSON.
    pub async fn put(&self, path: &str, body: &impl Serialize) -> Answer {
        self.json("PUT", path, body, &[]).await
    }

    /// PATCH of JSON.
    pub async fn patch(&self, path: &str, body: &impl Serialize) -> Answer {
        self.json("PATCH", path, body, &[]).await
    }

    /// Any method with JSON and more headers.
    pub async fn json(
        &self,
        method: &str,
        path: &str,
        body: &impl Serialize,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        self.request(method, path, &all, Some(serde_json::to_vec(body).unwrap())).await
    }

    /// Any request.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Answer {
        let answer = self.try_request(method, path, headers, body).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
    }

    /// Asks for something that goes on, such as a stream of events; the answer is there with its head.
    pub async fn open(&self, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        let mut request = self.http.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// Any request; an error where no whole answer came back.
    pub async fn try_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer, reqwest::Error> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        Ok(Answer { status, headers, body, request: format!("{method} {path}") })
    }
}

impl Answer {
    /// Fails unless the status is this one; shows the body then.
    #[track_caller]
    pub fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}: {:#}", self.request, self.body);
        self
    }

    /// Fails unless it is this error in the one envelope, with the id of the request.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) -> &Self {
        self.expect(status);
        assert_eq!(self.code(), code, "{}: {:#}", self.request, self.body);
        assert!(self.body["request_id"].is_string(), "{}: no request_id: {:#}", self.request, self.body);
        assert!(self.body["error"]["details"].is_object(), "{}: no details: {:#}", self.request, self.body);
        self
    }

    /// The code of the error.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// A header as text; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A field of the body as text.
    #[track_caller]
    pub fn text(&self, field: &str) -> String {
        match &self.body[field] {
            Value::String(text) => text.clone(),
            other => panic!("{}: {field} is {other} in {:#}", self.request, self.body),
        }
    }

    /// The `id` of the body.
    #[track_caller]
    pub fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(&self) -> T {
        self.text("id").parse().unwrap()
    }

    /// The `results` of a list.
    #[track_caller]
    pub fn results(&self) -> &[Value] {
        self.body["results"]
            .as_array()
            .unwrap_or_else(|| panic!("{}: no results: {:#}", self.request, self.body))
    }

    /// Whether the status says that it was done.
    pub fn is_success(&self) -> bool {
        StatusCode::from_u16(self.status).is_ok_and(|status| status.is_success())
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, field: &str) -> &Value {
        &self.body[field]
    }
}
