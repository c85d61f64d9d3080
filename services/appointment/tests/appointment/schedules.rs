//! Schedules, appointment types, rooms and holidays: made, read, replaced, and refused.

use hms_model::event::{HolidayChanged, ScheduleChanged};
use hms_model::id::Id;
use hms_model::role::Role;
use serde_json::{Value, json};

use crate::common::{World, schedule, with};

hms_testkit::on_both_back_ends! {
    async fn a_schedule_is_made_read_and_replaced(backend) {
        let world = World::start(backend).await;
        let (practitioner, department) = (world.practitioner().await, world.department().await);
        let body = schedule(practitioner, department, json!({ "buffer_after_minutes": 10 }));
        let made = world.desk.post("/api/v1/schedules", &body).await;
        let path = format!("/api/v1/schedules/{}", made.expect(201).text("id"));
        assert_eq!((made.header("location"), made.header("etag")), (path.as_str(), "\"1\""));
        assert_eq!((&made["active"], &made["capacity"], &made["valid_to"]), (&json!(true), &json!(1), &Value::Null));
        assert_eq!(world.desk.get(&path).await.expect(200).body, made.body);

        let longer = with(&body, json!({ "valid_to": "2026-12-31", "active": false }));
        let stale = world.desk.json("PUT", &path, &longer, &[("if-match", "\"7\"")]).await;
        stale.expect_problem(412, "PRECONDITION_FAILED");
        let replaced = world.desk.put(&path, &longer).await;
        assert_eq!((&replaced.expect(200)["version"], &replaced["active"]), (&json!(2), &json!(false)));
        for (query, count) in [("active=true", 0), ("active=false", 1)] {
            let list = world.desk.get(&format!("/api/v1/schedules?practitioner_id={practitioner}&{query}")).await;
            assert_eq!(list.expect(200)["count"], count, "{query}");
        }
        let events = world.app.published_of::<ScheduleChanged>().await;
        let told: Vec<_> = events.iter().map(|event| (event.0.version, event.0.active)).collect();
        assert_eq!(told, [(1, true), (2, false)]);
        assert_eq!((events[1].0.practitioner_id, events[1].0.department_id), (practitioner, department));
        let doctor = world.app.client(&[Role::Doctor]);
        doctor.get(&path).await.expect(200);
        doctor.put(&path, &body).await.expect_problem(403, "FORBIDDEN");
    }

    async fn a_schedule_that_cannot_be_is_refused(backend) {
        let world = World::start(backend).await;
        let (practitioner, department) = (world.practitioner().await, world.department().await);
        let body = schedule(practitioner, department, json!({}));
        let unknown = Id::<()>::new(world.app.clock.now());
        let weekly = |ranges: Value| json!({ "hours": { "weekly": ranges } });
        let range = |start: &str, end: &str| json!({ "weekday": "monday", "start": start, "end": end });
        let exceptions = |list: Value| json!({ "hours": { "weekly": [], "exceptions": list } });
        let cases = [
            (json!({ "zone": "Europe/Atlantis" }), 400, "INVALID_REQUEST", "zone"),
            (json!({ "zone": "+01:00" }), 400, "INVALID_REQUEST", "zone"),
            (json!({ "valid_from": "2026-02-30" }), 400, "INVALID_REQUEST", "valid_from"),
            (weekly(json!([range("25:00", "12:00")])), 400, "INVALID_REQUEST", "hours.weekly[0].start"),
            (weekly(json!([range("9:00", "10:00")])), 400, "INVALID_REQUEST", "hours.weekly[0].start"),
            (json!({ "capacity": 1.5 }), 400, "INVALID_REQUEST", "capacity"),
            (weekly(json!([range("09:00", "09:00")])), 422, "UNPROCESSABLE", "hours.weekly"),
            (weekly(json!([range("10:00", "09:00")])), 422, "UNPROCESSABLE", "hours.weekly"),
            (
                weekly(json!([range("09:00", "12:00"), range("11:59", "13:00")])),
                422,
                "UNPROCESSABLE",
                "hours.weekly",
            ),
            (
                exceptions(json!([{ "date": "2026-03-04", "kind": "open" }])),
                422,
                "UNPROCESSABLE",
                "hours.exceptions",
            ),
            (
                exceptions(json!([{ "date": "2026-03-04", "kind": "closed" }, { "date": "2026-03-04", "kind": "closed" }])),
                422,
                "UNPROCESSABLE",
                "hours.exceptions",
            ),
            (json!({ "valid_to": "2025-12-31" }), 422, "UNPROCESSABLE", "valid_to"),
            (json!({ "slot_minutes": 0 }), 422, "UNPROCESSABLE", "slot_minutes"),
            (json!({ "slot_minutes": 1441 }), 422, "UNPROCESSABLE", "slot_minutes"),
            (json!({ "buffer_before_minutes": -1 }), 422, "UNPROCESSABLE", "buffer_before_minutes"),
            (json!({ "capacity": 0 }), 422, "UNPROCESSABLE", "capacity"),
            (json!({ "max_notice_days": 0 }), 422, "UNPROCESSABLE", "max_notice_days"),
            (json!({ "appointment_type_ids": [unknown] }), 422, "UNPROCESSABLE", "appointment_type_ids"),
            (json!({ "practitioner_id": unknown }), 422, "UNKNOWN_REFERENCE", "practitioner_id"),
            (json!({ "department_id": unknown }), 422, "UNKNOWN_REFERENCE", "department_id"),
        ];
        for (more, status, code, field) in cases {
            let answer = world.desk.post("/api/v1/schedules", &with(&body, more.clone())).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{more}: {}", answer.body);
            assert_eq!(answer["error"]["details"]["field"], field, "{more}: {}", answer.body);
        }
        assert_eq!(world.desk.get("/api/v1/schedules").await["count"], 0);
    }

    async fn types_rooms_and_holidays_are_kept(backend) {
        let world = World::start(backend).await;
        let department = world.department().await;
        let unknown = Id::<()>::new(world.app.clock.now());
        let kind = json!({ "name": "Ultrasound", "duration_minutes": 30,
            "needs": [{ "kind": "room", "category": "ultrasound" }] });
        let id = world.made("appointment-types", &kind).await;
        let path = format!("/api/v1/appointment-types/{id}");
        let read = world.desk.get(&path).await;
        assert_eq!((&read["late_cancel"], &read["needs"][0]["count"]), (&json!("mark"), &json!(1)));
        let shorter = with(&kind, json!({ "duration_minutes": 20, "active": false }));
        assert_eq!(world.desk.put(&path, &shorter).await.expect(200)["version"], 2);
        let list = world.desk.get("/api/v1/appointment-types?search=ultra&active=false").await;
        assert_eq!(list.expect(200)["count"], 1);
        let twice = json!([{ "kind": "room", "category": "a" }, { "kind": "room", "category": "a" }]);
        for more in [json!({ "duration_minutes": 0 }), json!({ "needs": twice }), json!({ "capacity": 501 })] {
            let answer = world.desk.post("/api/v1/appointment-types", &with(&kind, more)).await;
            answer.expect_problem(422, "UNPROCESSABLE");
        }

        let room = json!({ "department_id": department, "kind": "room", "category": "ultrasound", "name": "U1" });
        let id = world.made("resources", &room).await;
        let path = format!("/api/v1/resources/{id}");
        assert_eq!(world.desk.put(&path, &with(&room, json!({ "name": "U2" }))).await.expect(200)["name"], "U2");
        let list = world.desk.get(&format!("/api/v1/resources?department_id={department}&kind=room&category=ultrasound")).await;
        assert_eq!(list.expect(200)["count"], 1);
        let nowhere = with(&room, json!({ "department_id": unknown }));
        world.desk.post("/api/v1/resources", &nowhere).await.expect_problem(422, "UNKNOWN_REFERENCE");
        let odd = with(&room, json!({ "kind": "person" }));
        world.desk.post("/api/v1/resources", &odd).await.expect_problem(400, "INVALID_REQUEST");

        let holiday = json!({ "date": "2026-12-25", "name": "Christmas Day" });
        let id = world.made("holidays", &holiday).await;
        world.desk.post("/api/v1/holidays", &holiday).await.expect_problem(409, "DUPLICATE");
        world.made("holidays", &with(&holiday, json!({ "department_id": department }))).await;
        let list = world.desk.get("/api/v1/holidays?date__gte=2026-12-01&ordering=date").await;
        assert_eq!(list.expect(200)["count"], 2);
        world.desk.delete(&format!("/api/v1/holidays/{id}")).await.expect(204);
        world.desk.delete(&format!("/api/v1/holidays/{id}")).await.expect_problem(404, "NOT_FOUND");
        let events = world.app.published_of::<HolidayChanged>().await;
        let last = &events.last().unwrap().0;
        assert_eq!((last.holiday_id.to_string(), last.version, last.active), (id.to_string(), 2, false));
    }

    async fn who_is_bound_to_a_department_changes_what_is_there_alone(backend) {
        let world = World::start(backend).await;
        let (practitioner, here, there) = (world.practitioner().await, world.department().await, world.department().await);
        let bound = world.bound_to(here);
        let room = |department| json!({ "department_id": department, "kind": "room", "category": "x-ray", "name": "X1" });
        let closed = |department| json!({ "date": "2026-12-25", "name": "Moving house", "department_id": department });
        let week = |department| schedule(practitioner, department, json!({}));
        for (what, own, other) in [
            ("resources", room(here), room(there)),
            ("holidays", closed(json!(here)), closed(json!(there))),
            ("schedules", week(here), week(there)),
        ] {
            let path = format!("/api/v1/{what}");
            bound.post(&path, &other).await.expect_problem(403, "FORBIDDEN");
            let theirs = format!("{path}/{}", world.made(what, &other).await);
            let ours = format!("{path}/{}", bound.post(&path, &own).await.expect(201).text("id"));
            if what == "holidays" {
                bound.delete(&theirs).await.expect_problem(403, "FORBIDDEN");
                bound.delete(&ours).await.expect(204);
                continue;
            }
            // Neither theirs nor ours becomes the other's.
            for (path, body) in [(&theirs, &own), (&theirs, &other), (&ours, &other)] {
                bound.put(path, body).await.expect_problem(403, "FORBIDDEN");
            }
            bound.put(&ours, &own).await.expect(200);
        }
        // What every department goes by is the organisation's.
        let everywhere = json!({ "date": "2026-12-26", "name": "Boxing Day" });
        bound.post("/api/v1/holidays", &everywhere).await.expect_problem(403, "FORBIDDEN");
        let holiday = world.made("holidays", &everywhere).await;
        bound.delete(&format!("/api/v1/holidays/{holiday}")).await.expect_problem(403, "FORBIDDEN");
        let kind = json!({ "name": "X-ray", "duration_minutes": 15 });
        bound.post("/api/v1/appointment-types", &kind).await.expect_problem(403, "FORBIDDEN");
        let path = format!("/api/v1/appointment-types/{}", world.made("appointment-types", &kind).await);
        bound.put(&path, &kind).await.expect_problem(403, "FORBIDDEN");
    }
}
