//! What the stories of notification share.

use chrono::TimeDelta;
use hms_access::Claims;
use hms_model::Clock;
use hms_model::event::{AppointmentFacts, AppointmentScheduled, PatientCreated, PatientFacts};
use hms_model::id::{Id, PatientId};
use hms_model::role::Role;
use hms_notification::Service;
use hms_testkit::{Client, TestService, until};
use serde_json::Value;

pub type App = TestService<Service>;

pub fn facts(clock: &Clock, email: Option<&str>) -> PatientFacts {
    PatientFacts {
        patient_id: Id::new(clock.now()),
        version: 1,
        account_id: None,
        name: "Ann Lee".into(),
        email: email.map(str::to_owned),
        phone: None,
        language: None,
        active: true,
    }
}

/// Tomorrow from 9 to half past.
pub fn appointment(clock: &Clock, patient_id: PatientId) -> AppointmentFacts {
    let start = clock.now() + TimeDelta::hours(25);
    AppointmentFacts {
        appointment_id: Id::new(clock.now()),
        version: 1,
        patient_id,
        practitioner_id: Id::new(clock.now()),
        practitioner_name: "Dr. Mia Chen".into(),
        department_id: None,
        start,
        end: start + TimeDelta::minutes(30),
        status: "booked".into(),
        reason: None,
        recorded: false,
        appointment_type_id: None,
        zone: None,
        series_id: None,
        late_cancellation: false,
    }
}

/// A patient whom the service has heard of.
pub async fn patient(app: &App, email: &str) -> PatientId {
    let facts = facts(&app.clock, Some(email));
    app.deliver(&PatientCreated(facts.clone())).await;
    facts.patient_id
}

/// An appointment was booked.
pub async fn book(app: &App, patient: PatientId) {
    app.deliver(&AppointmentScheduled(appointment(&app.clock, patient))).await;
}

/// The messages that match, once there are so many of them.
pub async fn messages(client: &Client, query: &str, count: usize) -> Vec<Value> {
    until(&format!("{count} messages of {query}"), 10, async || {
        let answer = client.get(&format!("/api/v1/notifications?page_size=100&{query}")).await;
        let found = answer.expect(200).results().to_vec();
        (found.len() == count).then_some(found)
    })
    .await
}

/// The only message that matches, once it is there.
pub async fn message(client: &Client, query: &str) -> Value {
    messages(client, query, 1).await.remove(0)
}

/// The files of a folder, by name, hidden ones too.
pub fn files(folder: &std::path::Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Returns when a message has been tried so often: every attempt is two changes, the taking up and the outcome.
pub async fn tried(client: &Client, message: &Value, attempts: u32) {
    let path = format!("/api/v1/notifications/{}", message["id"].as_str().unwrap());
    let version = format!("\"{}\"", 1 + 2 * attempts);
    until(&format!("attempt {attempts}"), 10, async || {
        (client.get(&path).await.header("etag") == version).then_some(())
    })
    .await;
}

/// A client whose token outlives a story of many days.
pub fn lasting(app: &App, role: Role, patient: Option<PatientId>) -> Client {
    let now = app.clock.now();
    let mut claims = Claims::new(Id::new(now), Id::new(now), vec![role], now, TimeDelta::days(90));
    claims.patient_id = patient;
    app.client_with(claims)
}

/// A patient with an account, an address and a telephone, who reads German; and the client of that account.
pub async fn reachable(app: &App) -> (PatientId, Client) {
    let mut facts = facts(&app.clock, Some("ann@example.org"));
    facts.phone = Some("+4930123456".into());
    facts.language = Some("de-AT".into());
    facts.account_id = Some(Id::new(app.clock.now()));
    app.deliver(&PatientCreated(facts.clone())).await;
    (facts.patient_id, lasting(app, Role::Patient, Some(facts.patient_id)))
}

/// Says which messages a patient wants.
pub async fn wants(client: &Client, patient: PatientId, said: Value) {
    client.put(&format!("/api/v1/notification-preferences/{patient}"), &said).await.expect(200);
}

/// What was written to the folder, by the ending of the files.
pub fn outgoing(app: &App, ending: &str) -> Vec<String> {
    let folder = app.folder.path().join("outgoing");
    let names = files(&folder).into_iter().filter(|name| name.ends_with(ending));
    names.map(|name| std::fs::read_to_string(folder.join(name)).unwrap()).collect()
}
