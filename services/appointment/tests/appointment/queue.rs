//! The queue at the counter.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use futures_util::StreamExt;
use futures_util::future::join_all;
use hms_model::event::QueueChanged;
use hms_model::id::{DepartmentId, PatientId};
use hms_model::role::Role;
use hms_testkit::{Answer, Client};
use serde_json::{Value, json};

use crate::common::{self, World, wish, with};

const CHECK_IN: &str = "/api/v1/queue/check-in";
const BY_HAND: &str = "/api/v1/queue/override";

/// A department with desks.
struct Counter {
    world: World,
    department: DepartmentId,
    desks: Vec<String>,
}

impl Counter {
    async fn open(backend: hms_testkit::Backend, desks: usize) -> Self {
        let world = World::start(backend).await;
        let department = world.department().await;
        let mut opened = Vec::new();
        for number in 1..=desks {
            let desk = json!({ "department_id": department, "name": format!("Desk {number}") });
            opened.push(world.made("queue/desks", &desk).await);
        }
        Self { world, department, desks: opened }
    }

    fn desk(&self) -> &Client {
        &self.world.desk
    }

    async fn walk_in(&self, more: Value) -> Answer {
        let body = with(&json!({ "department_id": self.department }), more);
        let answer = self.desk().post(CHECK_IN, &body).await;
        answer.expect(201);
        answer
    }

    async fn next(&self, desk: usize) -> Answer {
        self.desk()
            .request("POST", &format!("/api/v1/queue/desks/{}/next", self.desks[desk]), &[], None)
            .await
    }

    async fn status(&self, ticket: &str, body: Value) -> Answer {
        self.desk().patch(&format!("/api/v1/queue/{ticket}/status"), &body).await
    }

    async fn current(&self, client: &Client) -> Answer {
        client.get(&format!("/api/v1/queue/current?department_id={}", self.department)).await
    }

    /// The numbers of those who wait, in order.
    async fn line(&self) -> Vec<String> {
        numbers(&self.current(self.desk()).await.expect(200)["waiting"])
    }

    /// An appointment of today, at this time.
    async fn appointment(&self, start: &str, end: &str) -> (PatientId, String) {
        let (patient, practitioner) = (self.world.patient().await, self.world.practitioner().await);
        let body =
            with(&wish(patient, practitioner, start, end), json!({ "department_id": self.department }));
        (patient, self.desk().post(common::APPOINTMENTS, &body).await.expect(201).text("id"))
    }
}

fn numbers(turns: &Value) -> Vec<String> {
    turns.as_array().unwrap().iter().map(|turn| turn["number"].as_str().unwrap().to_owned()).collect()
}

/// Reads a stream until it has brought so many tickets: their ids, numbers and what they became.
async fn listen(client: &Client, url: String, last: Option<i64>, count: usize) -> Vec<(i64, String)> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.get(url).bearer_auth(client.token().unwrap());
    if let Some(last) = last {
        request = request.header("Last-Event-ID", last);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut stream = answer.bytes_stream();
    let (mut text, mut told) = (String::new(), Vec::new());
    while told.len() < count {
        text.push_str(
            std::str::from_utf8(&stream.next().await.expect("the stream goes on").unwrap()).unwrap(),
        );
        told = text.split("\n\n").filter_map(event).collect();
    }
    told
}

fn event(block: &str) -> Option<(i64, String)> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    let data = field("data: ")?;
    let data: Value = serde_json::from_str(data).ok()?;
    let keys: Vec<_> = data.as_object().unwrap().keys().map(String::as_str).collect();
    if field("event: ")? == "reset" {
        return Some((field("id: ")?.parse().unwrap(), "reset".into()));
    }
    assert_eq!(keys, ["at", "department_id", "desk", "number", "status"], "no names");
    let number = data["number"].as_str().unwrap();
    Some((field("id: ")?.parse().unwrap(), format!("{number} {}", data["status"].as_str().unwrap())))
}

hms_testkit::on_both_back_ends! {
    async fn from_the_door_to_the_desk(backend) {
        let counter = Counter::open(backend, 1).await;
        let (patient, appointment) = counter.appointment("2026-03-02T08:10:00Z", "2026-03-02T08:30:00Z").await;
        let walk_in = counter.walk_in(json!({})).await;
        assert_eq!((walk_in.text("number").as_str(), walk_in.text("status").as_str()), ("A001", "waiting"));
        counter.world.app.clock.advance(TimeDelta::minutes(1));
        let mine = counter.desk().post(CHECK_IN, &json!({ "appointment_id": appointment })).await;
        assert_eq!(mine.expect(201)["patient_id"], json!(patient));
        assert_eq!(counter.desk().get(&common::path(&appointment)).await["status"], "arrived");
        counter.desk().post(CHECK_IN, &json!({ "appointment_id": appointment })).await.expect_problem(409, "DUPLICATE");
        let urgent = counter.walk_in(json!({ "triage": "urgent" })).await;
        assert_eq!(counter.line().await, ["A003", "A001", "A002"]);
        // One is called, comes, is served.
        let called = counter.next(0).await;
        assert_eq!((called.expect(200)["number"].as_str(), called["desk"].as_str()), (Some("A003"), Some("Desk 1")));
        counter.next(0).await.expect_problem(409, "DUPLICATE");
        let id = urgent.text("id");
        let refused = counter.status(&id, json!({ "status": "served" })).await;
        assert_eq!(refused.expect_problem(409, "ILLEGAL_TRANSITION").body["error"]["details"]["allowed"],
            json!(["in_service", "waiting", "skipped", "left"]));
        counter.status(&id, json!({ "status": "in_service" })).await.expect(200);
        counter.world.app.clock.advance(TimeDelta::minutes(7));
        counter.status(&id, json!({ "status": "served" })).await.expect(200);
        let now = counter.current(counter.desk()).await;
        assert_eq!(now["waiting"][0]["wait_minutes"], 0);
        assert_eq!(now["waiting"][1]["wait_minutes"], 7);
        assert_eq!(now["waiting"][1]["patient_id"], json!(patient));
        // The appointment is fulfilled by whoever treats.
        assert_eq!(counter.desk().get(&common::path(&appointment)).await["status"], "arrived");
        let events = counter.world.app.published_of::<QueueChanged>().await;
        let QueueChanged(last) = events.last().unwrap();
        let [arrived, called, ended] = [last.arrived_at, last.called_at, last.ended_at].map(Option::unwrap);
        assert_eq!((last.changed_at, ended - called), (last.ended_at, TimeDelta::minutes(7)));
        assert!(arrived <= called && events[0].0.called_at.is_none());
        let told: Vec<_> = events.iter().map(|event| format!("{} {}", event.0.number, event.0.status)).collect();
        assert_eq!(told, ["A001 waiting", "A002 waiting", "A003 waiting", "A003 called", "A003 in_service", "A003 served"]);
    }

    async fn by_hand_with_a_reason(backend) {
        let counter = Counter::open(backend, 2).await;
        let mut ids = Vec::new();
        for _ in 0..4 {
            ids.push(counter.walk_in(json!({})).await.text("id"));
            counter.world.app.clock.advance(TimeDelta::minutes(1));
        }
        let by_hand = async |body: Value| counter.desk().post(BY_HAND, &with(&body, json!({ "reason": "in pain" }))).await;
        by_hand(json!({ "ticket_id": ids[3], "action": "move", "position": 2 })).await.expect(200);
        assert_eq!(counter.line().await, ["A001", "A004", "A002", "A003"]);
        by_hand(json!({ "ticket_id": ids[0], "action": "skip" })).await.expect(200);
        by_hand(json!({ "ticket_id": ids[2], "action": "assign", "desk_id": counter.desks[1] })).await.expect(200);
        let now = counter.current(counter.desk()).await;
        assert_eq!(numbers(&now["skipped"]), ["A001"]);
        assert_eq!(numbers(&now["at_desks"]), ["A003"]);
        by_hand(json!({ "ticket_id": ids[0], "action": "assign", "desk_id": counter.desks[1] })).await
            .expect_problem(409, "DUPLICATE");
        by_hand(json!({ "ticket_id": ids[0], "action": "assign", "desk_id": counter.desks[0] })).await.expect(200);
        by_hand(json!({ "ticket_id": ids[2], "action": "move", "position": 1 })).await.expect_problem(409, "ILLEGAL_TRANSITION");
        by_hand(json!({ "ticket_id": ids[1], "action": "move" })).await.expect_problem(422, "UNPROCESSABLE");
        by_hand(json!({ "ticket_id": ids[1], "action": "skip", "position": 1 })).await.expect_problem(422, "UNPROCESSABLE");
        counter.desk().post(BY_HAND, &json!({ "ticket_id": ids[1], "action": "skip" })).await.expect(400);
        let audit = counter.world.app.published().await;
        let reasons = audit.iter().filter(|event| event.data.to_string().contains("in pain")).count();
        assert_eq!(reasons, 4);
    }

    async fn departments_have_letters_and_days_have_numbers(backend) {
        let counter = Counter::open(backend, 0).await;
        let other = counter.world.department().await;
        let give = async |department: DepartmentId| {
            counter.desk().post(CHECK_IN, &json!({ "department_id": department })).await.expect(201).text("number")
        };
        assert_eq!(give(counter.department).await, "A001");
        assert_eq!(give(other).await, "B001");
        assert_eq!(give(counter.department).await, "A002");
        counter.world.app.clock.advance(TimeDelta::hours(16));
        assert_eq!(give(counter.department).await, "A001");
        assert_eq!(counter.line().await, ["A001"]);
        let unknown = json!({ "department_id": counter.world.practitioner().await });
        counter.desk().post(CHECK_IN, &unknown).await.expect_problem(422, "UNKNOWN_REFERENCE");
        counter.desk().post(CHECK_IN, &json!({})).await.expect_problem(422, "UNPROCESSABLE");
    }

    async fn no_ticket_is_called_to_two_desks(backend) {
        let counter = Counter::open(backend, 20).await;
        for _ in 0..15 {
            counter.walk_in(json!({})).await;
        }
        let answers = join_all((0..20).map(|desk| counter.next(desk))).await;
        let mut tally: HashMap<u16, usize> = HashMap::new();
        for answer in &answers {
            *tally.entry(answer.status).or_default() += 1;
        }
        assert_eq!(tally, HashMap::from([(200, 15), (204, 5)]));
        let called: HashSet<_> =
            answers.iter().filter(|answer| answer.status == 200).map(|answer| answer.text("number")).collect();
        assert_eq!(called.len(), 15);
        // Many at one desk: one of them calls.
        counter.walk_in(json!({})).await;
        let free = answers.iter().position(|answer| answer.status == 204).unwrap();
        let answers = join_all((0..10).map(|_| counter.next(free))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    }

    async fn many_who_check_in_at_once_have_numbers_of_their_own(backend) {
        let counter = Counter::open(backend, 0).await;
        let given = join_all((0..60).map(|_| counter.walk_in(json!({})))).await;
        let given: HashSet<_> = given.iter().map(|answer| answer.text("number")).collect();
        let expected: HashSet<_> = (1..=60).map(|number| format!("A{number:03}")).collect();
        assert_eq!(given, expected);
        let (_, appointment) = counter.appointment("2026-03-02T08:10:00Z", "2026-03-02T08:30:00Z").await;
        let body = json!({ "appointment_id": appointment });
        let answers = join_all((0..10).map(|_| counter.desk().post(CHECK_IN, &body))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    }

    async fn a_screen_hears_all_once_and_in_order(backend) {
        let counter = Counter::open(backend, 1).await;
        let screen = counter.world.app.client(&[Role::Staff]);
        let url = format!("{}/api/v1/queue/stream?department_id={}", counter.world.app.base(), counter.department);
        let at = counter.current(&screen).await["position"].as_i64().unwrap();
        let live = tokio::spawn({
            let (screen, url) = (screen.clone(), format!("{url}&after={at}"));
            async move { listen(&screen, url, None, 3).await }
        });
        counter.walk_in(json!({})).await;
        let other = counter.world.department().await;
        counter.desk().post(CHECK_IN, &json!({ "department_id": other })).await.expect(201);
        counter.next(0).await.expect(200);
        counter.walk_in(json!({})).await;
        let heard = live.await.unwrap();
        let words: Vec<_> = heard.iter().map(|(_, what)| what.as_str()).collect();
        assert_eq!(words, ["A001 waiting", "A001 called", "A002 waiting"]);
        // It was away, and misses nothing.
        let last = heard[0].0;
        assert_eq!(listen(&screen, url.clone(), Some(last), 2).await, heard[1..]);
        // A position that was never given: all anew.
        assert_eq!(listen(&screen, url.clone(), Some(last + 1_000), 1).await[0].1, "reset");
        let bad = screen.request("GET", "/api/v1/queue/stream", &[("Last-Event-ID", "x")], None).await;
        bad.expect_problem(400, "INVALID_REQUEST");
    }

    async fn a_screen_sees_no_patients(backend) {
        let counter = Counter::open(backend, 1).await;
        let patient = counter.world.patient().await;
        counter.walk_in(json!({ "patient_id": patient, "triage": "urgent" })).await;
        let seen = counter.current(&counter.world.app.client_of_patient(patient)).await;
        assert_eq!(seen.expect(200)["waiting"][0]["number"], "A001");
        assert!(!seen.body.to_string().contains(&patient.to_string()));
        assert!(seen["waiting"][0]["triage"].is_null());
        counter.world.app.client_of_patient(patient).post(CHECK_IN, &json!({})).await.expect_problem(403, "FORBIDDEN");
    }
}

/// A stream ends when its service stops, and does not keep it from stopping.
#[tokio::test]
async fn a_stream_does_not_keep_the_service_from_stopping() {
    if !hms_testkit::database::wanted(hms_testkit::Backend::Sqlite) {
        return;
    }
    let settings = [("HMS_QUEUE_HEARTBEAT_MS", "100")];
    let app = hms_testkit::TestService::<hms_appointment::Service>::start_with(
        hms_testkit::Backend::Sqlite,
        &settings,
    )
    .await;
    let screen = app.client(&[Role::Staff]);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request =
        http.get(format!("{}/api/v1/queue/stream", app.base())).bearer_auth(screen.token().unwrap());
    let mut stream = request.send().await.unwrap().bytes_stream();
    let mut heard = String::new();
    while !heard.contains(": alive") {
        heard.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    let started = std::time::Instant::now();
    app.stop().await;
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
    while let Some(Ok(_)) = stream.next().await {}
}
