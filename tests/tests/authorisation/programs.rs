//! Programs: keys that are bound to a department, and services.

use std::collections::{BTreeMap, BTreeSet};

use hms_tests::api::{Asks, Operation};
use hms_tests::{Client, Platform, records};
use serde_json::json;

use crate::objects::Desk;

/// What a key of a department may ask for at the most in this test: all that reads records.
const SCOPES: [&str; 8] = [
    "patient:read",
    "practitioner:read",
    "department:read",
    "appointment:read",
    "notification:read",
    "schedule:read",
    "invoice:read",
    "payment:read",
];

/// What comes of reading a record that belongs to no department, or to another. The directory and the schedules are
/// open to all; of a practitioner's calendar a key sees what is its department's.
const OTHERS: [(&str, u16); 14] = [
    ("GET /api/v1/patients/{id}", 404),
    ("GET /api/v1/practitioners/{id}", 200),
    ("GET /api/v1/practitioners/{id}/calendar.ics", 200),
    ("GET /api/v1/departments/{id}", 200),
    ("GET /api/v1/appointments/{id}", 404),
    ("GET /api/v1/notifications/{id}", 404),
    ("GET /api/v1/notification-preferences/{id}", 404),
    ("GET /api/v1/waitlist/{id}", 404),
    ("GET /api/v1/schedules/{id}", 200),
    ("GET /api/v1/appointment-types/{id}", 200),
    ("GET /api/v1/resources/{id}", 200),
    ("GET /api/v1/billing/invoices/{id}", 404),
    ("GET /api/v1/billing/invoices/{id}/pdf", 404),
    ("GET /api/v1/billing/payments/{id}", 404),
];

/// A client with the token of a service.
pub async fn of_a_service(platform: &Platform) -> Client {
    let secret = std::fs::read_to_string(platform.data().join("clients/appointment")).unwrap();
    let form = format!("grant_type=client_credentials&client_id=appointment&client_secret={secret}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let gateway = platform.gateway();
    let answer = gateway.request("POST", "/api/v1/oauth/token", &headers, Some(form.into_bytes())).await;
    gateway.with_token(answer.expect(200).text("access_token"))
}

/// Every operation that reads a record, by a key of its department and by one of another.
pub async fn keys_reach_their_department(desk: &Desk, operations: &BTreeMap<String, Operation>) {
    let may = |operation: &&Operation| match operation.asks() {
        Asks::Nothing => false,
        Asks::Scopes(asked) => {
            !asked.is_empty() && asked.iter().all(|scope| SCOPES.contains(&scope.as_str()))
        }
    };
    let reads =
        operations.values().filter(|operation| operation.method == "GET" && operation.names_a_record());
    let reads: BTreeSet<_> = reads.filter(may).map(Operation::name).collect();
    let table: BTreeSet<_> = OTHERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let elsewhere = desk.admin.make("/api/v1/departments", &json!({"name": "Oncology"})).await;
    let (own, other) = (key(desk, &desk.department_id).await, key(desk, &elsewhere).await);
    for (operation, status) in OTHERS {
        let (_, template) = operation.split_once(' ').unwrap();
        let path = template.replace("{id}", desk.id_for(template, &desk.anns));
        for key in [&own, &other] {
            let answer = shown(desk, key, &path).await;
            assert_eq!(answer.0, status, "{operation}: {:#}", answer.1);
        }
    }
    let mut booking = records::booking(&desk.anns.patient, &desk.practitioner_id, records::moment(12, 600));
    booking["department_id"] = json!(desk.department_id);
    let booked = format!("/api/v1/appointments/{}", desk.admin.book(&booking).await.text("id"));
    assert_eq!(shown(desk, &own, &booked).await.0, 200, "their own department's");
    assert_eq!(shown(desk, &other, &booked).await.0, 404, "another department's");
    let calendar = format!("/api/v1/practitioners/{}/calendar.ics", desk.practitioner_id);
    let id = booked.rsplit('/').next().unwrap();
    for (key, shows) in [(&own, true), (&other, false)] {
        let headers = [("authorization", &*format!("ApiKey {key}"))];
        let answer = desk.gateway.request("GET", &calendar, &headers, None).await;
        assert_eq!(answer.body.as_str().unwrap().contains(id), shows, "the calendar");
    }
    for list in [
        "patients",
        "appointments",
        "notifications",
        "push-subscriptions",
        "billing/invoices",
        "billing/payments",
    ] {
        let found = shown(desk, &other, &format!("/api/v1/{list}")).await.1;
        assert_eq!(found["results"], json!([]), "{list}");
    }
    assert_eq!(table, reads, "the table, and what such a key may read");
}

async fn key(desk: &Desk, department_id: &str) -> String {
    let form = json!({"name": "ward", "scopes": SCOPES, "department_id": department_id});
    desk.admin.client.post("/api/v1/api-keys", &form).await.expect(201).text("key")
}

async fn shown(desk: &Desk, key: &str, path: &str) -> (u16, serde_json::Value) {
    let headers = [("authorization", &*format!("ApiKey {key}"))];
    let anyone = desk.gateway.request("GET", path, &headers, None).await;
    (anyone.status, anyone.body.clone())
}
