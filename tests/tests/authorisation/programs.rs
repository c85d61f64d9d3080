//! Programs: keys that are bound to a department, and services.

use std::collections::{BTreeMap, BTreeSet};

use hms_tests::api::Operation;
use hms_tests::{Answer, Client, Person, Platform, records};
use serde_json::{Value, json};

use crate::objects::Desk;
use crate::table::{Expected, Standing, Table};

/// A client with the token of a service.
pub async fn of_a_service(platform: &Platform) -> Client {
    let secret = std::fs::read_to_string(platform.data().join("clients/appointment")).unwrap();
    let form = format!("grant_type=client_credentials&client_id=appointment&client_secret={secret}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let gateway = platform.gateway();
    let answer = gateway.request("POST", "/api/v1/oauth/token", &headers, Some(form.into_bytes())).await;
    gateway.with_token(answer.expect(200).text("access_token"))
}

/// A new API key of a department.
pub async fn key(admin: &Person, department: &str, scopes: &[&str]) -> String {
    let form = json!({"name": "ward", "scopes": scopes, "department_id": department});
    admin.client.post("/api/v1/api-keys", &form).await.expect(201).text("key")
}

/// What of records belongs to a department, or to everybody, for a desk that has it all.
struct Ward<'a> {
    desk: &'a Desk,
    key_id: String,
    holiday: String,
    counter: String,
    ticket: String,
    item: String,
    webhook: String,
    delivery: String,
}

/// An operation on a record of no department or of another one, the body, and what comes of it by a key of a department.
type Row = (&'static str, Value, u16);

impl<'a> Ward<'a> {
    async fn new(desk: &'a Desk) -> Self {
        let (admin, department) = (&desk.admin, &desk.department_id);
        let form = json!({"name": "another", "scopes": ["patient:read"]});
        let holiday = json!({"date": "2026-12-25", "name": "Christmas Day", "department_id": department});
        let counter = json!({"department_id": department, "name": "Desk 1"});
        let hook = json!({"url": "https://hooks.example.org/hms", "events": ["patient.created"]});
        let webhook = admin.make("/api/v1/webhooks", &hook).await;
        Self {
            desk,
            key_id: admin.make("/api/v1/api-keys", &form).await,
            holiday: admin.make_once_known("/api/v1/holidays", &holiday).await,
            counter: admin.make_once_known("/api/v1/queue/desks", &counter).await,
            ticket: admin.make("/api/v1/queue/check-in", &json!({"department_id": department})).await,
            item: admin.make("/api/v1/billing/catalogue", &json!({"code": "XRAY", "name": "X-ray"})).await,
            delivery: admin.make(&format!("/api/v1/webhooks/{webhook}/test"), &json!({})).await,
            webhook,
        }
    }

    fn id_for(&self, template: &str) -> &str {
        match &template.split('/').collect::<Vec<_>>()[3..] {
            ["api-keys", ..] => &self.key_id,
            ["holidays", ..] => &self.holiday,
            ["queue", "desks", ..] => &self.counter,
            ["queue", ..] => &self.ticket,
            ["billing", "catalogue", ..] => &self.item,
            ["webhooks", "deliveries", ..] => &self.delivery,
            ["webhooks", ..] => &self.webhook,
            _ => self.desk.id_for(template, &self.desk.anns),
        }
    }

    /// The directory, the schedules, the prices and the words of messages are open to all; of a practitioner's calendar a key
    /// sees what is its department's.
    fn reads() -> Vec<Row> {
        let (open, hidden) = (200, 404);
        let rows = [
            ("GET /api/v1/patients/{id}", hidden),
            ("GET /api/v1/practitioners/{id}", open),
            ("GET /api/v1/practitioners/{id}/calendar.ics", open),
            ("GET /api/v1/departments/{id}", open),
            ("GET /api/v1/appointments/{id}", hidden),
            ("GET /api/v1/notifications/{id}", hidden),
            ("GET /api/v1/notification-preferences/{id}", hidden),
            ("GET /api/v1/notification-templates/{kind}/{channel}/{language}", open),
            ("GET /api/v1/notification-templates/{kind}/{channel}/{language}/versions", open),
            ("GET /api/v1/waitlist/{id}", hidden),
            ("GET /api/v1/schedules/{id}", open),
            ("GET /api/v1/appointment-types/{id}", open),
            ("GET /api/v1/resources/{id}", open),
            ("GET /api/v1/billing/catalogue/{id}", open),
            ("GET /api/v1/billing/invoices/{id}", hidden),
            ("GET /api/v1/billing/invoices/{id}/pdf", hidden),
            ("GET /api/v1/billing/payments/{id}", hidden),
            ("GET /api/v1/webhooks/{id}", hidden),
            ("GET /api/v1/webhooks/{id}/deliveries", hidden),
            ("GET /api/v1/webhooks/deliveries/{id}", hidden),
            // Of the account that it acts for.
            ("GET /api/v1/api-keys/{id}", open),
        ];
        rows.map(|(operation, status)| (operation, Value::Null, status)).to_vec()
    }

    /// Nothing of it is done.
    fn writes(&self) -> Vec<Row> {
        let (desk, none) = (self.desk, Value::Null);
        let (hidden, refused) = (404, 403);
        let line = json!({"description": "A visit", "unit_price": 1_000});
        let invoice = json!({"patient_id": desk.anns.patient, "currency": "EUR", "lines": [line]});
        let credit = json!({"reason": "a mistake", "lines": [line]});
        let reason = json!({"reason": "a mistake"});
        vec![
            ("PUT /api/v1/patients/{id}", records::patient("Ann", "King"), hidden),
            ("PATCH /api/v1/patients/{id}", json!({"phone": "+4930123457"}), hidden),
            ("DELETE /api/v1/patients/{id}", none.clone(), hidden),
            ("PATCH /api/v1/appointments/{id}", json!({"reason": "a cough"}), hidden),
            ("DELETE /api/v1/appointments/{id}", none.clone(), hidden),
            ("POST /api/v1/appointments/{id}/cancel", reason.clone(), hidden),
            // What happens at the desk is noted by those who stand there.
            ("POST /api/v1/appointments/{id}/arrive", none.clone(), refused),
            ("POST /api/v1/appointments/{id}/fulfil", none.clone(), refused),
            ("POST /api/v1/appointments/{id}/noshow", none.clone(), refused),
            ("DELETE /api/v1/slots/hold/{id}", none.clone(), hidden),
            ("DELETE /api/v1/waitlist/{id}", none.clone(), hidden),
            ("POST /api/v1/waitlist/{id}/accept", none.clone(), hidden),
            ("POST /api/v1/waitlist/{id}/decline", none.clone(), hidden),
            ("PUT /api/v1/schedules/{id}", desk.schedule(), refused),
            ("PUT /api/v1/resources/{id}", desk.room(), refused),
            ("PUT /api/v1/appointment-types/{id}", json!({"name": "X-ray", "duration_minutes": 5}), refused),
            ("DELETE /api/v1/holidays/{id}", none.clone(), refused),
            ("POST /api/v1/queue/desks/{id}/next", none.clone(), hidden),
            ("DELETE /api/v1/queue/desks/{id}", none.clone(), hidden),
            ("PATCH /api/v1/queue/{id}/status", json!({"status": "skipped"}), hidden),
            ("PUT /api/v1/billing/invoices/{id}", invoice, hidden),
            ("POST /api/v1/billing/invoices/{id}/apply-credit", none.clone(), hidden),
            ("POST /api/v1/billing/invoices/{id}/credit", credit, hidden),
            ("POST /api/v1/billing/invoices/{id}/issue", json!({}), hidden),
            ("POST /api/v1/billing/invoices/{id}/void", none.clone(), hidden),
            ("POST /api/v1/billing/invoices/{id}/write-off", reason.clone(), hidden),
            // It is a matter of the whole organisation's books.
            ("POST /api/v1/billing/payments/{id}/refund", reason, refused),
            ("POST /api/v1/notifications/{id}/read", none.clone(), hidden),
            (
                "PUT /api/v1/notification-preferences/{id}",
                json!({"channels": {"billing": ["email"]}}),
                hidden,
            ),
            ("DELETE /api/v1/push-subscriptions/{id}", none.clone(), hidden),
            // It shows what a text would look like, and keeps nothing.
            (
                "POST /api/v1/notification-templates/{kind}/{channel}/{language}/preview",
                json!({"subject": "Hello", "body": "Hello"}),
                200,
            ),
            ("PATCH /api/v1/webhooks/{id}", json!({"enabled": false}), hidden),
            ("POST /api/v1/webhooks/{id}/secret/rotate", json!({}), hidden),
            ("POST /api/v1/webhooks/{id}/test", none.clone(), hidden),
            ("POST /api/v1/webhooks/{id}/redeliver", none.clone(), hidden),
            ("POST /api/v1/webhooks/deliveries/{id}/redeliver", none.clone(), hidden),
            ("DELETE /api/v1/webhooks/{id}", none.clone(), hidden),
            // Keys are managed by people.
            ("PATCH /api/v1/api-keys/{id}", json!({"name": "x"}), refused),
            ("POST /api/v1/api-keys/{id}/rotate", json!({}), refused),
            ("DELETE /api/v1/api-keys/{id}", none, refused),
        ]
    }

    async fn ask(&self, key: &str, (operation, body, _): &Row) -> Answer {
        let (method, template) = operation.split_once(' ').unwrap();
        let path = template.replace("{kind}/{channel}/{language}", "appointment.confirmation/email/en");
        let mut path = path.replace("{id}", if path == template { self.id_for(template) } else { "" });
        if path.ends_with("/redeliver") && !path.contains("/deliveries/") {
            path.push_str("?since=2026-01-01T00:00:00Z");
        }
        let headers = [("authorization", &*format!("ApiKey {key}"))];
        match body {
            Value::Null => self.desk.gateway.request(method, &path, &headers, None).await,
            body => self.desk.gateway.json(method, &path, body, &headers).await,
        }
    }
}

/// Every operation on a record, by a key of the department that some of them belong to and by one of another.
pub async fn keys_reach_their_department(
    desk: &Desk,
    operations: &BTreeMap<String, Operation>,
    table: &Table,
) {
    let may = |operation: &&Operation| {
        operation.names_a_record() && table.expected(operation, Standing::Key) == Expected::Admitted
    };
    let on_records: BTreeSet<_> = operations.values().filter(may).map(Operation::name).collect();
    let ward = Ward::new(desk).await;
    let (reads, writes) = (Ward::reads(), ward.writes());
    let tried: BTreeSet<_> = reads.iter().chain(&writes).map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(tried, on_records, "the rows, and what such a key may do with a record");
    let elsewhere = desk.admin.make("/api/v1/departments", &json!({"name": "Oncology"})).await;
    let scopes = table.scopes_of_a_key();
    let own = key(&desk.admin, &desk.department_id, &scopes).await;
    let other = key(&desk.admin, &elsewhere, &scopes).await;
    for row in &reads {
        for key in [&own, &other] {
            assert_eq!(ward.ask(key, row).await.status, row.2, "{}", row.0);
        }
    }
    for row in &writes {
        let answer = ward.ask(&other, row).await;
        assert_eq!(answer.status, row.2, "{}: {:#}", row.0, answer.body);
    }
    their_own(desk, &own, &other).await;
    for list in [
        "patients",
        "appointments",
        "notifications",
        "push-subscriptions",
        "billing/invoices",
        "billing/payments",
        "webhooks",
        "waitlist",
    ] {
        let found = shown(desk, &other, &format!("/api/v1/{list}")).await.1;
        assert_eq!(found["results"], json!([]), "{list}");
    }
}

async fn their_own(desk: &Desk, own: &str, other: &str) {
    let mut booking = records::booking(&desk.anns.patient, &desk.practitioner_id, records::moment(12, 600));
    booking["department_id"] = json!(desk.department_id);
    let booked = format!("/api/v1/appointments/{}", desk.admin.book(&booking).await.text("id"));
    assert_eq!(shown(desk, own, &booked).await.0, 200, "their own department's");
    assert_eq!(shown(desk, other, &booked).await.0, 404, "another department's");
    let calendar = format!("/api/v1/practitioners/{}/calendar.ics", desk.practitioner_id);
    let id = booked.rsplit('/').next().unwrap();
    for (key, shows) in [(own, true), (other, false)] {
        let (_, calendar) = shown(desk, key, &calendar).await;
        assert_eq!(calendar.as_str().unwrap().contains(id), shows, "the calendar");
    }
}

async fn shown(desk: &Desk, key: &str, path: &str) -> (u16, Value) {
    let headers = [("authorization", &*format!("ApiKey {key}"))];
    let anyone = desk.gateway.request("GET", path, &headers, None).await;
    (anyone.status, anyone.body.clone())
}
