//! Many at once over several processes of the platform on one database: the appointment service keeps its promise, as the
//! database keeps it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod offers;
mod screens;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use futures_util::stream;
use hms_tests::{Answer, Client, Kind, Person, Platform, Replica, on_both_kinds, records};
use serde_json::{Value, json};

const MANY: usize = 1_000;
/// Connections at a time, dealt out over the processes.
const CONNECTIONS: usize = 64;
const APPOINTMENTS: &str = "/api/v1/appointments";

/// One process on SQLite; three on one PostgreSQL and one RabbitMQ.
struct Scene {
    platform: Platform,
    replicas: Vec<Replica>,
    admin: Person,
    patient_id: String,
}

impl Scene {
    async fn new(kind: Kind) -> Self {
        // Replicas share the key under which the keys of tokens are sealed: 32 bytes in base64.
        let mut platform = Platform::prepare(kind).with("HMS_AUTH_KEY", &format!("{}=", "A".repeat(43)));
        platform.launch().await;
        let admin = platform.admin().await;
        let mut replicas = Vec::new();
        while kind == Kind::Production && replicas.len() < 2 {
            replicas.push(platform.replica().await);
        }
        let patient_id = admin.make("/api/v1/patients", &records::patient("Ann", "Andersson")).await;
        Self { platform, replicas, admin, patient_id }
    }

    /// Straight to the service of each process, since a gateway limits how much one person asks for.
    fn clients(&self) -> Vec<Client> {
        let own = self.platform.service("appointment");
        let others = self.replicas.iter().map(|replica| replica.service("appointment"));
        let all = std::iter::once(own).chain(others);
        all.map(|client| client.with_token(self.admin.client.token().unwrap())).collect()
    }

    /// Asks as often as is said, over all processes.
    async fn at_once(&self, count: usize, request: impl AsyncFn(Client, usize) -> Answer) -> Vec<Answer> {
        let clients = self.clients();
        let requests = (0..count).map(|number| request(clients[number % clients.len()].clone(), number));
        stream::iter(requests).buffer_unordered(CONNECTIONS).collect().await
    }

    /// A practitioner whom the service knows, and the body of a booking with them.
    async fn booking(&self) -> Value {
        let id = self.admin.make("/api/v1/practitioners", &records::practitioner("Mia", "Chen")).await;
        let first = self.admin.book(&records::booking(&self.patient_id, &id, records::moment(3, 0))).await;
        self.admin.client.delete(&format!("{APPOINTMENTS}/{}", first.text("id"))).await.expect(204);
        records::booking(&self.patient_id, &id, records::moment(7, 600))
    }

    /// The times that are booked with the practitioner of a booking, in order.
    async fn booked(&self, body: &Value) -> Vec<(String, String)> {
        let practitioner_id = body["practitioner_id"].as_str().unwrap();
        let path = format!(
            "{APPOINTMENTS}?practitioner_id={practitioner_id}&status=booked&ordering=start&page_size=100"
        );
        let list = self.admin.client.get(&path).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        list.expect(200).results().iter().map(|one| (text(&one["start"]), text(&one["end"]))).collect()
    }
}

fn tally(answers: &[Answer]) -> HashMap<String, usize> {
    let mut tally = HashMap::new();
    for answer in answers {
        *tally.entry(format!("{} {}", answer.status, answer.code())).or_default() += 1;
    }
    tally
}

fn made_and_refused(made: usize, refused: usize, code: &str) -> HashMap<String, usize> {
    HashMap::from([("201 ".to_owned(), made), (code.to_owned(), refused)])
}

fn with(body: &Value, more: Value) -> Value {
    let mut body = body.clone();
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// Half an hour from then on.
fn times(start: DateTime<Utc>) -> Value {
    json!({"start": records::rfc3339(start), "end": records::rfc3339(start + TimeDelta::minutes(30))})
}

on_both_kinds! {
    /// One after the other on one platform: its processes take longer to start than most of this.
    async fn many_at_once_get_what_there_is_and_no_more(kind) {
        let scene = Scene::new(kind).await;
        of_a_thousand_at_one_slot_one_gets_it(&scene).await;
        of_a_thousand_who_hold_and_then_book_one_does(&scene).await;
        a_group_of_ten_has_exactly_ten(&scene).await;
        of_many_series_at_the_same_times_one_is_booked(&scene).await;
        of_many_who_move_into_each_other_none_overlap(&scene).await;
        offers::times_called_off_go_to_one_person_each_and_are_booked_once(&scene).await;
        screens::a_screen_at_one_process_hears_all_that_is_done_at_the_others(&scene).await;
    }
}

async fn of_a_thousand_at_one_slot_one_gets_it(scene: &Scene) {
    let body = scene.booking().await;
    let book = async |client: Client, _| client.post(APPOINTMENTS, &body).await;
    let answers = scene.at_once(MANY, book).await;
    assert_eq!(tally(&answers), made_and_refused(1, MANY - 1, "409 SLOT_TAKEN"));
    assert_eq!(scene.booked(&body).await.len(), 1);
}

async fn of_a_thousand_who_hold_and_then_book_one_does(scene: &Scene) {
    let body = scene.booking().await;
    let (practitioner_id, start, end) = (&body["practitioner_id"], &body["start"], &body["end"]);
    let hold = json!({"practitioner_id": practitioner_id, "start": start, "end": end});
    let hold_then_book = async |client: Client, _| {
        let held = client.post("/api/v1/slots/hold", &hold).await;
        if held.status != 201 {
            return held;
        }
        client.post(APPOINTMENTS, &with(&body, json!({"hold_id": held["id"]}))).await
    };
    let answers = scene.at_once(MANY, hold_then_book).await;
    assert_eq!(tally(&answers), made_and_refused(1, MANY - 1, "409 SLOT_TAKEN"));
    assert_eq!(scene.booked(&body).await.len(), 1);
}

async fn a_group_of_ten_has_exactly_ten(scene: &Scene) {
    let class = json!({"name": "Prenatal class", "duration_minutes": 30, "capacity": 10});
    let class = scene.admin.make("/api/v1/appointment-types", &class).await;
    let body = with(&scene.booking().await, json!({"appointment_type_id": class}));
    let book = async |client: Client, _| client.post(APPOINTMENTS, &body).await;
    let answers = scene.at_once(MANY, book).await;
    assert_eq!(tally(&answers), made_and_refused(10, MANY - 10, "409 SLOT_TAKEN"));
    assert_eq!(scene.booked(&body).await.len(), 10);
}

async fn of_many_series_at_the_same_times_one_is_booked(scene: &Scene) {
    let single = scene.booking().await;
    let mut body = with(&single, json!({"rule": "FREQ=WEEKLY;COUNT=4", "zone": "UTC"}));
    body.as_object_mut().unwrap().remove("identifiers");
    let book = async |client: Client, number: usize| {
        // They begin in different weeks, and meet.
        let weeks = u64::try_from(number % 3).unwrap();
        let body = with(&body, times(records::moment(7 + 7 * weeks, 600)));
        client.post("/api/v1/appointments/series", &body).await
    };
    let answers = scene.at_once(MANY, book).await;
    assert_eq!(tally(&answers), made_and_refused(1, MANY - 1, "409 SERIES_CLASH"));
    assert_eq!(scene.booked(&single).await.len(), 4);
}

async fn of_many_who_move_into_each_other_none_overlap(scene: &Scene) {
    let body = scene.booking().await;
    let mut paths = Vec::new();
    for number in 0..30 {
        let start = records::moment(8, number * 30);
        let id = scene.admin.make(APPOINTMENTS, &with(&body, times(start))).await;
        paths.push(format!("{APPOINTMENTS}/{id}"));
    }
    // Into the one free slot, and across two of the others'.
    let shift = async |client: Client, number: usize| {
        let across = i64::try_from(15 + 30 * (number % 28)).unwrap();
        let start =
            if number.is_multiple_of(2) { records::moment(7, 600) } else { records::moment(8, across) };
        client.patch(&paths[number % paths.len()], &times(start)).await
    };
    let answers = scene.at_once(MANY, shift).await;
    let refused = || answers.iter().filter(|answer| answer.status != 200);
    assert!(refused().all(|answer| answer.code() == "SLOT_TAKEN"), "{:?}", tally(&answers));
    assert!(refused().count() > MANY / 2, "{:?}", tally(&answers));
    let slots = scene.booked(&body).await;
    assert_eq!(slots.len(), paths.len());
    assert!(slots.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{slots:?}");
    assert_eq!(slots[0].0, records::rfc3339(records::moment(7, 600)), "nobody got the free one");
}
