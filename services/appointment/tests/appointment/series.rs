//! Series of appointments: looked at, booked, moved and called off as one.

use hms_model::event::{AppointmentCancelled, AppointmentRescheduled, AppointmentScheduled};
use hms_testkit::Answer;
use serde_json::{Value, json};

use crate::common::{APPOINTMENTS, World, at, path, wish, with};

const SERIES: &str = "/api/v1/appointments/series";

/// Four Wednesdays, 10:00 to 10:30.
async fn weekly(world: &World) -> Value {
    let body = world.wish(&at(600), &at(630)).await;
    with(&body, json!({ "rule": "FREQ=WEEKLY;COUNT=4", "zone": "Europe/Berlin" }))
}

fn clashes(answer: &Answer) -> Vec<Value> {
    answer["occurrences"].as_array().unwrap().iter().map(|occurrence| occurrence["clash"].clone()).collect()
}

/// The starts of what is booked, as days and hours of UTC.
async fn booked(world: &World, practitioner: &Value) -> Vec<String> {
    let practitioner = practitioner.as_str().unwrap();
    let query =
        format!("{APPOINTMENTS}?practitioner_id={practitioner}&status=booked&ordering=start&page_size=100");
    let list = world.desk.get(&query).await;
    let starts =
        list.expect(200).results().iter().map(|found| found["start"].as_str().unwrap()[5..16].to_owned());
    starts.collect()
}

hms_testkit::on_both_back_ends! {
    async fn clashes_are_told_before_anything_is_written(backend) {
        let world = World::start(backend).await;
        let body = weekly(&world).await;
        let third = with(&body, json!({ "start": "2026-03-18T10:15:00Z", "end": "2026-03-18T10:45:00Z" }));
        let third = wish(
            third["patient_id"].as_str().unwrap().parse().unwrap(),
            third["practitioner_id"].as_str().unwrap().parse().unwrap(),
            "2026-03-18T10:15:00Z",
            "2026-03-18T10:45:00Z",
        );
        world.desk.post(APPOINTMENTS, &third).await.expect(201);
        let look = world.desk.post(SERIES, &with(&body, json!({ "dry_run": true }))).await;
        let taken = json!("SLOT_TAKEN");
        assert_eq!(clashes(look.expect(200)), [Value::Null, Value::Null, taken.clone(), Value::Null]);
        assert_eq!(look["series_id"], Value::Null);
        let refused = world.desk.post(SERIES, &body).await;
        let details = &refused.expect_problem(409, "SERIES_CLASH")["error"]["details"]["clashes"];
        assert_eq!(
            *details,
            json!([{ "start": "2026-03-18T10:00:00Z", "end": "2026-03-18T10:30:00Z", "clash": "SLOT_TAKEN" }])
        );
        assert_eq!(world.app.published_of::<AppointmentScheduled>().await.len(), 1);

        let made = world.desk.post(SERIES, &with(&body, json!({ "on_clash": "skip" }))).await;
        assert_eq!(clashes(made.expect(201)), [Value::Null, Value::Null, taken, Value::Null]);
        let facts = world.app.published_of::<AppointmentScheduled>().await;
        let own: Vec<_> = facts.iter().filter(|event| event.0.series_id.is_some()).collect();
        assert_eq!(own.len(), 3);
        assert_eq!(own[0].0.zone.as_deref(), Some("Europe/Berlin"));
        // The clocks change on 29 March: 11:00 on the wall stays 11:00.
        let starts = booked(&world, &body["practitioner_id"]).await;
        assert_eq!(starts, ["03-04T10:00", "03-11T10:00", "03-18T10:15", "03-25T10:00"]);
        let all = world.desk.post(SERIES, &with(&body, json!({ "on_clash": "skip" }))).await;
        all.expect_problem(409, "SERIES_CLASH");
    }

    async fn this_and_the_following_move_and_end(backend) {
        let world = World::start(backend).await;
        let body = with(&weekly(&world).await, json!({ "rule": "FREQ=WEEKLY;COUNT=5" }));
        let made = world.desk.post(SERIES, &body).await;
        let ids: Vec<_> = made.expect(201)["occurrences"].as_array().unwrap().iter().map(|one| path(one["appointment_id"].as_str().unwrap())).collect();
        let practitioner = &body["practitioner_id"];
        let start = ["03-04T10:00", "03-11T10:00", "03-18T10:00", "03-25T10:00", "04-01T09:00"];
        assert_eq!(booked(&world, practitioner).await, start);

        // A week later each: the time of each is that of the next one.
        let later = json!({ "start": "2026-03-18T10:00:00Z", "end": "2026-03-18T10:30:00Z", "following": true });
        world.desk.patch(&ids[1], &later).await.expect(200);
        let moved = ["03-04T10:00", "03-18T10:00", "03-25T10:00", "04-01T09:00", "04-08T09:00"];
        assert_eq!(booked(&world, practitioner).await, moved);
        let back = json!({ "start": "2026-03-11T11:00:00Z", "end": "2026-03-11T11:45:00Z", "following": true });
        world.desk.patch(&ids[1], &back).await.expect(200);
        let back = ["03-04T10:00", "03-11T11:00", "03-18T11:00", "03-25T11:00", "04-01T10:00"];
        assert_eq!(booked(&world, practitioner).await, back);
        assert_eq!(world.app.published_of::<AppointmentRescheduled>().await.len(), 8);

        let block = with(&world.wish("2026-03-25T12:00:00Z", "2026-03-25T12:30:00Z").await, json!({ "practitioner_id": practitioner }));
        world.desk.post(APPOINTMENTS, &block).await.expect(201);
        let onto = json!({ "start": "2026-03-11T12:00:00Z", "end": "2026-03-11T12:30:00Z", "following": true });
        let refused = world.desk.patch(&ids[1], &onto).await;
        assert_eq!(refused.expect_problem(409, "SERIES_CLASH")["error"]["details"]["clashes"].as_array().unwrap().len(), 1);

        let end = json!({ "reason": "Well again", "following": true });
        world.desk.post(&format!("{}/cancel", ids[2]), &end).await.expect(200);
        assert_eq!(booked(&world, practitioner).await, ["03-04T10:00", "03-11T11:00", "03-25T12:00"]);
        assert_eq!(world.app.published_of::<AppointmentCancelled>().await.len(), 3);
        world.desk.post(&format!("{}/cancel", ids[0]), &json!({ "reason": "Ill" })).await.expect(200);
        assert_eq!(booked(&world, practitioner).await, ["03-11T11:00", "03-25T12:00"]);
        let single = path(&world.booked(&at(900), &at(930)).await.text("id"));
        let answer = world.desk.post(&format!("{single}/cancel"), &end).await;
        assert_eq!(answer.expect_problem(422, "UNPROCESSABLE")["error"]["details"]["field"], "following");
        world.desk.patch(&single, &json!({ "reason": "x", "following": true })).await.expect_problem(422, "UNPROCESSABLE");
    }

    async fn a_series_that_cannot_be_is_refused(backend) {
        let world = World::start(backend).await;
        let body = weekly(&world).await;
        let cases = [
            (json!({ "rule": "FREQ=WEEKLY" }), 422, "UNPROCESSABLE", "rule"),
            (json!({ "rule": "FREQ=DAILY;UNTIL=20360304" }), 422, "UNPROCESSABLE", "rule"),
            (json!({ "rule": "FREQ=DAILY;COUNT=1000" }), 422, "UNPROCESSABLE", "rule"),
            (json!({ "rule": "FREQ=SECONDLY;COUNT=10" }), 422, "UNPROCESSABLE", "rule"),
            (json!({ "rule": "every Monday" }), 422, "UNPROCESSABLE", "rule"),
            (json!({ "rule": "" }), 400, "INVALID_REQUEST", "rule"),
            (json!({ "zone": "Europe/Atlantis" }), 400, "INVALID_REQUEST", "zone"),
            (json!({ "on_clash": "hope" }), 400, "INVALID_REQUEST", "on_clash"),
            (json!({ "end": at(600) }), 422, "UNPROCESSABLE", "end"),
            (json!({ "rule": "FREQ=DAILY;COUNT=3", "end": at(600 + 25 * 60) }), 422, "UNPROCESSABLE", "end"),
        ];
        for (more, status, code, field) in cases {
            let answer = world.desk.post(SERIES, &with(&body, more.clone())).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{more}: {}", answer.body);
            assert_eq!(answer["error"]["details"]["field"], field, "{more}");
        }
        let (_, stranger) = world.someone().await;
        stranger.post(SERIES, &body).await.expect_problem(403, "FORBIDDEN");
        assert_eq!(world.app.published().await.len(), 0);
    }
}
