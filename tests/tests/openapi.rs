//! The API documents: whole, well formed, and the same wherever they are shown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

use std::collections::HashSet;

use hms_model::service::SERVICES;
use hms_tests::{Kind, Platform, api, on_both_kinds, wanted};
use serde_json::Value;

on_both_kinds! {
    async fn the_documents(kind) {
        let platform = Platform::start(kind).await;
        let merged = platform.gateway().get("/api/schema").await.expect(200).body.clone();
        is_well_formed("the gateway", &merged);
        let all = api::operations(&merged);
        for service in SERVICES {
            let document = platform.service(service.name).get("/openapi.json").await.expect(200).body.clone();
            is_well_formed(service.name, &document);
            let own = api::operations(&document);
            let through_the_gateway = own.values().filter(|operation| operation.path.starts_with("/api/v1/"));
            for operation in through_the_gateway {
                let found = all.get(&operation.name());
                let found = found.unwrap_or_else(|| panic!("the gateway does not show {}", operation.name()));
                assert_eq!(found.document["summary"], operation.document["summary"], "{}", operation.name());
            }
            for resource in service.resources {
                let path = format!("/api/v1/{}", resource.replace('*', "{id}"));
                assert!(own.values().any(|operation| operation.path.starts_with(&path)), "{path}");
            }
        }
    }
}

/// The document does not depend on where the service keeps its data.
#[tokio::test]
async fn the_command_writes_what_the_service_shows() {
    if !wanted(Kind::Embedded) {
        return;
    }
    let platform = Platform::start(Kind::Embedded).await;
    for service in SERVICES {
        let shown = platform.service(service.name).get("/openapi.json").await.expect(200).body.clone();
        let written = platform.run(&["openapi", service.name]).await;
        let written: Value = serde_json::from_str(&written.expect(0).stdout).unwrap();
        assert_eq!(written, shown, "{}", service.name);
    }
    let unknown = platform.run(&["openapi", "astrology"]).await;
    assert!(unknown.expect(1).stderr.contains("astrology"), "{}", unknown.stderr);
}

/// What OpenAPI 3.1 asks for, and what we ask for beside it.
fn is_well_formed(whose: &str, document: &Value) {
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{whose}");
    for field in ["title", "version"] {
        assert!(document["info"][field].is_string(), "{whose}: info.{field}");
    }
    let mut ids = HashSet::new();
    for operation in api::operations(document).values() {
        let at = format!("{whose}: {}", operation.name());
        let id = operation.document["operationId"].as_str().unwrap_or_else(|| panic!("{at}: no operationId"));
        assert!(ids.insert(id.to_owned()), "{at}: the operationId {id} is not unique");
        describes_itself(&at, &operation.document);
        describes_its_parameters(&at, operation);
        security_is_defined(&at, document, &operation.document);
    }
    every_reference_resolves(whose, document, document);
}

fn describes_itself(at: &str, operation: &Value) {
    assert!(operation["tags"].as_array().is_some_and(|tags| !tags.is_empty()), "{at}: no tag");
    assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{at}: no summary");
    let responses = operation["responses"].as_object().unwrap_or_else(|| panic!("{at}: no responses"));
    assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{at}: no success");
    // Pages that ask for nothing and read nothing have nothing to refuse.
    let is_page = operation["tags"][0] == "operation" || at.contains("/.well-known/");
    let error = responses.keys().any(|status| status.starts_with('4') || status.starts_with('5'));
    assert!(error || is_page, "{at}: no error");
    // What OAuth clients send and get has the form of RFC 6749; its page is for people.
    let oauth = at.contains("/oauth/");
    for (status, response) in responses {
        assert!(response["description"].is_string(), "{at}: {status} has no description");
        let is_page = oauth && response["content"]["text/html"].is_object();
        if status.starts_with('4') && !is_page {
            let schema = &response["content"]["application/json"]["schema"]["$ref"];
            let named = |name| schema.as_str().is_some_and(|schema| schema.ends_with(name));
            assert!(named("Envelope") || oauth && named("OauthError"), "{at}: {status}: {response}");
        }
    }
    if ["POST ", "PUT ", "PATCH "].iter().any(|method| at.contains(method))
        && !operation["requestBody"].is_null()
    {
        let content = &operation["requestBody"]["content"];
        let form = oauth && content["application/x-www-form-urlencoded"]["schema"].is_object();
        assert!(form || content["application/json"]["schema"].is_object(), "{at}: no body");
    }
}

fn describes_its_parameters(at: &str, operation: &api::Operation) {
    let empty = Vec::new();
    let parameters = operation.document["parameters"].as_array().unwrap_or(&empty);
    let mut named = HashSet::new();
    for parameter in parameters {
        let (name, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
        assert!(named.insert((name, place)), "{at}: {name} stands there twice");
        assert!(parameter["schema"].is_object(), "{at}: {name} has no schema");
        assert!(parameter["description"].is_string(), "{at}: {name} has no description");
        assert!(place != "path" || parameter["required"] == true, "{at}: {name} is not required");
    }
    let in_path = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path: HashSet<_> = in_path.collect();
    let described = named.iter().filter(|(_, place)| *place == "path").map(|(name, _)| *name);
    assert_eq!(described.collect::<HashSet<_>>(), in_path, "{at}");
}

fn security_is_defined(at: &str, document: &Value, operation: &Value) {
    for requirement in operation["security"].as_array().into_iter().flatten() {
        for scheme in requirement.as_object().unwrap().keys() {
            assert!(document["components"]["securitySchemes"][scheme].is_object(), "{at}: {scheme}");
        }
    }
}

fn every_reference_resolves(whose: &str, document: &Value, part: &Value) {
    match part {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(to) if name == "$ref" => {
                        let found = to.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
                        assert!(found.is_some(), "{whose}: {to} leads nowhere");
                    }
                    value => every_reference_resolves(whose, document, value),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| every_reference_resolves(whose, document, item)),
        _ => {}
    }
}
