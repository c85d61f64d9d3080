//! The AsyncAPI document: what AsyncAPI 3.0 asks of it, what the registry says, and that `docs/asyncapi.json` is it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

use std::collections::BTreeSet;
use std::path::Path;

use hms_bus::asyncapi::document;
use hms_model::event::registry;
use hms_model::job::{WorkQueue, work_queues};
use hms_model::service::SERVICES;
use hms_settings::Settings;
use serde_json::Value;

/// `HMS_BLESS=1` writes the file instead.
#[test]
fn the_written_document_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/asyncapi.json");
    let made = format!("{:#}\n", document());
    if Settings::from_environment().get("HMS_BLESS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(
        written == made,
        "docs/asyncapi.json is stale: run this test again with HMS_BLESS=1, and look at the diff"
    );
}

#[test]
fn every_event_and_every_queue_has_a_channel_a_message_and_the_operations_of_its_services() {
    let document = document();
    let names = |section: &Value| section.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let kinds = registry().iter().map(|event| event.kind);
    let kinds = kinds.chain(work_queues().iter().map(|queue| queue.name));
    let kinds: BTreeSet<_> = kinds.map(str::to_owned).collect();
    assert_eq!(names(&document["channels"]), kinds);
    assert_eq!(names(&document["components"]["messages"]), kinds);
    let mut expected = BTreeSet::new();
    for event in registry() {
        let producers =
            SERVICES.iter().map(|service| service.name).filter(|name| event.is_published_by(name));
        expected.extend(producers.map(|service| format!("{service}.send.{}", event.kind)));
        expected.extend(event.consumers.iter().map(|service| format!("{service}.receive.{}", event.kind)));
    }
    for queue in work_queues() {
        expected
            .extend(["send", "receive"].map(|action| format!("{}.{action}.{}", queue.service, queue.name)));
    }
    assert_eq!(names(&document["operations"]), expected);
    assert!(
        expected.contains("audit.receive.audit.recorded") && expected.contains("user.send.audit.recorded")
    );
}

/// The rules of <https://www.asyncapi.com/docs/reference/specification/v3.0.0> for what we use of it.
#[test]
fn it_is_well_formed() {
    let document = document();
    assert_eq!(document["asyncapi"], "3.0.0");
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    for (name, channel) in document["channels"].as_object().unwrap() {
        let (address, is) = match WorkQueue::find(name) {
            Some(_) => (format!("hms.{name}"), "queue"),
            None => (name.clone(), "routingKey"),
        };
        assert_eq!(channel["address"], Value::from(address));
        assert!(channel["messages"][name]["$ref"].is_string(), "{name}");
        assert_eq!(channel["bindings"]["amqp"]["is"], is, "{name}");
    }
    for (name, operation) in document["operations"].as_object().unwrap() {
        assert!(["send", "receive"].map(Value::from).contains(&operation["action"]), "{name}");
        let channel = operation["channel"]["$ref"].as_str().unwrap();
        for message in operation["messages"].as_array().unwrap() {
            // A message of an operation must be one of its channel's, by way of the channel.
            assert!(message["$ref"].as_str().unwrap().starts_with(&format!("{channel}/messages/")), "{name}");
        }
    }
    for (name, message) in document["components"]["messages"].as_object().unwrap() {
        assert!(message["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{name}");
        let fields = &message["payload"]["allOf"][1]["properties"];
        assert_eq!(fields["type"]["const"], Value::from(name.as_str()));
        assert!(fields["data"].is_object(), "{name}");
    }
    for section in ["messages", "schemas"] {
        for name in document["components"][section].as_object().unwrap().keys() {
            let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
            assert!(name.chars().all(allowed), "{section}: {name}");
        }
    }
    every_reference_resolves(&document, &document);
}

fn every_reference_resolves(document: &Value, part: &Value) {
    match part {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(to) if name == "$ref" => {
                        assert!(to.strip_prefix('#').and_then(|to| document.pointer(to)).is_some(), "{to}");
                    }
                    value => every_reference_resolves(document, value),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| every_reference_resolves(document, item)),
        _ => {}
    }
}
