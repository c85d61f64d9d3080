//! `GET /dead-letters/{event_id}`.

use actix_web::{get, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hms_api::Problems;
use hms_bus::dead_letters::{self, DeadLetter};
use hms_model::coded_enum;
use hms_model::id::EventId;
use hms_model::role::scope;
use hms_problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::{DeadLetterView, RESOURCE};
use crate::{Call, Disclosure, Reply};

coded_enum! {
    /// How a body is given.
    pub enum Encoding {
        /// As it is: it is text.
        Text = "text",
        /// In base64 (RFC 4648, 4): it is none.
        Base64 = "base64",
    }
}

/// A letter with the message itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeDeadLetter {
    #[serde(flatten)]
    heading: DeadLetterView,
    /// The message as it came: a CloudEvent in JSON, unless that is what is wrong with it.
    body: String,
    /// How it is given.
    encoding: Encoding,
}

impl From<DeadLetter> for WholeDeadLetter {
    fn from(letter: DeadLetter) -> Self {
        let (body, encoding) = match letter.text() {
            Some(text) => (without_secret(text), Encoding::Text),
            None => (BASE64.encode(&letter.body), Encoding::Base64),
        };
        Self { heading: letter.heading.into(), body, encoding }
    }
}

/// What an event carries for a mail alone is a key to somebody's account: nobody who looks at letters needs it.
fn without_secret(text: &str) -> String {
    let parsed = serde_json::from_str::<serde_json::Value>(text);
    let Ok(mut event) = parsed else { return text.to_owned() };
    match event.pointer_mut("/data/token") {
        Some(token) => *token = "(hidden)".into(),
        None => return text.to_owned(),
    }
    event.to_string()
}

/// Shows a letter with its content.
#[utoipa::path(tag = "dead letters", operation_id = "get_dead_letter",
    params(("event_id" = Uuid, Path, description = "The event.")),
    responses((status = 200, body = WholeDeadLetter), Problems), security(("bearer" = ["operation:read"])))]
#[get("/dead-letters/{event_id}")]
pub(crate) async fn show(
    call: Call<scope::OperationRead>,
    event_id: web::Path<EventId>,
) -> Result<Reply, Problem> {
    let id = event_id.into_inner();
    let letter = call.read(move |db| Ok(dead_letters::find(db, id)?)).await?;
    let patients = letter.heading.patients.clone();
    call.disclose(Disclosure::record(RESOURCE, id, patients).always()).await?;
    Reply::ok(&WholeDeadLetter::from(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_of_a_mail_is_hidden_and_all_else_is_shown_as_it_came() {
        let mail = r#"{"type":"account.invited","data":{"email":"ann@example.org","token":"s3cret"}}"#;
        let shown = without_secret(mail);
        assert!(!shown.contains("s3cret") && shown.contains("ann@example.org"), "{shown}");
        for other in ["", "no JSON", r#"{ "data": {"tokens": 1} }"#, r#"{"token": "not in the payload"}"#] {
            assert_eq!(without_secret(other), other);
        }
    }
}
