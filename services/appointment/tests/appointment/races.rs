//! Many at once: no double booking, no lost change.

use std::collections::HashMap;

use futures_util::future::{join, join_all};
use hms_model::event::{AppointmentScheduled, Envelope};
use hms_testkit::Answer;
use serde_json::json;

use crate::common::{APPOINTMENTS, World, at, path, wish, with};

/// How many of the answers have this status and code.
fn tally(answers: &[Answer]) -> HashMap<(u16, &str), usize> {
    let mut tally = HashMap::new();
    for answer in answers {
        *tally.entry((answer.status, answer.code())).or_default() += 1;
    }
    tally
}

fn versions(events: &[Envelope], id: &str) -> Vec<i64> {
    let own = events.iter().filter(|event| event.subject == id && event.kind.starts_with("appointment."));
    own.map(|event| event.aggregateversion).collect()
}

hms_testkit::on_both_back_ends! {
    async fn of_200_at_one_slot_one_gets_it(backend) {
        let world = World::start(backend).await;
        let body = world.wish(&at(600), &at(630)).await;
        let answers = join_all((0..200).map(|_| world.desk.post(APPOINTMENTS, &body))).await;
        assert_eq!(tally(&answers), HashMap::from([((201, ""), 1), ((409, "SLOT_TAKEN"), 199)]));
        assert_eq!(world.app.published_of::<AppointmentScheduled>().await.len(), 1);
        assert_eq!(world.desk.get(APPOINTMENTS).await["count"], 1);
    }

    async fn of_200_at_slots_that_overlap_those_accepted_do_not(backend) {
        let world = World::start(backend).await;
        let (patient, practitioner) = (world.patient().await, world.practitioner().await);
        let starts: Vec<i64> = (0..200).map(|number| (number * 37) % 300).collect();
        let asked = starts.iter().map(|start| wish(patient, practitioner, &at(*start), &at(start + 30)));
        let answers = join_all(asked.map(|body| {
            let desk = world.desk.clone();
            async move { desk.post(APPOINTMENTS, &body).await }
        }))
        .await;
        let taken: Vec<i64> = starts
            .iter()
            .zip(&answers)
            .filter(|(_, answer)| answer.status == 201)
            .map(|(start, _)| *start)
            .collect();
        let overlaps = |one: i64, other: i64| (one - other).abs() < 30;
        for (index, one) in taken.iter().enumerate() {
            assert!(taken[index + 1..].iter().all(|other| !overlaps(*one, *other)), "{taken:?}");
        }
        for (start, answer) in starts.iter().zip(&answers).filter(|(_, answer)| answer.status != 201) {
            answer.expect_problem(409, "SLOT_TAKEN");
            assert!(taken.iter().any(|other| overlaps(*start, *other)), "{start} was free: {taken:?}");
        }
    }

    async fn two_cannot_move_into_each_others_slot(backend) {
        let world = World::start(backend).await;
        let (patient, practitioner) = (world.patient().await, world.practitioner().await);
        let book = async |start: i64| {
            let body = wish(patient, practitioner, &at(start), &at(start + 30));
            path(&world.desk.post(APPOINTMENTS, &body).await.expect(201).text("id"))
        };
        let (one, other) = (book(600).await, book(660).await);
        let move_to = |route: &str, start: i64| {
            let (desk, route) = (world.desk.clone(), route.to_owned());
            async move { desk.patch(&route, &json!({ "start": at(start), "end": at(start + 30) })).await }
        };
        for _ in 0..10 {
            let (first, second) = join(move_to(&one, 660), move_to(&other, 600)).await;
            first.expect_problem(409, "SLOT_TAKEN");
            second.expect_problem(409, "SLOT_TAKEN");
        }
        for round in 1..=10 {
            let (first, second) =
                join(move_to(&one, 700 + round * 30), move_to(&other, 700 + round * 30)).await;
            let mut answers = [first.status, second.status];
            answers.sort_unstable();
            assert_eq!(answers, [200, 409], "{} {}", first.body, second.body);
        }
    }

    async fn a_cancel_and_a_move_do_not_lose_each_other(backend) {
        let world = World::start(backend).await;
        for round in 0..10 {
            let made = world.booked(&at(600), &at(630)).await;
            let (route, reason) = (path(&made.text("id")), json!({ "reason": "Ill" }));
            let (cancel, change) = (format!("{route}/cancel"), json!({ "start": at(700), "end": at(730) }));
            let (cancelled, moved) = if round % 2 == 0 {
                join(world.desk.post(&cancel, &reason), world.desk.patch(&route, &change)).await
            } else {
                let (moved, cancelled) =
                    join(world.desk.patch(&route, &change), world.desk.post(&cancel, &reason)).await;
                (cancelled, moved)
            };
            cancelled.expect(200);
            let now = world.desk.get(&route).await;
            assert_eq!(now["status"], "cancelled");
            if moved.is_success() {
                assert_eq!((&now["version"], &now["start"]), (&json!(3), &moved["start"]));
            } else {
                moved.expect_problem(409, "ILLEGAL_TRANSITION");
                assert_eq!((&now["version"], &now["start"]), (&json!(2), &made["start"]));
            }
            let told = versions(&world.app.published().await, &made.text("id"));
            assert_eq!(told, (1..=now["version"].as_i64().unwrap()).collect::<Vec<_>>());
        }
    }

    async fn of_two_changes_of_one_version_one_is_made(backend) {
        let world = World::start(backend).await;
        let route = path(&world.booked(&at(600), &at(630)).await.text("id"));
        let tag = [("If-Match", "\"1\"")];
        let changes = ["a", "b", "c", "d"].map(|reason| json!({ "reason": reason }));
        let answers =
            join_all(changes.iter().map(|change| world.desk.json("PATCH", &route, change, &tag))).await;
        assert_eq!(tally(&answers), HashMap::from([((200, ""), 1), ((412, "PRECONDITION_FAILED"), 3)]));
    }

    async fn a_request_sent_many_times_books_once(backend) {
        let world = World::start(backend).await;
        let body = world.wish(&at(600), &at(630)).await;
        let key = [("Idempotency-Key", "k-1")];
        let answers = join_all((0..20).map(|_| world.desk.post_with(APPOINTMENTS, &body, &key))).await;
        let made: Vec<_> =
            answers.iter().filter(|answer| answer.status == 201).map(|answer| answer.text("id")).collect();
        assert!(!made.is_empty() && made.iter().all(|id| *id == made[0]), "{made:?}");
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            answer.expect_problem(409, "IDEMPOTENCY_IN_FLIGHT");
        }
        assert_eq!(world.app.published_of::<AppointmentScheduled>().await.len(), 1);
    }

    async fn of_many_with_one_identifier_one_is_made(backend) {
        let world = World::start(backend).await;
        let named = json!({ "identifiers": [{ "system": "urn:test", "value": "a-1" }] });
        let mut bodies = Vec::new();
        for _ in 0..20 {
            bodies.push(with(&world.wish(&at(600), &at(630)).await, named.clone()));
        }
        let answers = join_all(bodies.iter().map(|body| world.desk.post(APPOINTMENTS, body))).await;
        assert_eq!(tally(&answers), HashMap::from([((201, ""), 1), ((409, "DUPLICATE"), 19)]));
    }

    async fn of_many_who_hold_and_book_one_slot_one_gets_it(backend) {
        let world = World::start(backend).await;
        for round in 0..5 {
            let body = world.wish(&at(600), &at(630)).await;
            let hold = json!({ "practitioner_id": body["practitioner_id"], "start": at(615), "end": at(645) });
            // An expired hold of half an hour ago stands in the way of all of them, and must not be.
            if round % 2 == 1 {
                world.desk.post("/api/v1/slots/hold", &with(&hold, json!({ "minutes": 1 }))).await.expect(201);
                world.app.clock.advance(chrono::TimeDelta::minutes(1));
            }
            let answers = join_all((0..60).map(|number| {
                let (desk, body, hold) = (world.desk.clone(), body.clone(), hold.clone());
                async move {
                    if number % 2 == 0 {
                        return desk.post(APPOINTMENTS, &body).await;
                    }
                    let held = desk.post("/api/v1/slots/hold", &hold).await;
                    if held.status != 201 {
                        return held;
                    }
                    let times = json!({ "start": at(615), "end": at(645), "hold_id": held["id"] });
                    desk.post(APPOINTMENTS, &with(&body, times)).await
                }
            }))
            .await;
            assert_eq!(tally(&answers), HashMap::from([((201, ""), 1), ((409, "SLOT_TAKEN"), 59)]), "{round}");
        }
    }

    async fn of_many_who_redeem_one_hold_one_books(backend) {
        let world = World::start(backend).await;
        let body = world.wish(&at(600), &at(630)).await;
        let hold = json!({ "practitioner_id": body["practitioner_id"], "start": at(600), "end": at(630) });
        let held = world.desk.post("/api/v1/slots/hold", &hold).await;
        let body = with(&body, json!({ "hold_id": held.expect(201)["id"] }));
        let answers = join_all((0..40).map(|_| world.desk.post(APPOINTMENTS, &body))).await;
        assert_eq!(tally(&answers), HashMap::from([((201, ""), 1), ((409, "HOLD_EXPIRED"), 39)]));
    }

    async fn a_group_of_seven_has_exactly_seven(backend) {
        let world = World::start(backend).await;
        let (practitioner, _) = world.scheduled(json!({ "capacity": 7 })).await;
        let patient = world.patient().await;
        let body = wish(patient, practitioner, "2026-03-04T08:00:00Z", "2026-03-04T08:30:00Z");
        let answers = join_all((0..100).map(|_| world.desk.post(APPOINTMENTS, &body))).await;
        assert_eq!(tally(&answers), HashMap::from([((201, ""), 7), ((409, "SLOT_TAKEN"), 93)]));
    }

    async fn two_rooms_take_two_appointments(backend) {
        let world = World::start(backend).await;
        let department = world.department().await;
        let kind = json!({ "name": "X-ray", "duration_minutes": 30, "needs": [{ "kind": "room", "category": "x-ray" }] });
        let kind = world.made("appointment-types", &kind).await;
        for name in ["X1", "X2"] {
            let room = json!({ "department_id": department, "kind": "room", "category": "x-ray", "name": name });
            world.made("resources", &room).await;
        }
        let more = json!({ "appointment_type_id": kind, "department_id": department });
        let mut bodies = Vec::new();
        for _ in 0..30 {
            bodies.push(with(&world.wish(&at(600), &at(630)).await, more.clone()));
        }
        let answers = join_all(bodies.iter().map(|body| world.desk.post(APPOINTMENTS, body))).await;
        assert_eq!(tally(&answers), HashMap::from([((201, ""), 2), ((409, "SLOT_TAKEN"), 28)]));
    }

    async fn of_many_series_at_the_same_times_one_is_booked(backend) {
        let world = World::start(backend).await;
        let more = json!({ "rule": "FREQ=DAILY;COUNT=5", "zone": "Europe/Berlin" });
        let body = with(&world.wish(&at(600), &at(630)).await, more);
        let answers = join_all((0..30).map(|number| {
            // They begin on different days, and meet.
            let day = 24 * 60 * (number % 3);
            let times = json!({ "start": at(600 + day), "end": at(630 + day) });
            let (desk, body) = (world.desk.clone(), with(&body, times));
            async move { desk.post("/api/v1/appointments/series", &body).await }
        }))
        .await;
        assert_eq!(tally(&answers), HashMap::from([((201, ""), 1), ((409, "SERIES_CLASH"), 29)]));
        assert_eq!(world.app.published_of::<AppointmentScheduled>().await.len(), 5);
    }
}
