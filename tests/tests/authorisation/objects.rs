//! Operations on a record: one's own, another's, and staff's reach.

use std::collections::{BTreeMap, BTreeSet};

use hms_model::Coded;
use hms_model::role::Role;
use hms_tests::api::{Asks, Operation};
use hms_tests::{Client, PATIENCE, Person, Platform, password, records, until};
use serde_json::{Value, json};

/// Two patients, each with an appointment and a message, and those at the desk.
pub struct Desk {
    pub gateway: Client,
    pub admin: Person,
    pub ann: Person,
    bo: Person,
    pub anns: Own,
    bos: Own,
    pub practitioner_id: String,
    pub department_id: String,
    schedule_id: String,
    appointment_type_id: String,
    resource_id: String,
}

/// The records of one patient.
pub struct Own {
    pub patient: String,
    appointment: String,
    /// A message that is there to be read.
    notification: String,
    /// An app that asks for messages.
    device: String,
    /// A session that is not the one they act in.
    session: String,
    invoice: String,
    payment: String,
    hold: String,
    /// A place on the waitlist.
    waits: String,
}

/// An operation, a body for it, and what comes of it for one's own record and for another's.
pub struct Case {
    operation: &'static str,
    body: Option<Value>,
    own: (u16, &'static str),
    others: (u16, &'static str),
}

const DONE: (u16, &str) = (200, "");
const HIDDEN: (u16, &str) = (404, "NOT_FOUND");
const FORBIDDEN: (u16, &str) = (403, "FORBIDDEN");

fn case(operation: &'static str, own: (u16, &'static str), others: (u16, &'static str)) -> Case {
    Case { operation, body: None, own, others }
}

impl Case {
    fn with(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

impl Desk {
    pub async fn new(platform: &Platform) -> Self {
        let admin = platform.admin().await;
        let (ann, bo) = (platform.register_patient().await, platform.register_patient().await);
        let practitioner_id =
            admin.make("/api/v1/practitioners", &records::practitioner("Mia", "Chen")).await;
        let department_id = admin.make("/api/v1/departments", &json!({"name": "Cardiology"})).await;
        let anns = own(platform, &admin, &ann, &practitioner_id, 600).await;
        let bos = own(platform, &admin, &bo, &practitioner_id, 660).await;
        let (schedule_id, appointment_type_id, resource_id) = calendar(&admin, &department_id).await;
        Self {
            gateway: platform.gateway(),
            admin,
            ann,
            bo,
            anns,
            bos,
            practitioner_id,
            department_id,
            schedule_id,
            appointment_type_id,
            resource_id,
        }
    }

    /// In an order in which each can be done: what ends a record comes last.
    pub fn cases(&self) -> Vec<Case> {
        let anns = |field: &str, value| {
            let mut details = records::patient("Ann", "Andersson");
            details["email"] = json!(self.ann.email);
            details[field] = value;
            details
        };
        vec![
            case("GET /api/v1/patients/{id}", DONE, HIDDEN),
            case("PUT /api/v1/patients/{id}", DONE, HIDDEN).with(anns("phone", json!("+4930123456"))),
            case("PUT /api/v1/patients/{id}", FORBIDDEN, HIDDEN).with(anns("family_name", json!("King"))),
            case("PATCH /api/v1/patients/{id}", DONE, HIDDEN).with(json!({"phone": "+4930123457"})),
            case("PATCH /api/v1/patients/{id}", FORBIDDEN, HIDDEN).with(json!({"birth_date": "1990-01-01"})),
            case("DELETE /api/v1/patients/{id}", FORBIDDEN, HIDDEN),
            case("GET /api/v1/practitioners/{id}", DONE, DONE),
            case("GET /api/v1/departments/{id}", DONE, DONE),
            case("GET /api/v1/notifications/{id}", DONE, HIDDEN),
            case("POST /api/v1/notifications/{id}/read", DONE, HIDDEN),
            case("GET /api/v1/notification-preferences/{id}", DONE, HIDDEN),
            case("PUT /api/v1/notification-preferences/{id}", DONE, HIDDEN)
                .with(json!({"channels": {"billing": ["email"]}})),
            case("DELETE /api/v1/push-subscriptions/{id}", (204, ""), HIDDEN),
            case("GET /api/v1/schedules/{id}", DONE, DONE),
            case("GET /api/v1/appointment-types/{id}", DONE, DONE),
            case("GET /api/v1/resources/{id}", DONE, DONE),
            case("DELETE /api/v1/slots/hold/{id}", (204, ""), HIDDEN),
            case("GET /api/v1/practitioners/{id}/calendar.ics", FORBIDDEN, FORBIDDEN),
            case("GET /api/v1/waitlist/{id}", DONE, HIDDEN),
            case("POST /api/v1/waitlist/{id}/accept", (409, "HOLD_EXPIRED"), HIDDEN),
            case("POST /api/v1/waitlist/{id}/decline", (409, "ILLEGAL_TRANSITION"), HIDDEN),
            case("DELETE /api/v1/waitlist/{id}", (204, ""), HIDDEN),
            case("GET /api/v1/billing/invoices/{id}", DONE, HIDDEN),
            case("GET /api/v1/billing/invoices/{id}/pdf", DONE, HIDDEN),
            case("GET /api/v1/billing/payments/{id}", DONE, HIDDEN),
            case("GET /api/v1/appointments/{id}", DONE, HIDDEN),
            case("PATCH /api/v1/appointments/{id}", DONE, HIDDEN).with(json!({"reason": "a cough"})),
            case("POST /api/v1/appointments/{id}/arrive", FORBIDDEN, FORBIDDEN),
            case("POST /api/v1/appointments/{id}/fulfil", FORBIDDEN, FORBIDDEN),
            case("POST /api/v1/appointments/{id}/noshow", FORBIDDEN, FORBIDDEN),
            case("POST /api/v1/appointments/{id}/cancel", DONE, HIDDEN).with(json!({"reason": "travelling"})),
            case("DELETE /api/v1/appointments/{id}", (204, ""), HIDDEN),
            case("DELETE /api/v1/auth/sessions/{id}", (204, ""), HIDDEN),
        ]
    }

    /// Another's first, since one's own may be gone afterwards.
    pub async fn try_out(&self, case: &Case) {
        for (own, expected) in [(&self.bos, case.others), (&self.anns, case.own)] {
            let (method, template) = case.operation.split_once(' ').unwrap();
            let path = template.replace("{id}", self.id_for(template, own));
            let answer = match &case.body {
                Some(body) => self.ann.client.json(method, &path, body, &[]).await,
                None => self.ann.client.request(method, &path, &[], None).await,
            };
            let whose = if std::ptr::eq(own, &self.anns) { "their own" } else { "another's" };
            assert_eq!(
                (answer.status, answer.code()),
                expected,
                "{} on {whose}: {:#}",
                case.operation,
                answer.body
            );
        }
    }

    /// The room, as it is.
    pub fn room(&self) -> Value {
        room(&self.department_id)
    }

    /// A schedule like the one that is there.
    pub fn schedule(&self) -> Value {
        schedule(&self.practitioner_id, &self.department_id)
    }

    pub fn id_for<'a>(&'a self, template: &str, own: &'a Own) -> &'a str {
        match template.split('/').nth(3).unwrap() {
            "patients" | "notification-preferences" => &own.patient,
            "appointments" => &own.appointment,
            "notifications" => &own.notification,
            "push-subscriptions" => &own.device,
            "auth" => &own.session,
            "billing" if template.contains("/payments/") => &own.payment,
            "billing" => &own.invoice,
            "practitioners" => &self.practitioner_id,
            "departments" => &self.department_id,
            "slots" => &own.hold,
            "waitlist" => &own.waits,
            "schedules" => &self.schedule_id,
            "appointment-types" => &self.appointment_type_id,
            "resources" => &self.resource_id,
            other => panic!("no record of {other}"),
        }
    }

    /// A patient's lists hold what is theirs; the desk's hold everyone's. Asking for another's finds nothing.
    pub async fn lists_show_ones_own(&self) {
        let (ann, bo) = (&self.anns, &self.bos);
        for (list, anns, bos) in
            [("patients", &ann.patient, &bo.patient), ("notifications", &ann.notification, &bo.notification)]
        {
            let path = format!("/api/v1/{list}?page_size=100");
            let (own, all) = (self.ids(&self.ann, &path).await, self.ids(&self.admin, &path).await);
            assert!(own.contains(anns) && !own.contains(bos), "{list}: {own:?}");
            assert!(all.contains(anns) && all.contains(bos), "{list}: {all:?}");
        }
        let none: BTreeSet<String> = BTreeSet::new();
        for path in
            ["appointments", "notifications", "push-subscriptions", "billing/invoices", "billing/payments"]
        {
            let path = format!("/api/v1/{path}?patient_id={}", bo.patient);
            assert_eq!(self.ids(&self.ann, &path).await, none, "{path}");
            assert_ne!(self.ids(&self.bo, &path).await, none, "{path}");
        }
        let path = "/api/v1/appointments";
        assert_eq!(self.ids(&self.bo, path).await, BTreeSet::from([bo.appointment.clone()]));
        let found = self.ids(&self.ann, &format!("/api/v1/patients?email={}", self.bo.email)).await;
        assert_eq!(found, none);
    }

    async fn ids(&self, person: &Person, path: &str) -> BTreeSet<String> {
        let list = person.client.get(path).await;
        list.expect(200).results().iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
    }
}

async fn own(
    platform: &Platform,
    admin: &Person,
    person: &Person,
    practitioner_id: &str,
    minutes: i64,
) -> Own {
    let body = records::booking(person.patient_id(), practitioner_id, records::moment(7, minutes));
    let appointment = person.book(&body).await.text("id");
    let notification = until("the confirmation", PATIENCE, async || {
        let list = person.client.get("/api/v1/notifications?channel=in_app").await;
        list.expect(200).results().first().map(|message| message["id"].as_str().unwrap().to_owned())
    });
    let invoice = billed(admin, person.patient_id()).await;
    let amount = json!({ "amount": 100, "currency": "EUR" });
    let payment = json!({ "invoice_id": invoice, "method": "cash", "amount": amount });
    Own {
        payment: admin.make("/api/v1/billing/payments", &payment).await,
        invoice,
        patient: person.patient_id().to_owned(),
        appointment,
        notification: notification.await,
        device: person.make("/api/v1/push-subscriptions", &json!({"fcm_token": person.patient_id()})).await,
        session: other_session(platform, person).await,
        hold: held(person, practitioner_id, minutes).await,
        waits: waits(person, practitioner_id).await,
    }
}

/// A slot that is held.
async fn held(person: &Person, practitioner_id: &str, minutes: i64) -> String {
    let at = |minutes| records::rfc3339(records::moment(9, minutes));
    let (start, end) = (at(minutes), at(minutes + 30));
    let hold = json!({"practitioner_id": practitioner_id, "start": start, "end": end, "minutes": 30});
    person.make("/api/v1/slots/hold", &hold).await
}

/// A place on the waitlist, for a day on which nothing becomes free.
async fn waits(person: &Person, practitioner_id: &str) -> String {
    let at = |minutes| records::rfc3339(records::moment(40, minutes));
    let (start, end) = (at(0), at(600));
    let body = json!({"patient_id": person.patient_id(), "practitioner_id": practitioner_id, "start": start, "end": end});
    person.make("/api/v1/waitlist", &body).await
}

/// A schedule of another practitioner, a type of appointment and a room.
async fn calendar(admin: &Person, department_id: &str) -> (String, String, String) {
    let practitioner_id = admin.make("/api/v1/practitioners", &records::practitioner("Ravi", "Rao")).await;
    let kind = json!({"name": "X-ray", "duration_minutes": 15});
    let schedule =
        admin.make_once_known("/api/v1/schedules", &schedule(&practitioner_id, department_id)).await;
    let room = admin.make_once_known("/api/v1/resources", &room(department_id)).await;
    (schedule, admin.make("/api/v1/appointment-types", &kind).await, room)
}

fn schedule(practitioner_id: &str, department_id: &str) -> Value {
    json!({
        "practitioner_id": practitioner_id,
        "department_id": department_id,
        "zone": "Europe/Berlin",
        "valid_from": "2026-01-01",
        "hours": {"weekly": [{"weekday": "monday", "start": "09:00", "end": "12:00"}]},
        "slot_minutes": 30,
    })
}

fn room(department_id: &str) -> Value {
    json!({"department_id": department_id, "kind": "room", "category": "x-ray", "name": "X1"})
}

/// An invoice, as soon as billing knows the patient.
async fn billed(admin: &Person, patient_id: &str) -> String {
    let line = json!({ "description": "A visit", "unit_price": 1_000 });
    let body = json!({ "patient_id": patient_id, "currency": "EUR", "lines": [line], "issue": {} });
    until("the patient to be known", PATIENCE, async || {
        let answer = admin.client.post("/api/v1/billing/invoices", &body).await;
        (answer.code() != "UNKNOWN_REFERENCE").then(|| answer.expect(201).text("id"))
    })
    .await
}

/// Signs in once more.
async fn other_session(platform: &Platform, person: &Person) -> String {
    let other = platform.sign_in(&person.email, &password(&person.email)).await;
    let list = other.client.get("/api/v1/auth/sessions").await;
    let current = list.expect(200).results().iter().find(|session| session["current"] == true);
    current.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Each operation on a record that a patient's scopes allow stands in the table.
pub fn cover_what_patients_may(operations: &BTreeMap<String, Operation>, cases: &[Case]) {
    let held: BTreeSet<_> = Role::Patient.scopes().map(|scope| scope.code()).collect();
    let allowed = |operation: &&Operation| match operation.asks() {
        Asks::Nothing => true,
        Asks::Scopes(asked) => asked.iter().all(|scope| held.contains(scope.as_str())),
    };
    let on_records = operations.values().filter(|operation| operation.names_a_record()).filter(allowed);
    let on_records: BTreeSet<_> = on_records.map(Operation::name).collect();
    let in_table: BTreeSet<_> = cases.iter().map(|case| case.operation.to_owned()).collect();
    assert_eq!(in_table, on_records, "the table, and what patients may do with a record");
}
