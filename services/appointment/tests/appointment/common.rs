//! A hospital small enough for a story: one service, a few patients and practitioners it was told of.

use hms_appointment::Service;
use hms_model::event::{
    DepartmentCreated, DepartmentFacts, PatientCreated, PatientFacts, PractitionerCreated, PractitionerFacts,
};
use hms_model::id::{DepartmentId, Id, PatientId, PractitionerId};
use hms_model::role::Role;
use hms_testkit::{Answer, Backend, Client, TestService};
use serde_json::{Value, json};

pub const APPOINTMENTS: &str = "/api/v1/appointments";

/// The service, and the one at the front desk. Its clock stands at 2026-03-02T08:00:00Z.
pub struct World {
    pub app: TestService<Service>,
    pub desk: Client,
}

impl World {
    pub async fn start(backend: Backend) -> Self {
        let app = TestService::start(backend).await;
        let desk = app.client(&[Role::Receptionist]);
        Self { app, desk }
    }

    fn new_id<K>(&self) -> Id<K> {
        Id::new(self.app.clock.now())
    }

    pub async fn patient(&self) -> PatientId {
        let facts = patient_facts(self.new_id(), 1, true);
        self.app.deliver(&PatientCreated(facts.clone())).await;
        facts.patient_id
    }

    pub async fn practitioner(&self) -> PractitionerId {
        let facts = practitioner_facts(self.new_id(), 1, true);
        self.app.deliver(&PractitionerCreated(facts.clone())).await;
        facts.practitioner_id
    }

    pub async fn department(&self) -> DepartmentId {
        let facts = department_facts(self.new_id(), 1, true);
        self.app.deliver(&DepartmentCreated(facts.clone())).await;
        facts.department_id
    }

    /// A booking of someone with someone.
    pub async fn wish(&self, start: &str, end: &str) -> Value {
        wish(self.patient().await, self.practitioner().await, start, end)
    }

    /// The same, booked.
    pub async fn booked(&self, start: &str, end: &str) -> Answer {
        let wish = self.wish(start, end).await;
        let answer = self.desk.post(APPOINTMENTS, &wish).await;
        answer.expect(201);
        answer
    }

    /// Takes a step by a POST without a body.
    pub async fn step(&self, client: &Client, id: &str, step: &str) -> Answer {
        client.request("POST", &format!("{APPOINTMENTS}/{id}/{step}"), &[], None).await
    }
}

/// The body of a booking.
pub fn wish(patient: PatientId, practitioner: PractitionerId, start: &str, end: &str) -> Value {
    json!({ "patient_id": patient, "practitioner_id": practitioner, "start": start, "end": end })
}

/// The same with more fields, or others.
pub fn with(body: &Value, more: Value) -> Value {
    let mut body = body.clone();
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// The route of one appointment.
pub fn path(id: &str) -> String {
    format!("{APPOINTMENTS}/{id}")
}

/// A time of the day after tomorrow, 2026-03-04.
pub fn at(minutes: i64) -> String {
    let day: chrono::DateTime<chrono::Utc> = "2026-03-04T00:00:00Z".parse().unwrap();
    (day + chrono::TimeDelta::minutes(minutes)).to_rfc3339()
}

pub fn patient_facts(patient_id: PatientId, version: i64, active: bool) -> PatientFacts {
    PatientFacts {
        patient_id,
        version,
        account_id: None,
        name: "Ann Patient".into(),
        email: None,
        phone: None,
        language: None,
        active,
    }
}

pub fn practitioner_facts(practitioner_id: PractitionerId, version: i64, active: bool) -> PractitionerFacts {
    PractitionerFacts {
        practitioner_id,
        version,
        account_id: None,
        name: format!("Dr. Ada {version}"),
        specialty: None,
        department_id: None,
        active,
    }
}

pub fn department_facts(department_id: DepartmentId, version: i64, active: bool) -> DepartmentFacts {
    DepartmentFacts { department_id, version, name: "Radiology".into(), active }
}

/// A schedule of Wednesdays 09:00 to 12:00 in Berlin, slots of 30 minutes; with more fields, or others.
pub fn schedule(practitioner: PractitionerId, department: DepartmentId, more: Value) -> Value {
    let body = json!({
        "practitioner_id": practitioner,
        "department_id": department,
        "zone": "Europe/Berlin",
        "valid_from": "2026-01-01",
        "hours": { "weekly": [{ "weekday": "wednesday", "start": "09:00", "end": "12:00" }] },
        "slot_minutes": 30,
    });
    with(&body, more)
}

impl World {
    /// Makes something under `/api/v1`, as an admin; its id.
    pub async fn made(&self, what: &str, body: &Value) -> String {
        let admin = self.app.client(&[Role::Admin]);
        admin.post(&format!("/api/v1/{what}"), body).await.expect(201).text("id")
    }

    /// A practitioner with a schedule at a place.
    pub async fn scheduled(&self, more: Value) -> (PractitionerId, DepartmentId) {
        let (practitioner, department) = (self.practitioner().await, self.department().await);
        self.made("schedules", &schedule(practitioner, department, more)).await;
        (practitioner, department)
    }

    /// A program of an admin that is bound to a department.
    pub fn bound_to(&self, department: DepartmentId) -> Client {
        let mut claims = self.app.claims(&[Role::Admin]);
        claims.department_id = Some(department);
        self.app.client_with(claims)
    }

    /// Another patient's own client.
    pub async fn someone(&self) -> (PatientId, Client) {
        let patient = self.patient().await;
        (patient, self.app.client_of_patient(patient))
    }
}

/// The starts of the slots of a page, as hours and minutes of UTC.
pub fn starts(page: &Answer) -> Vec<String> {
    let start = |slot: &Value| slot["start"].as_str().unwrap()[11..16].to_owned();
    page.expect(200).results().iter().map(start).collect()
}
