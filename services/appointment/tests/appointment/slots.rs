//! Free slots, and what of them can be booked.

use hms_model::event::PractitionerCreated;
use hms_model::id::Id;
use hms_model::role::Role;
use serde_json::json;

use crate::common::{self, APPOINTMENTS, World, schedule, starts, wish, with};

/// The Wednesday of the stories; Berlin is an hour ahead of UTC.
const WEDNESDAY: &str = "from=2026-03-04T00:00:00Z&to=2026-03-05T00:00:00Z";

hms_testkit::on_both_back_ends! {
    async fn slots_follow_from_hours_breaks_holidays_and_what_is_taken(backend) {
        let world = World::start(backend).await;
        let hours = json!({ "hours": {
            "weekly": [{ "weekday": "wednesday", "start": "09:00", "end": "12:00" }],
            "breaks": [{ "weekday": "wednesday", "start": "10:00", "end": "10:30" }],
            "exceptions": [
                { "date": "2026-03-11", "kind": "closed", "hours": [{ "start": "09:00", "end": "11:30" }] },
                { "date": "2026-03-12", "kind": "open", "hours": [{ "start": "18:00", "end": "19:00" }] },
            ],
        } });
        let (practitioner, department) = world.scheduled(hours).await;
        let slots = format!("/api/v1/slots?practitioner_id={practitioner}");
        let day = |from: &str, to: &str| format!("{slots}&from=2026-03-{from}T00:00:00Z&to=2026-03-{to}T00:00:00Z");
        let page = world.desk.get(&day("04", "05")).await;
        assert_eq!(starts(&page), ["08:00", "08:30", "09:30", "10:00", "10:30"]);
        let slot = &page.results()[0];
        assert_eq!((&slot["zone"], &slot["seats_left"]), (&json!("Europe/Berlin"), &json!(1)));
        assert_eq!((&slot["department_id"], &page["next"]), (&json!(department), &json!(null)));
        assert_eq!(starts(&world.desk.get(&day("11", "12")).await), ["10:30"]);
        assert_eq!(starts(&world.desk.get(&day("12", "13")).await), ["17:00", "17:30"]);

        let patient = world.patient().await;
        let body = wish(patient, practitioner, "2026-03-04T08:30:00Z", "2026-03-04T09:00:00Z");
        let booked = world.desk.post(APPOINTMENTS, &body).await;
        assert_eq!((&booked.expect(201)["zone"], &booked["department_id"]), (&json!("Europe/Berlin"), &json!(department)));
        assert_eq!(starts(&world.desk.get(&day("04", "05")).await), ["08:00", "09:30", "10:00", "10:30"]);
        world.made("holidays", &json!({ "date": "2026-03-04", "name": "Mardi Gras", "department_id": department })).await;
        assert_eq!(starts(&world.desk.get(&day("04", "05")).await), Vec::<String>::new());
    }

    async fn a_practitioner_with_a_schedule_is_booked_as_it_says(backend) {
        let world = World::start(backend).await;
        let more = json!({ "min_notice_minutes": 24 * 60, "max_notice_days": 30 });
        let (practitioner, _) = world.scheduled(more).await;
        let (patient, own) = world.someone().await;
        let at = |day: &str, from: &str, to: &str| {
            wish(patient, practitioner, &format!("2026-{day}T{from}:00Z"), &format!("2026-{day}T{to}:00Z"))
        };
        let cases = [
            ("03-04", "07:30", "08:00", 422, 422, "before it opens"),
            ("03-04", "10:45", "11:15", 422, 422, "over its end"),
            ("03-05", "08:00", "08:30", 422, 422, "another day"),
            ("03-04", "08:15", "08:45", 422, 201, "off the grid"),
            ("03-04", "09:00", "10:00", 422, 201, "two slots"),
            ("04-15", "08:00", "08:30", 422, 201, "too far ahead"),
            ("03-11", "08:00", "08:30", 201, 409, "a slot"),
        ];
        for (day, from, to, for_patient, for_desk, case) in cases {
            let body = at(day, from, to);
            let answer = own.post(APPOINTMENTS, &body).await;
            assert_eq!(answer.status, for_patient, "{case}: {}", answer.body);
            if for_patient == 422 {
                answer.expect_problem(422, "SLOT_NOT_OFFERED");
            }
            let answer = world.desk.post(APPOINTMENTS, &body).await;
            assert_eq!(answer.status, for_desk, "{case}: {}", answer.body);
        }
        world.app.clock.advance(chrono::TimeDelta::hours(48) - chrono::TimeDelta::minutes(30));
        let (own, desk) = (world.app.client_of_patient(patient), world.app.client(&[Role::Receptionist]));
        own.post(APPOINTMENTS, &at("03-04", "10:30", "11:00")).await.expect_problem(422, "SLOT_NOT_OFFERED");
        desk.post(APPOINTMENTS, &at("03-04", "10:30", "11:00")).await.expect(201);
    }

    async fn a_change_of_the_clocks_moves_the_hours(backend) {
        let world = World::start(backend).await;
        let night = json!({ "hours": { "weekly": [{ "weekday": "sunday", "start": "01:00", "end": "04:00" }] },
            "slot_minutes": 60 });
        let (practitioner, _) = world.scheduled(night).await;
        let day = |from: &str, to: &str| {
            format!("/api/v1/slots?practitioner_id={practitioner}&from=2026-{from}T12:00:00Z&to=2026-{to}T12:00:00Z")
        };
        // 02:00 to 03:00 is not there on 29 March, and comes twice on 25 October.
        assert_eq!(starts(&world.desk.get(&day("03-21", "03-22")).await), ["00:00", "01:00", "02:00"]);
        assert_eq!(starts(&world.desk.get(&day("03-28", "03-29")).await), ["00:00", "01:00"]);
        assert_eq!(starts(&world.desk.get(&day("10-24", "10-25")).await), ["23:00", "00:00", "01:00", "02:00"]);
    }

    async fn a_type_takes_its_length_its_buffers_and_its_rooms(backend) {
        let world = World::start(backend).await;
        let (one, department) = world.scheduled(json!({})).await;
        let other = world.practitioner().await;
        world.made("schedules", &schedule(other, department, json!({}))).await;
        let kind = json!({ "name": "Ultrasound", "duration_minutes": 60, "buffer_after_minutes": 30,
            "needs": [{ "kind": "room", "category": "ultrasound" }] });
        let kind = world.made("appointment-types", &kind).await;
        let slots = format!("/api/v1/slots?{WEDNESDAY}&appointment_type_id={kind}&department_id={department}");
        assert_eq!(starts(&world.desk.get(&slots).await), Vec::<String>::new(), "there is no room yet");
        let room = json!({ "department_id": department, "kind": "room", "category": "ultrasound", "name": "U1" });
        let room_id = world.made("resources", &room).await;
        let times = ["08:00", "08:00", "08:30", "08:30", "09:00", "09:00", "09:30", "09:30", "10:00", "10:00"];
        assert_eq!(starts(&world.desk.get(&slots).await), times);

        let patient = world.patient().await;
        let at = |practitioner, from: &str, to: &str| {
            let times = wish(patient, practitioner, &format!("2026-03-04T{from}:00Z"), &format!("2026-03-04T{to}:00Z"));
            with(&times, json!({ "appointment_type_id": kind }))
        };
        let booked = world.desk.post(APPOINTMENTS, &at(one, "08:30", "09:30")).await;
        assert_eq!(booked.expect(201)["resource_ids"], json!([room_id]));
        assert_eq!(starts(&world.desk.get(&slots).await), ["10:00", "10:00"], "the room is kept until 10:00");
        world.desk.post(APPOINTMENTS, &at(other, "09:30", "10:30")).await.expect_problem(409, "SLOT_TAKEN");
        world.desk.post(APPOINTMENTS, &at(other, "10:00", "10:30")).await.expect_problem(422, "SLOT_NOT_OFFERED");
        world.desk.post(APPOINTMENTS, &at(other, "10:00", "11:00")).await.expect(201);

        let elsewhere = with(&room, json!({ "department_id": world.department().await }));
        let elsewhere = world.made("resources", &elsewhere).await;
        let body = with(&at(one, "08:00", "09:00"), json!({ "resource_ids": [elsewhere] }));
        let answer = world.desk.post(APPOINTMENTS, &body).await;
        assert_eq!(answer.expect_problem(422, "UNPROCESSABLE")["error"]["details"]["field"], "resource_ids");
        let nothing = with(&body, json!({ "resource_ids": [Id::<()>::new(world.app.clock.now())] }));
        let answer = world.desk.post(APPOINTMENTS, &nothing).await;
        assert_eq!(answer.expect_problem(422, "UNKNOWN_REFERENCE")["error"]["details"]["field"], "resource_ids");

        // Practitioner and room are free again once it is called off; the room is taken from 10:00.
        let cancel = format!("{APPOINTMENTS}/{}/cancel", booked.text("id"));
        world.desk.post(&cancel, &json!({ "reason": "Ill" })).await.expect(200);
        assert_eq!(starts(&world.desk.get(&slots).await), ["08:00", "08:00", "08:30", "08:30"]);
    }

    async fn a_room_moves_with_its_appointment(backend) {
        let world = World::start(backend).await;
        let (practitioner, department) = world.scheduled(json!({})).await;
        let kind = json!({ "name": "Infusion", "duration_minutes": 30,
            "needs": [{ "kind": "room", "category": "infusion" }, { "kind": "equipment", "category": "pump" }] });
        let kind = world.made("appointment-types", &kind).await;
        for (what, category) in [("room", "infusion"), ("room", "infusion"), ("equipment", "pump")] {
            let body = json!({ "department_id": department, "kind": what, "category": category, "name": category });
            world.made("resources", &body).await;
        }
        let body = with(
            &wish(world.patient().await, practitioner, "2026-03-04T08:00:00Z", "2026-03-04T08:30:00Z"),
            json!({ "appointment_type_id": kind }),
        );
        let booked = world.desk.post(APPOINTMENTS, &body).await;
        let (room, pump) = (&booked.expect(201)["resource_ids"][0], &booked["resource_ids"][1]);
        let other = with(&body, json!({ "practitioner_id": world.practitioner().await,
            "start": "2026-03-04T09:00:00Z", "end": "2026-03-04T09:30:00Z", "department_id": department,
            "appointment_type_id": null, "resource_ids": [room] }));
        world.desk.post(APPOINTMENTS, &other).await.expect(201);
        let path = common::path(&booked.text("id"));
        let later = json!({ "start": "2026-03-04T09:00:00Z", "end": "2026-03-04T09:30:00Z" });
        let moved = world.desk.patch(&path, &later).await;
        assert_ne!(&moved.expect(200)["resource_ids"][0], room, "it is taken then, and there is another");
        assert_eq!(&moved["resource_ids"][1], pump);
        let back = json!({ "start": "2026-03-04T08:00:00Z", "end": "2026-03-04T08:30:00Z" });
        world.desk.patch(&path, &back).await.expect(200);
        let pumped = with(&other, json!({ "resource_ids": [pump], "practitioner_id": world.practitioner().await }));
        world.desk.post(APPOINTMENTS, &pumped).await.expect(201);
        world.desk.patch(&path, &later).await.expect_problem(409, "SLOT_TAKEN");
    }

    async fn slots_come_in_pages_and_by_whom_and_where(backend) {
        let world = World::start(backend).await;
        let department = world.department().await;
        let mut people = Vec::new();
        for number in 0..3 {
            let mut facts = common::practitioner_facts(Id::new(world.app.clock.now()), 1, true);
            facts.specialty = Some(if number == 0 { "cardiology" } else { "dermatology" }.into());
            world.app.deliver(&PractitionerCreated(facts.clone())).await;
            let late = json!({ "weekday": "wednesday", "start": format!("{:02}:00", 9 + number), "end": "12:00" });
            let body = schedule(facts.practitioner_id, department, json!({ "hours": { "weekly": [late] } }));
            world.made("schedules", &body).await;
            people.push(facts.practitioner_id);
        }
        let all = world.desk.get(&format!("/api/v1/slots?{WEDNESDAY}&page_size=100")).await;
        let whole: Vec<_> = all.expect(200).results().to_vec();
        assert_eq!((whole.len(), &all["count"], &all["next"]), (12, &json!(null), &json!(null)));
        let mut paged = Vec::new();
        let mut next = Some(format!("/api/v1/slots?{WEDNESDAY}&page_size=5"));
        while let Some(path) = next {
            let page = world.desk.get(&path).await;
            paged.extend(page.expect(200).results().to_vec());
            next = page["next"].as_str().map(str::to_owned);
        }
        assert_eq!(paged, whole);
        let first = world.desk.get("/api/v1/slots?first=true").await;
        assert_eq!(starts(&first), ["08:00", "09:00", "10:00"]);
        let skin = world.desk.get("/api/v1/slots?first=true&specialty=dermatology").await;
        assert_eq!(skin.expect(200).results()[0]["practitioner_id"], json!(people[1]));
        let (_, patient) = world.someone().await;
        assert_eq!(starts(&patient.get("/api/v1/slots?page_size=1").await), ["08:00"]);
    }

    async fn a_search_that_cannot_be_is_refused(backend) {
        let world = World::start(backend).await;
        let cases = [
            ("from=2026-03-04", 400, "INVALID_REQUEST", "from"),
            ("practitioner_id=x", 400, "INVALID_REQUEST", "practitioner_id"),
            ("page_size=101", 400, "INVALID_REQUEST", "page_size"),
            ("cursor=abc", 400, "INVALID_REQUEST", "cursor"),
            ("first=maybe", 400, "INVALID_REQUEST", "first"),
            ("colour=red", 400, "UNKNOWN_FILTER", "colour"),
            ("from=2026-03-04T00:00:00Z&to=2026-03-04T00:00:00Z", 422, "UNPROCESSABLE", "to"),
            ("from=2026-03-04T00:00:00Z&to=2036-03-04T00:00:00Z", 422, "UNPROCESSABLE", "to"),
        ];
        for (query, status, code, field) in cases {
            let answer = world.desk.get(&format!("/api/v1/slots?{query}")).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{query}: {}", answer.body);
            assert_eq!(answer["error"]["details"]["field"], field, "{query}");
        }
        let past = world.desk.get("/api/v1/slots?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z").await;
        assert_eq!(past.expect(200).results().len(), 0);
        world.app.client(&[Role::Device]).get("/api/v1/slots").await.expect_problem(403, "FORBIDDEN");
    }
}
