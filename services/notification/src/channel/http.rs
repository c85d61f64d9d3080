//! Requests to providers.

use std::time::Duration;

use chrono::TimeDelta;
use hms_model::Clock;
use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tokio::time::timeout;
use url::form_urlencoded;

use super::trust::Trusted;
use crate::domain::SendError;
use crate::domain::webhook::retry_after;
use crate::guard;

/// What programs are told who asks.
pub const USER_AGENT: &str = concat!("HMS/", env!("CARGO_PKG_VERSION"));
/// How long a provider may take.
const WITHIN: Duration = Duration::from_secs(7);
/// How much of an answer is read.
const READ: usize = 64 * 1024;
/// The longest name of what was made that is kept.
const LONGEST_LOCATION: usize = 500;

/// What a provider answered.
pub struct Answered {
    /// The status.
    pub status: u16,
    /// How long it asks to be left alone.
    pub retry_after: Option<TimeDelta>,
    /// Where what was made is.
    pub location: Option<String>,
    /// What it says; null where that is no JSON.
    pub body: Value,
}

/// A client for a provider whose address an operator has set.
pub fn client(trusted: &Trusted) -> anyhow::Result<Client> {
    let builder = || Client::builder().user_agent(USER_AGENT).redirect(Policy::none()).referer(false);
    guard::trusting(builder, &trusted.http()?)
}

/// A request with this form as its body.
pub fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
}

/// Sends a request and reads the answer, whatever it is.
pub async fn exchange(request: RequestBuilder, clock: &Clock) -> Result<Answered, SendError> {
    exchange_or(request, clock, no_answer).await
}

/// As [`exchange`]; `failed` says what it means when there is no answer.
pub async fn exchange_or(
    request: RequestBuilder,
    clock: &Clock,
    failed: impl FnOnce(&reqwest::Error) -> SendError,
) -> Result<Answered, SendError> {
    let answer = timeout(WITHIN, async { Ok(read(request.send().await?, clock).await) }).await;
    let answer =
        answer.map_err(|_| SendError::later(format!("the provider did not answer within {WITHIN:?}")))?;
    answer.map_err(|error: reqwest::Error| failed(&error))
}

/// Why there was no answer: without the URL, which may be a secret.
pub fn no_answer(error: &reqwest::Error) -> SendError {
    let what = if error.is_connect() { "no connection to the provider" } else { "no answer of the provider" };
    SendError::later(match root_cause(error) {
        Some(cause) => format!("{what}: {cause}"),
        None => what.to_owned(),
    })
}

/// The last of the causes, which says most.
fn root_cause(error: &reqwest::Error) -> Option<String> {
    let mut cause = std::error::Error::source(error)?;
    while let Some(next) = cause.source() {
        cause = next;
    }
    Some(cause.to_string())
}

async fn read(mut response: Response, clock: &Clock) -> Answered {
    let header = |name| {
        let value = response.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let retry_after = header(RETRY_AFTER).and_then(|value| retry_after(&value, clock.now()));
    let (status, location) = (response.status().as_u16(), header(LOCATION));
    let location = location.filter(|location| location.len() <= LONGEST_LOCATION);
    let mut body = Vec::new();
    while let (true, Ok(Some(chunk))) = (body.len() < READ, response.chunk().await) {
        body.extend_from_slice(&chunk);
    }
    Answered { status, retry_after, location, body: serde_json::from_slice(&body).unwrap_or_default() }
}

impl Answered {
    /// Whether it was done.
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Not now, as the status says: too many requests, a failure that passes.
    pub fn is_passing(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500..)
    }

    /// It may be taken later, by what the answer says of when.
    pub fn later(&self, reason: String) -> SendError {
        SendError::Later { reason, retry_after: self.retry_after }
    }
}
