//! Where records are the care team's: every operation that shows a patient's record, by whoever treats them, by whoever
//! does not, and by whoever has broken the glass.

use std::collections::{BTreeMap, BTreeSet};

use hms_model::Coded;
use hms_model::role::Role;
use hms_tests::api::{Asks, Operation};
use hms_tests::{Answer, Client, PATIENCE, Person, Platform, password, records, until};
use serde_json::{Value, json};

use crate::objects::Desk;

/// What somebody who treats gets who has nothing to do with the patient. Whatever shows no patient is open to them.
const OUT_OF_CARE: [(&str, u16); 13] = [
    ("GET /api/v1/patients/{id}", 403),
    ("GET /api/v1/appointments/{id}", 403),
    ("GET /api/v1/waitlist/{id}", 403),
    ("GET /api/v1/audit/{id}", 403),
    ("GET /api/v1/notifications/{id}", 403),
    ("GET /api/v1/notification-preferences/{id}", 403),
    ("GET /api/v1/practitioners/{id}", 200),
    ("GET /api/v1/departments/{id}", 200),
    ("GET /api/v1/schedules/{id}", 200),
    ("GET /api/v1/appointment-types/{id}", 200),
    ("GET /api/v1/resources/{id}", 200),
    // It shows those appointments alone whose patients are in their care.
    ("GET /api/v1/practitioners/{id}/calendar.ics", 200),
    ("GET /api/v1/billing/invoices/{id}", 403),
];

/// A doctor; with a practitioner, their token names that one.
async fn doctor(platform: &Platform, admin: &Person, practitioner_id: Option<&str>) -> Person {
    let email = records::email("doctor");
    let body = json!({
        "email": email, "password": password(&email), "roles": [Role::Doctor.code()],
        "practitioner_id": practitioner_id,
    });
    until("the practitioner to be known", PATIENCE, async || {
        let made = admin.client.post("/api/v1/accounts", &body).await;
        (made.code() != "UNKNOWN_REFERENCE").then(|| drop(made.expect(201).clone()))
    })
    .await;
    platform.sign_in(&email, &password(&email)).await
}

/// The same of what changes a record: nothing of it is done.
fn writes() -> Vec<(&'static str, Value, u16)> {
    let (none, reason) = (Value::Null, json!({"reason": "a mistake"}));
    vec![
        ("PUT /api/v1/patients/{id}", records::patient("Ann", "Andersson"), 403),
        ("PATCH /api/v1/patients/{id}", json!({"phone": "+4930123459"}), 403),
        ("DELETE /api/v1/patients/{id}", none.clone(), 403),
        ("PATCH /api/v1/appointments/{id}", json!({"reason": "a cough"}), 403),
        ("POST /api/v1/appointments/{id}/arrive", none.clone(), 403),
        ("POST /api/v1/appointments/{id}/fulfil", none.clone(), 403),
        ("POST /api/v1/appointments/{id}/noshow", none.clone(), 403),
        ("POST /api/v1/appointments/{id}/cancel", reason, 403),
        ("DELETE /api/v1/appointments/{id}", none.clone(), 403),
        // Of whoever holds it, and of nobody else.
        ("DELETE /api/v1/slots/hold/{id}", none.clone(), 404),
        ("POST /api/v1/waitlist/{id}/accept", none.clone(), 403),
        ("POST /api/v1/waitlist/{id}/decline", none.clone(), 403),
        ("DELETE /api/v1/waitlist/{id}", none.clone(), 403),
        ("POST /api/v1/notifications/{id}/read", none.clone(), 403),
        ("PUT /api/v1/notification-preferences/{id}", json!({"channels": {"billing": ["email"]}}), 403),
        ("DELETE /api/v1/push-subscriptions/{id}", none, 403),
    ]
}

struct Ward<'a> {
    desk: &'a Desk,
    /// An entry of the audit that names the patient.
    entry: String,
}

impl Ward<'_> {
    async fn look(&self, client: &Client, operation: &str) -> Answer {
        let (method, template) = operation.split_once(' ').unwrap();
        let id = match template {
            "/api/v1/audit/{id}" => &self.entry,
            _ => self.desk.id_for(template, &self.desk.anns),
        };
        client.request(method, &template.replace("{id}", id), &[], None).await
    }

    /// What lists say of the patient: how many records they show of theirs; one stands for all messages, of which there are more
    /// by and by.
    async fn listed(&self, client: &Client) -> usize {
        let mut all = 0;
        for list in ["appointments", "waitlist"] {
            let path = format!("/api/v1/{list}?patient_id={}", self.desk.anns.patient);
            all += client.get(&path).await.expect(200).results().len();
        }
        let messages = format!("/api/v1/notifications?patient_id={}", self.desk.anns.patient);
        all += client.get(&messages).await.expect(200).results().len().min(1);
        let patients = client.get("/api/v1/patients?page_size=100").await;
        let own = |patient: &&serde_json::Value| patient["id"] == self.desk.anns.patient.as_str();
        all + patients.expect(200).results().iter().filter(own).count()
    }

    async fn audited(&self, client: &Client) -> Answer {
        client.get(&format!("/api/v1/audit?patient_id={}", self.desk.anns.patient)).await
    }

    async fn sees_all(&self, client: &Client) -> Option<()> {
        let of_each_service =
            ["GET /api/v1/patients/{id}", "GET /api/v1/appointments/{id}", "GET /api/v1/notifications/{id}"];
        for operation in of_each_service {
            if self.look(client, operation).await.status != 200 {
                return None;
            }
        }
        (self.audited(client).await.status == 200).then_some(())
    }
}

/// Each operation by id upon a record of a kind that may be a patient's, for whoever treats. Keys are of an account, glass is
/// broken to come in, and whoever runs the queue has its tickets before them.
fn cover(operations: &BTreeMap<String, Operation>) {
    let held: BTreeSet<_> = Role::Doctor.scopes().map(|scope| scope.code()).collect();
    let may = |operation: &&Operation| match operation.asks() {
        Asks::Nothing => false,
        Asks::Scopes(asked) => !asked.is_empty() && asked.iter().all(|scope| held.contains(scope.as_str())),
    };
    let others = ["/api-keys/", "/break-glass", "/queue/"];
    let of_others = |name: &str| others.iter().any(|part| name.contains(part));
    let upon_records = operations.values().filter(|operation| operation.names_a_record()).filter(may);
    let upon_records: BTreeSet<_> =
        upon_records.map(Operation::name).filter(|name| !of_others(name)).collect();
    let writes = writes();
    let rows = OUT_OF_CARE.iter().map(|(name, _)| *name).chain(writes.iter().map(|(name, ..)| *name));
    let rows: BTreeSet<_> = rows.map(str::to_owned).collect();
    let left: Vec<_> = upon_records.difference(&rows).collect();
    assert!(left.is_empty(), "nothing says what becomes of these out of care: {left:?}");
}

/// The story: out of care, in care, behind broken glass.
pub async fn those_who_treat_see_their_patients(
    platform: &Platform,
    desk: &Desk,
    operations: &BTreeMap<String, Operation>,
) {
    cover(operations);
    let path = format!("/api/v1/audit?patient_id={}&resource=appointment", desk.anns.patient);
    let entry = until("an entry of the audit", PATIENCE, async || {
        let page = desk.admin.client.get(&path).await;
        page.expect(200).results().first().map(|entry| entry["id"].as_str().unwrap().to_owned())
    })
    .await;
    let ward = Ward { desk, entry };
    let carer = doctor(platform, &desk.admin, Some(&desk.practitioner_id)).await;
    let stranger = doctor(platform, &desk.admin, None).await;
    let colleague = doctor(platform, &desk.admin, None).await;
    until("the care to be known everywhere", PATIENCE, async || ward.sees_all(&carer.client).await).await;
    assert_eq!(ward.listed(&carer.client).await, 4);

    out_of_care(&ward, &stranger.client).await;
    let glass = format!("/api/v1/patients/{}/break-glass", desk.anns.patient);
    let reason = json!({"reason": "Unconscious, no papers"});
    stranger.client.post(&glass, &reason).await.expect(201);
    until("the broken glass to be known everywhere", PATIENCE, async || {
        ward.sees_all(&stranger.client).await
    })
    .await;
    assert_eq!(ward.listed(&stranger.client).await, 4);
    out_of_care(&ward, &colleague.client).await;
    ward.sees_all(&desk.admin.client).await.expect("who does not treat is not held to it");
}

async fn out_of_care(ward: &Ward<'_>, client: &Client) {
    for (operation, body, expected) in writes() {
        let (method, template) = operation.split_once(' ').unwrap();
        let path = template.replace("{id}", ward.desk.id_for(template, &ward.desk.anns));
        let answer = match body {
            Value::Null => client.request(method, &path, &[], None).await,
            body => client.json(method, &path, &body, &[]).await,
        };
        assert_eq!(answer.status, expected, "{operation}: {:#}", answer.body);
    }
    for (operation, expected) in OUT_OF_CARE {
        let answer = ward.look(client, operation).await;
        assert_eq!(answer.status, expected, "{operation}: {:#}", answer.body);
        if expected == 200 && operation.ends_with(".ics") {
            assert!(!answer.body.as_str().unwrap().contains("BEGIN:VEVENT"), "{:#}", answer.body);
        }
    }
    assert_eq!(ward.listed(client).await, 0);
    assert_eq!(
        ward.audited(client).await.expect_problem(403, "FORBIDDEN")["error"]["details"]["break_glass"],
        true
    );
}
