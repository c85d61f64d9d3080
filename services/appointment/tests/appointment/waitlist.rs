//! The waitlist: what becomes free is offered, once, to whoever is next.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::join_all;
use hms_model::event::WaitlistOffered;
use hms_model::id::PractitionerId;
use hms_testkit::{Answer, Client, until};
use serde_json::{Value, json};

use crate::common::{APPOINTMENTS, World, at, path, wish, with};

const WAITLIST: &str = "/api/v1/waitlist";

impl World {
    /// Somebody waits for a time of this practitioner; their own client and the id of their place.
    async fn waits(&self, practitioner: PractitionerId, more: Value) -> (Client, String) {
        let (patient, client) = self.someone().await;
        let body = json!({ "patient_id": patient, "practitioner_id": practitioner, "start": at(0), "end": at(1440) });
        let id = self.desk.post(WAITLIST, &with(&body, more)).await.expect(201).text("id");
        (client, id)
    }

    async fn booked_with(&self, practitioner: PractitionerId, start: i64) -> String {
        let body = wish(self.patient().await, practitioner, &at(start), &at(start + 30));
        self.desk.post(APPOINTMENTS, &body).await.expect(201).text("id")
    }

    async fn cancels(&self, appointment: &str) {
        self.desk
            .post(&format!("{}/cancel", path(appointment)), &json!({ "reason": "Ill" }))
            .await
            .expect(200);
    }
}

async fn place(client: &Client, id: &str) -> Answer {
    client.get(&format!("{WAITLIST}/{id}")).await
}

async fn offered(client: &Client, id: &str) -> Answer {
    until("an offer", 5, async || {
        Some(place(client, id).await).filter(|place| place.expect(200)["status"] == "offered")
    })
    .await
}

async fn step(client: &Client, id: &str, step: &str) -> Answer {
    client.request("POST", &format!("{WAITLIST}/{id}/{step}"), &[], None).await
}

hms_testkit::on_both_back_ends! {
    async fn what_is_called_off_goes_to_the_next_in_line(backend) {
        let world = World::start(backend).await;
        let practitioner = world.practitioner().await;
        let appointment = world.booked_with(practitioner, 600).await;
        let (low, low_id) = world.waits(practitioner, json!({ "priority": "low" })).await;
        let (first, first_id) = world.waits(practitioner, json!({})).await;
        world.app.clock.advance(TimeDelta::minutes(1));
        let (second, second_id) = world.waits(practitioner, json!({})).await;
        let (_, else_id) = world.waits(world.practitioner().await, json!({ "priority": "urgent" })).await;
        let started = Instant::now();
        world.cancels(&appointment).await;
        let offer = offered(&first, &first_id).await;
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        let start: chrono::DateTime<chrono::Utc> = offer["offer"]["start"].as_str().unwrap().parse().unwrap();
        assert_eq!(start, at(600).parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        // It is kept for them: nobody else can book it, and nobody else may answer.
        let other = wish(world.patient().await, practitioner, &at(600), &at(630));
        world.desk.post(APPOINTMENTS, &other).await.expect_problem(409, "SLOT_TAKEN");
        step(&second, &first_id, "accept").await.expect_problem(404, "NOT_FOUND");
        step(&second, &second_id, "accept").await.expect_problem(409, "HOLD_EXPIRED");
        // Declined, it goes on; expired too; withdrawn too.
        step(&first, &first_id, "decline").await.expect(200);
        offered(&second, &second_id).await;
        world.app.clock.advance(TimeDelta::minutes(30));
        offered(&low, &low_id).await;
        step(&second, &second_id, "accept").await.expect_problem(409, "HOLD_EXPIRED");
        assert_eq!(place(&first, &first_id).await["status"], "waiting");
        let made = step(&low, &low_id, "accept").await;
        assert_eq!(made.expect(201)["status"], "booked");
        let mine = place(&low, &low_id).await;
        assert_eq!((mine["status"].as_str(), &mine["appointment_id"]), (Some("booked"), &made["id"]));
        step(&low, &low_id, "accept").await.expect_problem(409, "ILLEGAL_TRANSITION");
        assert_eq!(place(&world.desk, &else_id).await["status"], "waiting");
        let told = world.app.published_of::<WaitlistOffered>().await;
        let told: Vec<_> = told.iter().map(|event| event.0.entry_id.to_string()).collect();
        assert_eq!(told, [first_id, second_id, low_id]);
    }

    async fn moved_away_released_expired_and_hidden_times_are_offered(backend) {
        let world = World::start(backend).await;
        let practitioner = world.practitioner().await;
        let moved = world.booked_with(practitioner, 600).await;
        let (one, one_id) = world.waits(practitioner, json!({})).await;
        world.desk.patch(&path(&moved), &json!({ "start": at(700), "end": at(730) })).await.expect(200);
        offered(&one, &one_id).await;
        step(&one, &one_id, "accept").await.expect(201);
        let (two, two_id) = world.waits(practitioner, json!({})).await;
        world.desk.delete(&path(&moved)).await.expect(204);
        offered(&two, &two_id).await;
        // Withdrawn, it goes on.
        let (three, three_id) = world.waits(practitioner, json!({})).await;
        two.delete(&format!("{WAITLIST}/{two_id}")).await.expect(204);
        offered(&three, &three_id).await;
        step(&three, &three_id, "accept").await.expect(201);
        // A hold that nobody redeems.
        let hold = json!({ "practitioner_id": practitioner, "start": at(800), "end": at(830), "minutes": 1 });
        world.desk.post("/api/v1/slots/hold", &hold).await.expect(201);
        let (four, four_id) = world.waits(practitioner, json!({ "minutes": 20 })).await;
        world.app.clock.advance(TimeDelta::minutes(1));
        let offer = offered(&four, &four_id).await;
        let end: chrono::DateTime<chrono::Utc> = offer["offer"]["end"].as_str().unwrap().parse().unwrap();
        assert_eq!(end, at(820).parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        step(&four, &four_id, "accept").await.expect(201);
        // A hold that is let go.
        let hold = json!({ "practitioner_id": practitioner, "start": at(900), "end": at(930) });
        let hold = world.desk.post("/api/v1/slots/hold", &hold).await.expect(201).text("id");
        let (five, five_id) = world.waits(practitioner, json!({})).await;
        world.desk.delete(&format!("/api/v1/slots/hold/{hold}")).await.expect(204);
        offered(&five, &five_id).await;
        step(&five, &five_id, "accept").await.expect(201);
    }

    async fn what_is_free_in_part_goes_to_whoever_needs_no_more(backend) {
        let world = World::start(backend).await;
        let practitioner = world.practitioner().await;
        let moved = world.booked_with(practitioner, 600).await;
        let (whole, whole_id) = world.waits(practitioner, json!({ "priority": "urgent" })).await;
        let (_, most_id) = world.waits(practitioner, json!({ "minutes": 20 })).await;
        let (less, less_id) = world.waits(practitioner, json!({ "minutes": 10, "priority": "low" })).await;
        // A quarter of an hour later, it leaves the first one free.
        world.desk.patch(&path(&moved), &json!({ "start": at(615), "end": at(645) })).await.expect(200);
        let offer = offered(&less, &less_id).await;
        let end: chrono::DateTime<chrono::Utc> = offer["offer"]["end"].as_str().unwrap().parse().unwrap();
        assert_eq!(end, at(610).parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        assert_eq!(place(&whole, &whole_id).await["status"], "waiting");
        assert_eq!(place(&world.desk, &most_id).await["status"], "waiting");
    }

    async fn of_many_who_accept_one_offer_one_books(backend) {
        let world = World::start(backend).await;
        let practitioner = world.practitioner().await;
        let appointment = world.booked_with(practitioner, 600).await;
        let (client, id) = world.waits(practitioner, json!({})).await;
        world.cancels(&appointment).await;
        offered(&client, &id).await;
        let answers = join_all((0..20).map(|number| {
            let client = client.clone();
            let id = id.clone();
            async move { step(&client, &id, if number % 5 == 4 { "decline" } else { "accept" }).await }
        }))
        .await;
        let won = answers.iter().filter(|answer| answer.is_success()).count();
        assert!(answers.iter().all(|answer| answer.is_success() || answer.status == 409), "{answers:?}");
        assert_eq!(won, 1, "{answers:?}");
    }

    async fn times_called_off_at_once_go_to_one_person_each(backend) {
        let world = World::start(backend).await;
        let practitioner = world.practitioner().await;
        let mut appointments = Vec::new();
        for number in 0..8 {
            appointments.push(world.booked_with(practitioner, 600 + number * 30).await);
        }
        let mut waiting = Vec::new();
        for _ in 0..12 {
            waiting.push(world.waits(practitioner, json!({})).await.1);
        }
        join_all(appointments.iter().map(|appointment| world.cancels(appointment))).await;
        let all = until("eight offers", 8, async || {
            let page = world.desk.get(&format!("{WAITLIST}?status=offered&page_size=50")).await;
            Some(page).filter(|page| page.expect(200)["count"] == 8)
        })
        .await;
        let starts: HashSet<_> = all.results().iter().map(|entry| entry["offer"]["start"].to_string()).collect();
        assert_eq!(starts.len(), 8, "each time went to one person");
        let first: HashSet<_> = waiting.iter().take(8).cloned().collect();
        let offered: HashSet<_> =
            all.results().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(offered, first, "those who wait longest");
        let told = world.app.published_of::<WaitlistOffered>().await;
        assert_eq!(told.len(), 8);
    }

    async fn whoever_waits_must_be_there_and_ask_for_what_can_be(backend) {
        let world = World::start(backend).await;
        let practitioner = world.practitioner().await;
        let (patient, own) = world.someone().await;
        let body = json!({ "patient_id": patient, "practitioner_id": practitioner, "start": at(0), "end": at(60) });
        let cases = [
            (json!({ "end": at(0) }), 422, "UNPROCESSABLE"),
            (json!({ "end": "2030-01-01T00:00:00Z" }), 422, "UNPROCESSABLE"),
            (json!({ "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z" }), 422, "UNPROCESSABLE"),
            (json!({ "minutes": 0 }), 422, "UNPROCESSABLE"),
            (json!({ "practitioner_id": patient }), 422, "UNKNOWN_REFERENCE"),
            (json!({ "department_id": patient }), 422, "UNKNOWN_REFERENCE"),
            (json!({ "appointment_type_id": patient }), 422, "UNKNOWN_REFERENCE"),
            (json!({ "patient_id": practitioner }), 403, "FORBIDDEN"),
            (json!({ "priority": "urgent" }), 422, "UNPROCESSABLE"),
            (json!({ "priority": "very" }), 400, "INVALID_REQUEST"),
        ];
        for (more, status, code) in cases {
            own.post(WAITLIST, &with(&body, more)).await.expect_problem(status, code);
        }
        assert_eq!(world.desk.get(WAITLIST).await.expect(200)["count"], 0);
        own.post(WAITLIST, &body).await.expect(201);
        let (_, other) = world.someone().await;
        assert_eq!(other.get(WAITLIST).await.expect(200)["count"], 0);
        assert_eq!(own.get(WAITLIST).await.expect(200)["count"], 1);
    }
}
