//! The dead letters of a running platform, through its API.

use anyhow::{Context as _, bail};
use hms_model::Clock;
use hms_model::id::{EventId, Id};
use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::client::{Client, Reply};

/// Letters on one page: as many as a list gives.
const PAGE: usize = 100;

/// A letter as the API shows it; `body` and `encoding` only of one by itself.
#[derive(Debug, Deserialize)]
pub struct Letter {
    pub event_id: EventId,
    pub kind: String,
    pub subject: String,
    pub reason: String,
    pub attempts: i64,
    pub died_at: String,
    pub body: Option<String>,
    pub encoding: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Page {
    next: Option<String>,
    results: Vec<Letter>,
}

/// What became of a letter that was sent again.
#[derive(Debug)]
pub enum Redriven {
    /// The service has taken the event.
    Taken,
    /// It has not, for this reason.
    Refused(String),
    /// The service has no such letter.
    NotThere,
}

pub struct Letters<'c> {
    client: &'c Client,
}

impl<'c> Letters<'c> {
    pub fn new(client: &'c Client) -> Self {
        Self { client }
    }

    /// All of a service, from the oldest death on: the order in which its events came.
    pub async fn all(&self, service: &str) -> anyhow::Result<Vec<Letter>> {
        let mut letters = Vec::new();
        for page in 1_usize.. {
            let query = format!("ordering=died_at&page_size={PAGE}&page={page}");
            let reply = self.client.get(&format!("{}?{query}", path(service))).await?;
            let page: Page = read(reply)?;
            letters.extend(page.results);
            if page.next.is_none() {
                break;
            }
        }
        Ok(letters)
    }

    /// One of a service, whole, if it is there.
    pub async fn one(&self, service: &str, id: EventId) -> anyhow::Result<Option<Letter>> {
        let reply = self.client.get(&format!("{}/{id}", path(service))).await?;
        if is_missing(&reply) { Ok(None) } else { read(reply).map(Some) }
    }

    /// Sends one again. The key makes the request safe to repeat when its answer is lost.
    pub async fn redrive(&self, service: &str, id: EventId) -> anyhow::Result<Redriven> {
        let key = Id::<()>::new(Clock::system().now()).to_string();
        let reply = self.client.post(&format!("{}/{id}/redrive", path(service)), &key, &json!({})).await?;
        if reply.code() == Some("EVENT_NOT_TAKEN") {
            let reason = reply.body.pointer("/error/details/reason").and_then(Value::as_str);
            return Ok(Redriven::Refused(reason.unwrap_or_else(|| reply.message()).to_owned()));
        }
        if is_missing(&reply) {
            return Ok(Redriven::NotThere);
        }
        succeeded(reply).map(|_| Redriven::Taken)
    }

    /// Drops one; false when it is not there.
    pub async fn drop(&self, service: &str, id: EventId) -> anyhow::Result<bool> {
        let reply = self.client.delete(&format!("{}/{id}", path(service))).await?;
        if is_missing(&reply) { Ok(false) } else { succeeded(reply).map(|_| true) }
    }
}

fn path(service: &str) -> String {
    format!("services/{service}/dead-letters")
}

fn is_missing(reply: &Reply) -> bool {
    reply.status == StatusCode::NOT_FOUND && reply.code() == Some("NOT_FOUND")
}

fn read<T: DeserializeOwned>(reply: Reply) -> anyhow::Result<T> {
    serde_json::from_value(succeeded(reply)?.body).context("the answer is not one of HMS")
}

fn succeeded(reply: Reply) -> anyhow::Result<Reply> {
    if reply.status.is_success() {
        return Ok(reply);
    }
    bail!("the answer is {}: {}", reply.status, reply.message())
}
