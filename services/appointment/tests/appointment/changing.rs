//! Moving an appointment, calling it off, and what else becomes of it.

use hms_model::event::{
    AppointmentArrived, AppointmentCancelled, AppointmentFulfilled, AppointmentNoshow,
    AppointmentRescheduled, AppointmentUpdated, AuditRecorded, Event, PractitionerUpdated,
};
use hms_model::id::{Id, PatientId};
use hms_model::role::Role;
use hms_testkit::Answer;
use serde_json::json;

use crate::common::{self, APPOINTMENTS, World, at, path, wish, with};

fn patient_of(answer: &Answer) -> PatientId {
    answer.text("patient_id").parse().unwrap()
}

hms_testkit::on_both_back_ends! {
    async fn an_appointment_is_moved(backend) {
        let world = World::start(backend).await;
        let made = world.booked(&at(600), &at(630)).await;
        let route = path(&made.text("id"));
        world.app.clock.advance(chrono::TimeDelta::minutes(1));
        let moved = world.desk.patch(&route, &json!({ "start": at(615), "end": at(645) })).await;
        moved.expect(200);
        assert_eq!(moved["start"], "2026-03-04T10:15:00Z", "its own time is not in its way");
        assert_eq!((&moved["version"], moved.header("etag")), (&json!(2), "\"2\""));
        assert_eq!(
            (&moved["created_at"], &moved["updated_at"]),
            (&made["created_at"], &json!("2026-03-02T08:01:00Z"))
        );
        let events = world.app.published_of::<AppointmentRescheduled>().await;
        let [AppointmentRescheduled(facts)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(
            (facts.version, facts.status.as_str(), facts.start),
            (2, "booked", at(615).parse().unwrap())
        );
        let AuditRecorded(entry) = world.app.published_of::<AuditRecorded>().await.pop().unwrap();
        assert_eq!(
            (entry.action.to_string(), entry.detail.as_deref()),
            ("update".into(), Some("start, end"))
        );

        let freed = with(&made.body, json!({ "start": at(600), "end": at(615) }));
        let body = json!({ "patient_id": freed["patient_id"], "practitioner_id": freed["practitioner_id"],
            "start": freed["start"], "end": freed["end"] });
        world.desk.post(APPOINTMENTS, &body).await.expect(201);
    }

    async fn words_and_place_change_without_a_move(backend) {
        let world = World::start(backend).await;
        let route = path(&world.booked(&at(600), &at(630)).await.text("id"));
        let department = world.department().await;
        let change = json!({ "department_id": department, "reason": "Cough", "description": "Wet" });
        let changed = world.desk.patch(&route, &change).await;
        assert_eq!(
            (&changed.expect(200)["reason"], &changed["department_id"]),
            (&json!("Cough"), &json!(department))
        );
        let cleared = world.desk.patch(&route, &json!({ "reason": null, "department_id": null })).await;
        assert_eq!((&cleared["reason"], &cleared["department_id"]), (&json!(null), &json!(null)));
        assert_eq!((&cleared["description"], &cleared["version"]), (&json!("Wet"), &json!(3)));
        let same = world.desk.patch(&route, &json!({ "description": "Wet" })).await;
        assert_eq!(same.expect(200)["version"], 3, "nothing is different");
        world.desk.patch(&route, &json!({})).await.expect(200);
        assert!(world.app.published_of::<AppointmentRescheduled>().await.is_empty());
        let events = world.app.published_of::<AppointmentUpdated>().await;
        let places: Vec<_> = events.iter().map(|event| event.0.department_id).collect();
        assert_eq!(places, [Some(department), None]);
        assert_eq!(world.app.published_of::<AuditRecorded>().await.len(), 3);
    }

    async fn a_change_keeps_the_rules(backend) {
        let world = World::start(backend).await;
        let made = world.booked(&at(600), &at(630)).await;
        let route = path(&made.text("id"));
        let practitioner = made.text("practitioner_id").parse().unwrap();
        world
            .desk
            .post(APPOINTMENTS, &wish(world.patient().await, practitioner, &at(660), &at(690)))
            .await
            .expect(201);
        let unknown = Id::<()>::new(world.app.clock.now());
        let cases = [
            (json!({ "start": at(650), "end": at(680) }), 409, "SLOT_TAKEN"),
            (json!({ "end": at(661) }), 409, "SLOT_TAKEN"),
            (json!({ "end": at(600) }), 422, "UNPROCESSABLE"),
            (json!({ "end": at(600 + 24 * 60 + 1) }), 422, "UNPROCESSABLE"),
            (json!({ "start": "2026-03-01T10:00:00Z", "end": "2026-03-01T11:00:00Z" }), 422, "UNPROCESSABLE"),
            (json!({ "department_id": unknown }), 422, "UNKNOWN_REFERENCE"),
            (json!({ "start": null }), 400, "INVALID_REQUEST"),
            (json!({ "start": "2026-03-04T10:00:00" }), 400, "INVALID_REQUEST"),
            (json!({ "patient_id": unknown }), 400, "INVALID_REQUEST"),
            (json!({ "status": "arrived" }), 400, "INVALID_REQUEST"),
        ];
        for (change, status, code) in cases {
            let answer = world.desk.patch(&route, &change).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{change}");
        }
        assert_eq!(world.desk.get(&route).await.body, made.body);

        world.app.deliver(&PractitionerUpdated(common::practitioner_facts(practitioner, 2, false))).await;
        world.desk.patch(&route, &json!({ "end": at(640) })).await.expect_problem(422, "UNPROCESSABLE");
        world.desk.patch(&route, &json!({ "reason": "Cough" })).await.expect(200);
    }

    async fn an_appointment_is_called_off(backend) {
        let world = World::start(backend).await;
        let made = world.booked(&at(600), &at(630)).await;
        let cancel = format!("{}/cancel", path(&made.text("id")));
        world.desk.post(&cancel, &json!({})).await.expect_problem(400, "INVALID_REQUEST");
        let answer = world.desk.post(&cancel, &json!({ "reason": "Ill" })).await;
        assert_eq!(
            (&answer.expect(200)["status"], &answer["cancellation_reason"]),
            (&json!("cancelled"), &json!("Ill"))
        );
        let events = world.app.published_of::<AppointmentCancelled>().await;
        let [AppointmentCancelled(facts)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(
            (facts.version, facts.status.as_str(), facts.reason.as_deref()),
            (2, "cancelled", Some("Ill"))
        );
        let again = world.desk.post(&cancel, &json!({ "reason": "Ill" })).await;
        again.expect_problem(409, "ILLEGAL_TRANSITION");
        assert_eq!(again["error"]["details"], json!({ "status": "cancelled", "allowed": [] }));
    }

    async fn a_day_at_the_desk(backend) {
        let world = World::start(backend).await;
        let id = world.booked(&at(600), &at(630)).await.text("id");
        assert_eq!(world.step(&world.desk, &id, "arrive").await.expect(200)["status"], "arrived");
        let twice = world.step(&world.desk, &id, "arrive").await;
        twice.expect_problem(409, "ILLEGAL_TRANSITION");
        assert_eq!(
            twice["error"]["details"],
            json!({ "status": "arrived", "allowed": ["fulfilled", "cancelled"] })
        );
        world
            .desk
            .patch(&path(&id), &json!({ "end": at(640) }))
            .await
            .expect_problem(409, "ILLEGAL_TRANSITION");
        assert_eq!(world.step(&world.desk, &id, "fulfil").await.expect(200)["status"], "fulfilled");
        for step in ["arrive", "fulfil", "noshow"] {
            world.step(&world.desk, &id, step).await.expect_problem(409, "ILLEGAL_TRANSITION");
        }
        world
            .desk
            .patch(&path(&id), &json!({ "reason": "x" }))
            .await
            .expect_problem(409, "ILLEGAL_TRANSITION");
        world.desk.delete(&path(&id)).await.expect_problem(409, "ILLEGAL_TRANSITION");

        let other = world.booked(&at(600), &at(630)).await.text("id");
        world.step(&world.desk, &other, "noshow").await.expect(200);
        let kinds: Vec<_> = world.app.published().await.into_iter().map(|envelope| envelope.kind).collect();
        for kind in [AppointmentArrived::TYPE, AppointmentFulfilled::TYPE, AppointmentNoshow::TYPE] {
            assert_eq!(kinds.iter().filter(|told| *told == kind).count(), 1, "{kind}");
        }
    }

    async fn a_deleted_appointment_is_out_of_sight(backend) {
        let world = World::start(backend).await;
        let made = world.booked(&at(600), &at(630)).await;
        let route = path(&made.text("id"));
        world.desk.delete(&route).await.expect(204);
        for answer in [
            world.desk.get(&route).await,
            world.desk.delete(&route).await,
            world.desk.patch(&route, &json!({ "reason": "x" })).await,
            world.step(&world.desk, &made.text("id"), "arrive").await,
        ] {
            answer.expect_problem(404, "NOT_FOUND");
        }
        assert_eq!(world.desk.get(APPOINTMENTS).await["count"], 0);
        assert_eq!(world.app.published_of::<AppointmentCancelled>().await.len(), 1);
        let AuditRecorded(entry) = world.app.published_of::<AuditRecorded>().await.pop().unwrap();
        assert_eq!(entry.action.to_string(), "delete");

        let called_off = world.booked(&at(600), &at(630)).await.text("id");
        world
            .desk
            .post(&format!("{}/cancel", path(&called_off)), &json!({ "reason": "Ill" }))
            .await
            .expect(200);
        world.desk.delete(&path(&called_off)).await.expect(204);
        assert_eq!(world.app.published_of::<AppointmentCancelled>().await.len(), 2, "called off once");
    }

    async fn a_change_of_an_older_version_is_refused(backend) {
        let world = World::start(backend).await;
        let id = world.booked(&at(600), &at(630)).await.text("id");
        let (route, stale) = (path(&id), [("If-Match", "\"1\"")]);
        let change = json!({ "reason": "Cough" });
        world.desk.json("PATCH", &route, &change, &stale).await.expect(200);
        let cancel = format!("{route}/cancel");
        let reason = json!({ "reason": "Ill" });
        for answer in [
            world.desk.json("PATCH", &route, &change, &stale).await,
            world.desk.post_with(&cancel, &reason, &stale).await,
            world.desk.request("POST", &format!("{route}/arrive"), &stale, None).await,
            world.desk.request("DELETE", &route, &stale, None).await,
        ] {
            answer.expect_problem(412, "PRECONDITION_FAILED");
        }
        world.desk.post_with(&cancel, &reason, &[("If-Match", "\"2\"")]).await.expect(200);
    }

    async fn patients_see_and_change_their_own_only(backend) {
        let world = World::start(backend).await;
        let made = world.booked(&at(600), &at(630)).await;
        let (id, route) = (made.text("id"), path(&made.text("id")));
        let (own, stranger) = (
            world.app.client_of_patient(patient_of(&made)),
            world.app.client_of_patient(world.patient().await),
        );
        let cancel = format!("{route}/cancel");
        for answer in [
            stranger.get(&route).await,
            stranger.patch(&route, &json!({ "end": at(640) })).await,
            stranger.post(&cancel, &json!({ "reason": "Mine" })).await,
            stranger.delete(&route).await,
        ] {
            answer.expect_problem(404, "NOT_FOUND");
        }
        for step in ["arrive", "fulfil", "noshow"] {
            world.step(&own, &id, step).await.expect_problem(403, "FORBIDDEN");
            world.step(&world.app.client(&[Role::Staff]), &id, step).await.expect_problem(403, "FORBIDDEN");
        }
        own.get(&route).await.expect(200);
        own.patch(&route, &json!({ "end": at(640) })).await.expect(200);
        own.post(&cancel, &json!({ "reason": "Holiday" })).await.expect(200);
        own.delete(&route).await.expect(204);
    }

    async fn an_unknown_appointment_is_not_found(backend) {
        let world = World::start(backend).await;
        let nobody = path(&Id::<()>::new(world.app.clock.now()).to_string());
        world.desk.get(&nobody).await.expect_problem(404, "NOT_FOUND");
        world.desk.patch(&nobody, &json!({ "reason": "x" })).await.expect_problem(404, "NOT_FOUND");
        world.desk.delete(&nobody).await.expect_problem(404, "NOT_FOUND");
        world.desk.get(&path("seven")).await.expect_problem(400, "INVALID_REQUEST");
    }
}
