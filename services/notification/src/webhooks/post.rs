//! One attempt over HTTP.

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use hms_model::id::EventId;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response};
use tokio::time::timeout;

use crate::domain::webhook::{AddressRules, Outcome, SigningKey};
use crate::guard::{self, Lookup, refusal};

/// What receivers are told who asks.
const USER_AGENT: &str = concat!("HMS-Webhooks/", env!("CARGO_PKG_VERSION"));
/// How much of an answer is kept.
const KEPT: usize = 4 * 1024;
/// How much of an answer is read, so that its connection can be used again.
const READ: usize = 64 * 1024;
/// How much of a `Retry-After` is looked at.
const LONGEST_HEADER: usize = 64;

/// What goes out.
pub struct Request<'a> {
    /// Where to.
    pub url: &'a str,
    /// The event.
    pub event_id: EventId,
    /// Its type, body and the time of the attempt.
    pub payload: &'a str,
    /// When.
    pub at: DateTime<Utc>,
    /// What to sign with.
    pub keys: &'a [&'a SigningKey],
}

/// Posts to webhooks, and to nothing else.
#[derive(Clone)]
pub struct Poster {
    http: Client,
    rules: AddressRules,
    within: Duration,
}

impl Poster {
    /// One that reaches what the rules allow, by names that `lookup` finds.
    pub fn new(rules: AddressRules, within: Duration, lookup: Arc<dyn Lookup>) -> anyhow::Result<Self> {
        let http = guard::client(&rules, &lookup, USER_AGENT, &[])?;
        Ok(Self { http, rules, within })
    }

    /// Posts once.
    pub async fn post(&self, request: Request<'_>) -> Outcome {
        let begun = Instant::now();
        let answered = timeout(self.within, self.try_to(request)).await;
        let took_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        let failed = |error: String| Outcome {
            status: None,
            body: None,
            retry_after: None,
            error: Some(error),
            took_ms,
        };
        match answered {
            Ok(Ok(outcome)) => Outcome { took_ms, ..outcome },
            Ok(Err(error)) => failed(error),
            Err(_) => failed(format!("no answer within {} ms", self.within.as_millis())),
        }
    }

    async fn try_to(&self, request: Request<'_>) -> Result<Outcome, String> {
        // An address in the URL itself is never resolved; the rules may also be stricter than when it was written.
        let url = self.rules.check(request.url).map_err(|refused| format!("the URL {refused}"))?;
        let id = request.event_id.to_string();
        let signatures: Vec<_> =
            request.keys.iter().map(|key| key.sign(&id, request.at, request.payload)).collect();
        let response = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", request.at.timestamp().to_string())
            .header("webhook-signature", signatures.join(" "))
            .body(request.payload.to_owned())
            .send()
            .await
            .map_err(|error| reason(&error))?;
        let status = Some(response.status().as_u16());
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.filter(|value| value.len() <= LONGEST_HEADER).map(str::to_owned);
        let body = beginning(response).await;
        Ok(Outcome { status, body, retry_after, error: None, took_ms: 0 })
    }
}

/// What is kept of the body; what cannot be read any more changes nothing about the status.
async fn beginning(mut response: Response) -> Option<String> {
    let (mut kept, mut read) = (Vec::new(), 0);
    while let (true, Ok(Some(chunk))) = (read < READ, response.chunk().await) {
        read += chunk.len();
        let room = KEPT.saturating_sub(kept.len());
        kept.extend(chunk.iter().take(room));
    }
    // PostgreSQL takes no NUL.
    let text = String::from_utf8_lossy(&kept).replace('\0', "\u{fffd}");
    Some(text).filter(|text| !text.is_empty())
}

/// Why there was no answer, without the URL, which may hold a secret.
fn reason(error: &reqwest::Error) -> String {
    if let Some(refused) = refusal(error) {
        return format!("the name {refused}");
    }
    let mut cause = error.source();
    let mut last = None;
    while let Some(error) = cause {
        last = Some(error.to_string());
        cause = error.source();
    }
    let what = if error.is_connect() { "no connection" } else { "no answer" };
    last.map_or_else(|| what.to_owned(), |last| format!("{what}: {last}"))
}

#[cfg(test)]
mod tests;
