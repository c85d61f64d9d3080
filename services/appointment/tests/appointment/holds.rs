//! Slots that are held, groups, overbooking, late cancellations.

use chrono::TimeDelta;
use hms_model::event::{AppointmentCancelled, AppointmentScheduled, AuditRecorded};
use hms_model::role::Role;
use serde_json::{Value, json};

use crate::common::{APPOINTMENTS, World, at, path, wish, with};

const HOLD: &str = "/api/v1/slots/hold";

/// A hold of the time that a booking asks for.
fn hold_of(booking: &Value) -> Value {
    json!({ "practitioner_id": booking["practitioner_id"], "start": booking["start"], "end": booking["end"] })
}

hms_testkit::on_both_back_ends! {
    async fn what_is_held_is_booked_by_whoever_holds_it(backend) {
        let world = World::start(backend).await;
        let practitioner = world.practitioner().await;
        let ((ann, anns), (bo, bos)) = (world.someone().await, world.someone().await);
        let (for_ann, for_bo) =
            (wish(ann, practitioner, &at(600), &at(630)), wish(bo, practitioner, &at(600), &at(630)));
        let held = anns.post(HOLD, &hold_of(&for_ann)).await;
        assert_eq!(held.expect(201)["expires_at"], "2026-03-02T08:05:00Z");
        let id = held.text("id");
        bos.post(APPOINTMENTS, &for_bo).await.expect_problem(409, "SLOT_TAKEN");
        bos.post(HOLD, &hold_of(&for_bo)).await.expect_problem(409, "SLOT_TAKEN");
        bos.post(APPOINTMENTS, &with(&for_bo, json!({ "hold_id": id }))).await.expect_problem(409, "HOLD_EXPIRED");
        bos.delete(&format!("{HOLD}/{id}")).await.expect_problem(404, "NOT_FOUND");
        let other = with(&for_ann, json!({ "hold_id": id, "end": at(640) }));
        let answer = anns.post(APPOINTMENTS, &other).await;
        assert_eq!(answer.expect_problem(422, "UNPROCESSABLE")["error"]["details"]["field"], "hold_id");
        anns.post(APPOINTMENTS, &with(&for_ann, json!({ "hold_id": id }))).await.expect(201);
        anns.post(APPOINTMENTS, &with(&for_ann, json!({ "hold_id": id }))).await.expect_problem(409, "HOLD_EXPIRED");
        assert_eq!(world.app.published_of::<AppointmentScheduled>().await.len(), 1);
    }

    async fn a_hold_is_over_by_the_clock_or_when_it_is_let_go(backend) {
        let world = World::start(backend).await;
        let body = world.wish(&at(600), &at(630)).await;
        let held = world.desk.post(HOLD, &with(&hold_of(&body), json!({ "minutes": 10 }))).await;
        world.app.clock.advance(TimeDelta::minutes(10) - TimeDelta::microseconds(1));
        let other = world.app.client(&[Role::Nurse]);
        other.post(APPOINTMENTS, &body).await.expect_problem(409, "SLOT_TAKEN");
        world.app.clock.advance(TimeDelta::microseconds(1));
        let late = with(&body, json!({ "hold_id": held.expect(201).text("id") }));
        world.desk.post(APPOINTMENTS, &late).await.expect_problem(409, "HOLD_EXPIRED");
        let booked = other.post(APPOINTMENTS, &body).await;
        booked.expect(201);

        // Moved into a time that an expired hold still stands in, and booked where one was let go.
        world.desk.post(HOLD, &with(&hold_of(&body), json!({ "start": at(700), "end": at(730) }))).await.expect(201);
        world.app.clock.advance(TimeDelta::minutes(5));
        let moved = other.patch(&path(&booked.text("id")), &json!({ "start": at(710), "end": at(740) })).await;
        moved.expect(200);
        let held = world.desk.post(HOLD, &hold_of(&body)).await;
        world.desk.delete(&format!("{HOLD}/{}", held.expect(201).text("id"))).await.expect(204);
        other.post(APPOINTMENTS, &body).await.expect(201);
    }

    async fn holds_have_bounds(backend) {
        let world = World::start(backend).await;
        let practitioner = world.practitioner().await;
        let (ann, own) = world.someone().await;
        let body = hold_of(&wish(ann, practitioner, &at(600), &at(630)));
        for (more, status, code) in [
            (json!({ "minutes": 0 }), 422, "UNPROCESSABLE"),
            (json!({ "minutes": 31 }), 422, "UNPROCESSABLE"),
            (json!({ "end": at(600) }), 422, "UNPROCESSABLE"),
            (json!({ "start": "2026-03-01T08:00:00Z", "end": "2026-03-01T08:30:00Z" }), 422, "UNPROCESSABLE"),
            (json!({ "practitioner_id": ann }), 422, "UNKNOWN_REFERENCE"),
            (json!({ "patient_id": ann }), 400, "INVALID_REQUEST"),
        ] {
            own.post(HOLD, &with(&body, more)).await.expect_problem(status, code);
        }
        for number in 0..5 {
            let times = json!({ "start": at(number * 30), "end": at(number * 30 + 30) });
            own.post(HOLD, &with(&body, times)).await.expect(201);
        }
        own.post(HOLD, &body).await.expect_problem(422, "UNPROCESSABLE");
        world.app.clock.advance(TimeDelta::minutes(5));
        own.post(HOLD, &body).await.expect(201);
    }

    async fn a_group_has_as_many_seats_as_it_has(backend) {
        let world = World::start(backend).await;
        let (practitioner, department) = world.scheduled(json!({ "capacity": 3 })).await;
        let slots = format!("/api/v1/slots?practitioner_id={practitioner}&page_size=1");
        let body = wish(world.patient().await, practitioner, "2026-03-04T08:00:00Z", "2026-03-04T08:30:00Z");
        let mut ids = Vec::new();
        for left in [3, 2, 1] {
            assert_eq!(world.desk.get(&slots).await.results()[0]["seats_left"], left);
            ids.push(world.desk.post(APPOINTMENTS, &body).await.expect(201).text("id"));
        }
        world.desk.post(APPOINTMENTS, &body).await.expect_problem(409, "SLOT_TAKEN");
        let across = with(&body, json!({ "start": "2026-03-04T08:15:00Z", "end": "2026-03-04T08:45:00Z" }));
        world.desk.post(APPOINTMENTS, &across).await.expect_problem(409, "SLOT_TAKEN");
        let first = world.desk.get(&slots).await;
        assert_eq!(first.results()[0]["start"], "2026-03-04T08:30:00Z", "{department}");
        world.desk.delete(&path(&ids[1])).await.expect(204);
        world.desk.post(HOLD, &hold_of(&body)).await.expect(201);
        world.desk.post(APPOINTMENTS, &body).await.expect_problem(409, "SLOT_TAKEN");
    }

    async fn only_who_may_books_beside_what_is_booked(backend) {
        let world = World::start(backend).await;
        let body = world.wish(&at(600), &at(630)).await;
        world.desk.post(APPOINTMENTS, &body).await.expect(201);
        let beside = with(&body, json!({ "overbook": { "reason": "Chest pain" } }));
        let refused = world.desk.post(APPOINTMENTS, &beside).await;
        assert_eq!(refused.expect_problem(403, "FORBIDDEN")["error"]["details"]["scope"], "appointment:overbook");
        let doctor = world.app.client(&[Role::Doctor]);
        let without = with(&body, json!({ "overbook": {} }));
        doctor.post(APPOINTMENTS, &without).await.expect_problem(400, "INVALID_REQUEST");
        let made = doctor.post(APPOINTMENTS, &beside).await;
        assert_eq!(made.expect(201)["overbook_reason"], "Chest pain");
        let entries = world.app.published_of::<AuditRecorded>().await;
        assert_eq!(entries.last().unwrap().0.detail.as_deref(), Some("booked, overbooked"));
        let free = with(&beside, json!({ "start": at(700), "end": at(730) }));
        assert_eq!(doctor.post(APPOINTMENTS, &free).await.expect(201)["overbook_reason"], Value::Null);
        world.desk.post(APPOINTMENTS, &body).await.expect_problem(409, "SLOT_TAKEN");
    }

    async fn what_is_called_off_late_is_marked_or_refused(backend) {
        let world = World::start(backend).await;
        let practitioner = world.practitioner().await;
        let (ann, own) = world.someone().await;
        let mut late = Vec::new();
        for (start, policy) in [(600, "mark"), (660, "refuse")] {
            let kind = json!({ "name": policy, "duration_minutes": 30, "cancel_notice_minutes": 24 * 60, "late_cancel": policy });
            let kind = world.made("appointment-types", &kind).await;
            let body = wish(ann, practitioner, &at(start), &at(start + 30));
            let made = own.post(APPOINTMENTS, &with(&body, json!({ "appointment_type_id": kind }))).await;
            late.push(format!("{}/cancel", path(&made.expect(201).text("id"))));
        }
        let early = wish(ann, practitioner, "2026-03-09T08:00:00Z", "2026-03-09T08:30:00Z");
        let early = path(&own.post(APPOINTMENTS, &early).await.expect(201).text("id"));
        world.app.clock.advance(TimeDelta::hours(30));
        let (own, desk) = (world.app.client_of_patient(ann), world.app.client(&[Role::Receptionist]));
        let reason = json!({ "reason": "Ill" });
        assert_eq!(own.post(&late[0], &reason).await.expect(200)["late_cancellation"], true);
        own.post(&late[1], &reason).await.expect_problem(409, "LATE_CANCELLATION");
        own.delete(late[1].trim_end_matches("/cancel")).await.expect_problem(409, "LATE_CANCELLATION");
        assert_eq!(desk.post(&late[1], &reason).await.expect(200)["late_cancellation"], true);
        assert_eq!(own.post(&format!("{early}/cancel"), &reason).await.expect(200)["late_cancellation"], false);
        let told = world.app.published_of::<AppointmentCancelled>().await;
        let told: Vec<_> = told.iter().map(|event| (event.0.late_cancellation, event.0.appointment_type_id.is_some())).collect();
        assert_eq!(told, [(true, true), (true, true), (false, false)]);
    }
}
