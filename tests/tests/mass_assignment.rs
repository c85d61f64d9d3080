//! What the caller may not set cannot be slipped in beside what they may: every body of the documents refuses a field
//! that it does not know.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

use hms_tests::{Platform, api, on_both_kinds};
use serde_json::{Value, json};

const NO_RECORD: &str = "0190a3c2-5b1e-7c4d-9f00-000000000000";
/// The provider says there what it likes, and signs it: what is not signed is not looked at.
const PROVIDERS: &str = "POST /api/v1/billing/payments/webhook";
/// What somebody would try.
const FIELDS: [&str; 3] = ["roles", "account_id", "is_admin"];

on_both_kinds! {
    async fn a_field_that_is_not_the_callers_to_set_is_refused(kind) {
        let platform = Platform::start(kind).await;
        let admin = platform.admin().await;
        let document = platform.gateway().get("/api/schema").await.expect(200).body.clone();
        let (mut tried, mut complaints) = (0, Vec::new());
        for operation in api::operations(&document).values().filter(|one| one.name() != PROVIDERS) {
            let content = &operation.document["requestBody"]["content"];
            let Some(kind) = ["application/json", "application/merge-patch+json"].into_iter().find(|kind| content.get(*kind).is_some()) else {
                continue;
            };
            let known = properties(&document, &content[kind]["schema"]);
            let path = operation.path_with(NO_RECORD);
            for field in FIELDS.into_iter().filter(|field| known.as_ref().is_some_and(|known| known.get(*field).is_none())) {
                let answer = admin.client.json(&operation.method, &path, &json!({field: ["admin"]}), &[]).await;
                tried += 1;
                let message = answer.body["error"]["message"].as_str().unwrap_or_default();
                if answer.status != 400 || !(message.contains("unknown field") || message.contains(field)) {
                    complaints.push(format!("- {} with {field}: {} {}", operation.name(), answer.status, answer.body));
                }
            }
        }
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        assert!(tried > 60, "only {tried} bodies were tried");
    }
}

/// The fields of a body; none where it is free to hold anything.
fn properties<'a>(document: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.strip_prefix('#')?)?,
        None => schema,
    };
    schema.get("properties")
}
