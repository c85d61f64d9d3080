//! Makes one record through the API, and decides what the answer means: made now, there already, or refused.

use std::collections::HashSet;

use hms_model::Identifier;
use parking_lot::Mutex;
use reqwest::StatusCode;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::client::{Client, ClientError, Reply};

/// What became of a record; the text of the first two is its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was made now.
    Created(String),
    /// It had been made before.
    AlreadyThere(String),
    /// It is not there, and why.
    Refused(String),
}

/// What an answer to a POST means.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Done(Outcome),
    /// A record with one of the identifiers is there: this id.
    Duplicate(String),
    /// The value of this field names something that the service does not know, or not yet.
    UnknownReference(String),
}

/// Makes records.
pub struct Creator<'c> {
    client: &'c Client,
    /// References that stayed unknown to the end of a row's patience: no other row waits for them.
    given_up: Mutex<HashSet<String>>,
}

impl<'c> Creator<'c> {
    /// Over a signed-in client.
    pub fn new(client: &'c Client) -> Self {
        Self { client, given_up: Mutex::default() }
    }

    /// Makes a record whose `identifiers` begin with the one by which it is found again. Where something that it
    /// names is unknown, it is tried again for a while: services learn of each other's records by events.
    pub async fn create(&self, resource: &str, body: &Value) -> Result<Outcome, ClientError> {
        let key = idempotency_key(resource, body);
        let mut settling = self.client.settling();
        loop {
            let reply = self.client.post(resource, &key, body).await?;
            match meaning(&reply) {
                Meaning::Done(outcome) => return Ok(outcome),
                Meaning::Duplicate(id) => return self.recognise(resource, body, id, &reply).await,
                Meaning::UnknownReference(field) => {
                    let named = body.get(&field).and_then(Value::as_str).unwrap_or_default();
                    if self.given_up.lock().contains(named) || !settling.wait(None).await {
                        self.given_up.lock().insert(named.into());
                        return Ok(Outcome::Refused(refusal(&reply)));
                    }
                }
            }
        }
    }

    /// Whether the record that is in the way is this one. With one identifier it must be; with several, another
    /// record may have one of the others (two people with one passport number), and to take that one for this one
    /// would mix up two patients.
    async fn recognise(
        &self,
        resource: &str,
        body: &Value,
        id: String,
        duplicate: &Reply,
    ) -> Result<Outcome, ClientError> {
        let identifiers = identifiers(body);
        if let [own, _, ..] = identifiers.as_slice() {
            let there = self.client.get(&format!("{resource}/{id}")).await?;
            if !self::identifiers(&there.body).contains(own) {
                let shared = "that is another record, which shares one of the other identifiers";
                let reason = format!("{}: {shared}", refusal(duplicate));
                return Ok(Outcome::Refused(reason));
            }
        }
        Ok(Outcome::AlreadyThere(id))
    }
}

fn identifiers(record: &Value) -> Vec<Identifier> {
    let list = record.get("identifiers").cloned().unwrap_or_default();
    serde_json::from_value(list).unwrap_or_default()
}

/// The same for the same record with the same content, which carries Synthea's id: sent again by whichever run,
/// it is the same request. A row that was edited in between is another request, and is told apart by the
/// identifier in it.
fn idempotency_key(resource: &str, body: &Value) -> String {
    let digest = Sha256::digest(format!("{resource}\n{body}"));
    let short = digest.first_chunk().copied().map(u128::from_be_bytes).unwrap_or_default();
    format!("synthea-{short:032x}")
}

fn meaning(reply: &Reply) -> Meaning {
    let text = |pointer| reply.body.pointer(pointer).and_then(Value::as_str).map(String::from);
    match (reply.status, reply.code()) {
        (StatusCode::CREATED, _) => Meaning::Done(match text("/id") {
            Some(id) if reply.headers.contains_key("Idempotent-Replayed") => Outcome::AlreadyThere(id),
            Some(id) => Outcome::Created(id),
            None => Outcome::Refused("the answer 201 has no id".into()),
        }),
        (StatusCode::CONFLICT, Some("DUPLICATE")) => match text("/error/details/id") {
            Some(id) => Meaning::Duplicate(id),
            None => Meaning::Done(Outcome::Refused(refusal(reply))),
        },
        (StatusCode::UNPROCESSABLE_ENTITY, Some("UNKNOWN_REFERENCE")) => {
            Meaning::UnknownReference(text("/error/details/field").unwrap_or_default())
        }
        _ => Meaning::Done(Outcome::Refused(refusal(reply))),
    }
}

/// The server's refusal in one line.
fn refusal(reply: &Reply) -> String {
    let mut text = format!("{} {}: {}", reply.status.as_u16(), reply.code().unwrap_or("?"), reply.message());
    let details = reply.body.pointer("/error/details").and_then(Value::as_object);
    if let Some(details) = details.filter(|details| !details.is_empty()) {
        let details: Vec<_> = details.iter().map(|(name, value)| format!("{name} {value}")).collect();
        text.push_str(&format!(" ({})", details.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    fn reply(status: u16, body: Value) -> Reply {
        Reply { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new(), body }
    }

    fn error(status: u16, code: &str, details: Value) -> Reply {
        reply(status, json!({ "error": { "code": code, "message": "No.", "details": details } }))
    }

    fn refused(text: &str) -> Meaning {
        Meaning::Done(Outcome::Refused(text.into()))
    }

    #[test]
    fn the_status_and_the_code_decide() {
        let cases = [
            (reply(201, json!({ "id": "7" })), Meaning::Done(Outcome::Created("7".into()))),
            (reply(201, json!({})), refused("the answer 201 has no id")),
            (error(409, "DUPLICATE", json!({ "id": "7" })), Meaning::Duplicate("7".into())),
            (error(409, "DUPLICATE", json!({})), refused("409 DUPLICATE: No.")),
            (error(409, "SLOT_TAKEN", json!({ "id": "7" })), refused("409 SLOT_TAKEN: No. (id \"7\")")),
            (
                error(422, "UNKNOWN_REFERENCE", json!({ "field": "patient_id" })),
                Meaning::UnknownReference("patient_id".into()),
            ),
            (error(422, "UNPROCESSABLE", Value::Null), refused("422 UNPROCESSABLE: No.")),
            (error(400, "INVALID_REQUEST", json!({})), refused("400 INVALID_REQUEST: No.")),
            (reply(500, json!("?")), refused("500 ?: no reason given")),
        ];
        for (reply, expected) in cases {
            assert_eq!(meaning(&reply), expected, "{reply:?}");
        }
    }

    #[test]
    fn an_answer_given_again_is_of_a_record_that_was_there() {
        let mut again = reply(201, json!({ "id": "7" }));
        let name = HeaderName::from_static("idempotent-replayed");
        again.headers.insert(name, HeaderValue::from_static("true"));
        assert_eq!(meaning(&again), Meaning::Done(Outcome::AlreadyThere("7".into())));
    }

    #[test]
    fn a_key_is_of_a_resource_and_a_content() {
        let key = idempotency_key("patients", &json!({ "a": 1 }));
        assert_eq!(key, idempotency_key("patients", &json!({ "a": 1 })));
        assert_ne!(key, idempotency_key("patients", &json!({ "a": 2 })));
        assert_ne!(key, idempotency_key("departments", &json!({ "a": 1 })));
        assert_eq!(key.len(), "synthea-".len() + 32);
    }
}
