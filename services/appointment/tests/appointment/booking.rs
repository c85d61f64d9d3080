//! Booking an appointment, and recording one that was.

use hms_model::event::{
    AppointmentCancelled, AppointmentFulfilled, AppointmentNoshow, AppointmentScheduled, PatientUpdated,
    PractitionerUpdated,
};
use hms_model::id::{Id, PatientId};
use hms_model::role::Role;
use serde_json::json;

use crate::common::{self, APPOINTMENTS, World, at, path, wish, with};

hms_testkit::on_both_back_ends! {
    async fn an_appointment_is_booked_and_read_back(backend) {
        let world = World::start(backend).await;
        let (patient, practitioner, department) =
            (world.patient().await, world.practitioner().await, world.department().await);
        let body = with(
            &wish(patient, practitioner, "2026-03-04T10:00:00+01:00", "2026-03-04T09:30:00Z"),
            json!({
                "department_id": department,
                "reason": "  Cough ",
                "description": "Since Monday",
                "identifiers": [{ "system": "urn:test", "value": "a-1" }],
            }),
        );
        let made = world.desk.post(APPOINTMENTS, &body).await;
        made.expect(201);
        let id = made.text("id");
        assert_eq!(made.header("location"), path(&id));
        assert_eq!(made.header("etag"), "\"1\"");
        assert_eq!(
            made.body,
            json!({
                "id": id,
                "patient_id": patient,
                "practitioner_id": practitioner,
                "department_id": department,
                "start": "2026-03-04T09:00:00Z",
                "end": "2026-03-04T09:30:00Z",
                "status": "booked",
                "reason": "Cough",
                "description": "Since Monday",
                "cancellation_reason": null,
                "appointment_type_id": null,
                "resource_ids": [],
                "zone": null,
                "series_id": null,
                "overbook_reason": null,
                "late_cancellation": false,
                "identifiers": [{ "system": "urn:test", "value": "a-1" }],
                "version": 1,
                "created_at": "2026-03-02T08:00:00Z",
                "updated_at": "2026-03-02T08:00:00Z",
            })
        );
        let read = world.desk.get(&path(&id)).await;
        assert_eq!((read.expect(200).header("etag"), &read.body), ("\"1\"", &made.body));
    }

    async fn a_booking_is_told_and_audited(backend) {
        let world = World::start(backend).await;
        let (patient, practitioner) = (world.patient().await, world.practitioner().await);
        let made = world.desk.post(APPOINTMENTS, &wish(patient, practitioner, &at(600), &at(630))).await;
        let events = world.app.published_of::<AppointmentScheduled>().await;
        let [AppointmentScheduled(facts)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(facts.appointment_id, made.expect(201).id());
        assert_eq!((facts.patient_id, facts.practitioner_id, facts.version), (patient, practitioner, 1));
        assert_eq!((facts.practitioner_name.as_str(), facts.status.as_str()), ("Dr. Ada 1", "booked"));
        assert_eq!((facts.recorded, &facts.reason), (false, &None));
        world.desk.get(&path(&made.text("id"))).await.expect(200);
        world.desk.get(APPOINTMENTS).await.expect(200);
        let account = world.app.account_id(&world.desk).await;
        let entries = world.app.audited().await;
        let told: Vec<_> = entries
            .iter()
            .map(|entry| {
                assert_eq!((entry.actor.account_id, entry.resource.as_str()), (Some(account), "appointment"));
                assert_eq!(entry.patient_ids, [patient]);
                (entry.action.to_string(), entry.resource_id.is_some())
            })
            .collect();
        assert_eq!(told, [("create".into(), true), ("read".into(), true), ("read".into(), false)]);
    }

    async fn one_practitioner_is_booked_once_for_a_moment(backend) {
        let world = World::start(backend).await;
        let (patient, practitioner) = (world.patient().await, world.practitioner().await);
        world.desk.post(APPOINTMENTS, &wish(patient, practitioner, &at(600), &at(630))).await.expect(201);
        let cases = [
            (600, 630, 409, "equal"),
            (590, 601, 409, "its first minute"),
            (629, 640, 409, "its last minute"),
            (610, 620, 409, "inside"),
            (540, 700, 409, "around"),
            (570, 600, 201, "just before"),
            (630, 660, 201, "just after"),
        ];
        for (start, end, status, case) in cases {
            let other = world.patient().await;
            let answer =
                world.desk.post(APPOINTMENTS, &wish(other, practitioner, &at(start), &at(end))).await;
            assert_eq!(answer.status, status, "{case}: {}", answer.body);
            if status == 409 {
                answer.expect_problem(409, "SLOT_TAKEN");
                assert_eq!(answer["error"]["details"], json!({}), "nothing of the other patient");
            }
        }
        let elsewhere = wish(patient, world.practitioner().await, &at(600), &at(630));
        world.desk.post(APPOINTMENTS, &elsewhere).await.expect(201);
        assert_eq!(
            world.app.published_of::<AppointmentScheduled>().await.len(),
            4,
            "a refusal tells nothing"
        );
    }

    async fn what_is_over_leaves_the_time_free(backend) {
        let world = World::start(backend).await;
        let body = world.wish(&at(600), &at(630)).await;
        for step in ["cancel", "noshow", "fulfil", "delete"] {
            let made = world.desk.post(APPOINTMENTS, &body).await;
            let id = made.expect(201).text("id");
            match step {
                "cancel" => {
                    let cancel = format!("{}/cancel", path(&id));
                    world.desk.post(&cancel, &json!({ "reason": "Ill" })).await.expect(200);
                }
                "delete" => {
                    world.desk.delete(&path(&id)).await.expect(204);
                }
                _ => {
                    world.step(&world.desk, &id, step).await.expect(200);
                }
            }
        }
        let made = world.desk.post(APPOINTMENTS, &body).await;
        world.step(&world.desk, &made.expect(201).text("id"), "arrive").await.expect(200);
        world.desk.post(APPOINTMENTS, &body).await.expect_problem(409, "SLOT_TAKEN");
    }

    async fn whom_it_names_must_be_known_and_active(backend) {
        let world = World::start(backend).await;
        let body = world.wish(&at(600), &at(630)).await;
        for field in ["patient_id", "practitioner_id", "department_id"] {
            let unknown = Id::<()>::new(world.app.clock.now());
            let answer = world.desk.post(APPOINTMENTS, &with(&body, json!({ field: unknown }))).await;
            answer.expect_problem(422, "UNKNOWN_REFERENCE");
            assert_eq!(answer["error"]["details"]["field"], field);
        }
        let patient = body["patient_id"].as_str().unwrap().parse().unwrap();
        let practitioner = body["practitioner_id"].as_str().unwrap().parse().unwrap();
        world.app.deliver(&PatientUpdated(common::patient_facts(patient, 2, false))).await;
        let answer = world.desk.post(APPOINTMENTS, &body).await;
        assert_eq!(answer.expect_problem(422, "UNPROCESSABLE")["error"]["details"]["field"], "patient_id");
        world.app.deliver(&PatientUpdated(common::patient_facts(patient, 3, true))).await;
        world.desk.post(APPOINTMENTS, &body).await.expect(201);

        world.app.deliver(&PractitionerUpdated(common::practitioner_facts(practitioner, 2, false))).await;
        let answer =
            world.desk.post(APPOINTMENTS, &with(&body, json!({ "start": at(630), "end": at(660) }))).await;
        assert_eq!(
            answer.expect_problem(422, "UNPROCESSABLE")["error"]["details"]["field"],
            "practitioner_id"
        );
    }

    async fn what_cannot_be_read_changes_nothing(backend) {
        let world = World::start(backend).await;
        let body = world.wish(&at(600), &at(630)).await;
        let cases = [
            (json!({ "start": "2026-03-04T10:00:00" }), 400, "INVALID_REQUEST", "no zone"),
            (json!({ "start": "2026-02-30T10:00:00Z" }), 400, "INVALID_REQUEST", "no such day"),
            (json!({ "start": 5 }), 400, "INVALID_REQUEST", "no text"),
            (json!({ "start": null }), 400, "INVALID_REQUEST", "null"),
            (json!({ "patient_id": "ann" }), 400, "INVALID_REQUEST", "no UUID"),
            (json!({ "colour": "red" }), 400, "INVALID_REQUEST", "unknown field"),
            (json!({ "status": "arrived" }), 400, "INVALID_REQUEST", "no status to begin with"),
            (json!({ "reason": "" }), 400, "INVALID_REQUEST", "empty"),
            (json!({ "reason": "x".repeat(501) }), 400, "INVALID_REQUEST", "long"),
            (
                json!({ "identifiers": [{ "system": "urn:test" }] }),
                400,
                "INVALID_REQUEST",
                "half an identifier",
            ),
            (json!({ "end": at(600) }), 422, "UNPROCESSABLE", "no length"),
            (json!({ "end": at(599) }), 422, "UNPROCESSABLE", "ends before it starts"),
            (json!({ "end": at(600 + 24 * 60 + 1) }), 422, "UNPROCESSABLE", "longer than a day"),
            (
                json!({ "start": "2026-03-02T07:54:59Z", "end": "2026-03-02T09:00:00Z" }),
                422,
                "UNPROCESSABLE",
                "past",
            ),
        ];
        for (more, status, code, case) in cases {
            let answer = world.desk.post(APPOINTMENTS, &with(&body, more)).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{case}: {}", answer.body);
        }
        for missing in ["patient_id", "practitioner_id", "start", "end"] {
            let mut less = body.clone();
            less.as_object_mut().unwrap().remove(missing);
            world.desk.post(APPOINTMENTS, &less).await.expect_problem(400, "INVALID_REQUEST");
        }
        assert_eq!(world.app.published().await.len(), 0);
        assert_eq!(world.desk.get(APPOINTMENTS).await["count"], 0);
    }

    async fn what_took_place_is_recorded_whenever_it_was(backend) {
        let world = World::start(backend).await;
        let (patient, practitioner) = (world.patient().await, world.practitioner().await);
        world.app.deliver(&PatientUpdated(common::patient_facts(patient, 2, false))).await;
        let past = wish(patient, practitioner, "1943-07-01T10:00:00Z", "1943-07-20T11:00:00Z");
        for status in ["fulfilled", "noshow", "cancelled"] {
            let made = world.desk.post(APPOINTMENTS, &with(&past, json!({ "status": status }))).await;
            assert_eq!(made.expect(201)["status"], status, "none is in the way of the others");
        }
        let facts = [
            world.app.published_of::<AppointmentFulfilled>().await.remove(0).0,
            world.app.published_of::<AppointmentNoshow>().await.remove(0).0,
            world.app.published_of::<AppointmentCancelled>().await.remove(0).0,
        ];
        assert!(facts.iter().all(|facts| facts.recorded && facts.version == 1), "{facts:?}");

        let to_come = with(&past, json!({ "status": "fulfilled", "end": at(0) }));
        world.desk.post(APPOINTMENTS, &to_come).await.expect_problem(422, "UNPROCESSABLE");
        let doctor = world.app.client(&[Role::Doctor]);
        let answer = doctor.post(APPOINTMENTS, &with(&past, json!({ "status": "fulfilled" }))).await;
        answer.expect_problem(403, "FORBIDDEN");
        assert_eq!(answer["error"]["details"]["scope"], "appointment:record");
    }

    async fn an_identifier_belongs_to_one_appointment(backend) {
        let world = World::start(backend).await;
        let named = json!({ "identifiers": [{ "system": "urn:test", "value": "a-1" }] });
        let first = with(&world.wish(&at(600), &at(630)).await, named.clone());
        let id = world.desk.post(APPOINTMENTS, &first).await.expect(201).text("id");
        let again = world.desk.post(APPOINTMENTS, &first).await;
        assert_eq!(again.expect_problem(409, "DUPLICATE")["error"]["details"]["id"], id, "before SLOT_TAKEN");

        let stranger = world.patient().await;
        let theirs = with(&wish(stranger, world.practitioner().await, &at(600), &at(630)), named);
        let answer = world.app.client_of_patient(stranger).post(APPOINTMENTS, &theirs).await;
        assert_eq!(
            answer.expect_problem(409, "DUPLICATE")["error"]["details"],
            json!({}),
            "another patient's"
        );

        let twice =
            json!({ "identifiers": [{ "system": "s", "value": "v" }, { "system": "s", "value": "v" }] });
        world.desk.post(APPOINTMENTS, &with(&theirs, twice)).await.expect_problem(422, "UNPROCESSABLE");
    }

    async fn a_repeated_request_gets_the_first_answer(backend) {
        let world = World::start(backend).await;
        let body = world.wish(&at(600), &at(630)).await;
        let key = [("Idempotency-Key", "k-1")];
        let first = world.desk.post_with(APPOINTMENTS, &body, &key).await;
        let again = world.desk.post_with(APPOINTMENTS, &body, &key).await;
        assert_eq!(
            (again.expect(201).body.clone(), again.header("etag")),
            (first.expect(201).body.clone(), "\"1\"")
        );
        assert_eq!(world.app.published_of::<AppointmentScheduled>().await.len(), 1);
        let other = with(&body, json!({ "end": at(640) }));
        world.desk.post_with(APPOINTMENTS, &other, &key).await.expect_problem(422, "IDEMPOTENCY_MISMATCH");
    }

    async fn a_patient_books_for_themselves_only(backend) {
        let world = World::start(backend).await;
        let body = world.wish(&at(600), &at(630)).await;
        let own: PatientId = body["patient_id"].as_str().unwrap().parse().unwrap();
        let stranger = world.app.client_of_patient(world.patient().await);
        stranger.post(APPOINTMENTS, &body).await.expect_problem(403, "FORBIDDEN");
        let without_record = world.app.client(&[Role::Patient]);
        let answer = without_record.post(APPOINTMENTS, &body).await;
        assert!(
            answer.expect_problem(422, "UNPROCESSABLE")["error"]["message"]
                .as_str()
                .unwrap()
                .contains("register")
        );
        world.app.client_of_patient(own).post(APPOINTMENTS, &body).await.expect(201);
        let accountant = world.app.client(&[Role::Accountant]);
        accountant.post(APPOINTMENTS, &body).await.expect_problem(403, "FORBIDDEN");
        world.app.anonymous().post(APPOINTMENTS, &body).await.expect_problem(401, "UNAUTHENTICATED");
    }
}
