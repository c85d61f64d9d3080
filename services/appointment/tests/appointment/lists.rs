//! Lists: filters, search, order, pages.

use hms_model::role::Role;
use hms_testkit::Client;
use serde_json::{Value, json};

use crate::common::{APPOINTMENTS, World, at, path, wish, with};

async fn names(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("{APPOINTMENTS}?{query}")).await;
    answer.expect(200);
    answer.results().iter().map(|row| row["reason"].as_str().unwrap().to_owned()).collect()
}

hms_testkit::on_both_back_ends! {
    async fn lists_are_filtered_searched_and_ordered(backend) {
        let world = World::start(backend).await;
        let (ann, bob) = (world.patient().await, world.patient().await);
        let (ada, grace) = (world.practitioner().await, world.practitioner().await);
        let department = world.department().await;
        let rows = [
            (ann, ada, 900, json!({ "reason": "a", "description": "ÄRZTIN 100%" })),
            (ann, grace, 600, json!({ "reason": "b", "department_id": department })),
            (bob, ada, 700, json!({ "reason": "c", "identifiers": [{ "system": "urn:x", "value": "7|8" }] })),
            (bob, grace, 800, json!({ "reason": "d", "identifiers": [{ "system": "urn:x", "value": "9" }] })),
        ];
        let mut ids = Vec::new();
        for (patient, practitioner, minute, more) in rows {
            let body = with(&wish(patient, practitioner, &at(minute), &at(minute + 30)), more);
            ids.push(world.desk.post(APPOINTMENTS, &body).await.expect(201).text("id"));
        }
        world.step(&world.desk, &ids[3], "arrive").await.expect(200);
        world.desk.post(&format!("{}/cancel", path(&ids[2])), &json!({ "reason": "Ill" })).await.expect(200);

        let (at_700, at_830) = ("2026-03-04T11:40:00Z", "2026-03-04T13:50:00Z");
        let cases = [
            (String::new(), "dcba"),
            (format!("patient_id={ann}"), "ba"),
            (format!("practitioner_id={ada}&patient_id={bob}"), "c"),
            (format!("department_id={department}"), "b"),
            ("status=arrived".into(), "d"),
            ("status__in=arrived,cancelled".into(), "dc"),
            (format!("start__gte={at_700}"), "dca"),
            (format!("start__gt={at_700}"), "da"),
            (format!("start={at_700}"), "c"),
            (format!("end__lt={at_830}"), "cb"),
            (format!("end__lte={at_830}"), "dcb"),
            ("identifier=urn:x%7C7%7C8".into(), "c"),
            ("identifier__in=urn:x%7C9,urn:x%7C7%7C8".into(), "dc"),
            ("identifier=urn:y%7C9".into(), ""),
            ("search=%C3%A4rztin".into(), "a"),
            ("search=100%25".into(), "a"),
            ("search=C".into(), "c"),
            ("ordering=start".into(), "bcda"),
            ("ordering=-start".into(), "adcb"),
            ("ordering=created_at&status__in=booked".into(), "ba"),
        ];
        for (query, expected) in cases {
            assert_eq!(names(&world.desk, &query).await.concat(), expected, "{query}");
        }
    }

    async fn what_a_list_does_not_know_is_refused(backend) {
        let world = World::start(backend).await;
        let cases = [
            ("colour=red", "UNKNOWN_FILTER"),
            ("status__gt=booked", "UNKNOWN_FILTER"),
            ("status=maybe", "INVALID_REQUEST"),
            ("patient_id=ann", "INVALID_REQUEST"),
            ("start__gte=2026-03-04T10:00:00", "INVALID_REQUEST"),
            ("start__gte=%2B10000-03-04T10:00:00Z", "INVALID_REQUEST"),
            ("identifier=7", "INVALID_REQUEST"),
            ("ordering=reason", "INVALID_REQUEST"),
            ("page=0", "INVALID_REQUEST"),
            ("page_size=101", "INVALID_REQUEST"),
        ];
        for (query, code) in cases {
            world.desk.get(&format!("{APPOINTMENTS}?{query}")).await.expect_problem(400, code);
        }
    }

    async fn a_list_comes_in_pages(backend) {
        let world = World::start(backend).await;
        let (patient, practitioner) = (world.patient().await, world.practitioner().await);
        for number in 0..5 {
            let body = wish(patient, practitioner, &at(number * 30), &at(number * 30 + 30));
            let named = with(&body, json!({ "reason": number.to_string() }));
            world.desk.post(APPOINTMENTS, &named).await.expect(201);
        }
        for (first, counted) in [("page_size=2", json!(5)), ("page_size=2&cursor=", Value::Null)] {
            let (mut route, mut seen) = (format!("{APPOINTMENTS}?{first}"), String::new());
            loop {
                let page = world.desk.get(&route).await;
                assert!(page.expect(200).results().len() <= 2);
                assert_eq!(page["count"], counted);
                seen.extend(page.results().iter().map(|row| row["reason"].as_str().unwrap()));
                match page["next"].as_str() {
                    Some(next) => route = next.to_owned(),
                    None => break,
                }
            }
            assert_eq!(seen, "43210", "{first}");
        }
    }

    async fn a_patients_list_shows_their_own(backend) {
        let world = World::start(backend).await;
        let made = world.booked(&at(600), &at(630)).await;
        world.booked(&at(600), &at(630)).await;
        let own = world.app.client_of_patient(made.text("patient_id").parse().unwrap());
        let list = own.get(APPOINTMENTS).await;
        assert_eq!((&list.expect(200)["count"], &list.results()[0]), (&json!(1), &made.body));
        let entry = world.app.audited().await.pop().unwrap();
        assert_eq!(
            (entry.action.to_string(), entry.patient_ids),
            ("read".into(), vec![made.text("patient_id").parse().unwrap()])
        );

        let audited = world.app.published().await.len();
        let stranger = world.app.client_of_patient(world.patient().await);
        let theirs = stranger.get(&format!("{APPOINTMENTS}?patient_id={}", made.text("patient_id"))).await;
        assert_eq!(theirs.expect(200)["count"], 0);
        let without_record = world.app.client(&[Role::Patient]);
        assert_eq!(without_record.get(APPOINTMENTS).await.expect(200)["count"], 0);
        assert_eq!(world.app.published().await.len(), audited, "nothing was shown");
        assert_eq!(world.app.client(&[Role::Accountant]).get(APPOINTMENTS).await.expect(200)["count"], 2);
        world.app.client(&[Role::Device]).get(APPOINTMENTS).await.expect_problem(403, "FORBIDDEN");
    }
}
