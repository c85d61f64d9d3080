//! Many at once: one wins, the others are told so.

use futures_util::future::join_all;
use hms_model::event::{AuditDisclosed, PatientUpdated};
use hms_testkit::{Answer, on_both_back_ends};
use serde_json::json;

use crate::surroundings::{Action, App, Role, audited_of, patient, practitioner};

const MANY: usize = 20;

fn count(answers: &[Answer], status: u16, code: &str) -> usize {
    answers.iter().filter(|answer| answer.status == status && answer.code() == code).count()
}

on_both_back_ends! {
    async fn of_many_who_claim_an_identifier_one_gets_it(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let identifiers = json!([{"system": "urn:ssn", "value": "1"}, {"system": "urn:passport", "value": "1"}]);
        for (path, body) in [
            ("/api/v1/patients", patient(json!({"identifiers": identifiers}))),
            ("/api/v1/practitioners", practitioner(json!({"identifiers": identifiers}))),
            ("/api/v1/departments", json!({"name": "Cardiology", "identifiers": identifiers})),
        ] {
            let answers = join_all((0..MANY).map(|_| admin.post(path, &body))).await;
            assert_eq!((count(&answers, 201, ""), count(&answers, 409, "DUPLICATE")), (1, MANY - 1), "{path}");
            let made = answers.iter().find(|answer| answer.status == 201).unwrap();
            for refused in answers.iter().filter(|answer| answer.status == 409) {
                assert_eq!(refused["error"]["details"]["id"], made["id"], "{path}");
            }
            assert_eq!(admin.get(path).await["count"], 1, "{path}");
        }
    }

    /// They name the same ones, half of them in the other order.
    async fn of_many_who_swap_identifiers_none_waits_forever(backend) {
        let app = App::start(backend).await;
        let desk = app.client(&[Role::Receptionist]);
        let mut identifiers: Vec<_> = (10..50).map(|n| json!({"system": "urn:x", "value": n.to_string()})).collect();
        let forth = patient(json!({"identifiers": identifiers}));
        identifiers.reverse();
        let back = patient(json!({"identifiers": identifiers}));
        let answers = join_all((0..MANY).map(|n| {
            desk.post("/api/v1/patients", if n % 2 == 0 { &forth } else { &back })
        })).await;
        assert_eq!((count(&answers, 201, ""), count(&answers, 409, "DUPLICATE")), (1, MANY - 1));
    }

    async fn of_many_who_change_one_version_one_does(backend) {
        let app = App::start(backend).await;
        let desk = app.client(&[Role::Receptionist]);
        let created = desk.post("/api/v1/patients", &patient(json!({}))).await;
        let path = created.header("location");
        let change = |n: usize| {
            let (desk, body) = (&desk, json!({"given_name": format!("Ann {n}")}));
            async move { desk.json("PATCH", path, &body, &[("if-match", "\"1\"")]).await }
        };
        let answers = join_all((0..MANY).map(change)).await;
        assert_eq!((count(&answers, 200, ""), count(&answers, 412, "PRECONDITION_FAILED")), (1, MANY - 1));
        let winner = answers.iter().find(|answer| answer.status == 200).unwrap();
        assert_eq!(desk.get(path).await.body, winner.body);
        assert_eq!(app.published_of::<PatientUpdated>().await.len(), 1);
    }

    /// Looks that wait together are durable by one commit and told of by one event, and each is there.
    async fn each_of_many_looks_at_once_is_audited(backend) {
        let app = App::start(backend).await;
        let desk = app.client(&[Role::Receptionist]);
        let mut paths = Vec::new();
        for _ in 0..4 {
            let created = desk.post("/api/v1/patients", &patient(json!({}))).await;
            paths.push(created.header("location").to_owned());
        }
        let looks = paths.iter().cycle().take(15 * MANY).map(|path| desk.get(path));
        let answers = join_all(looks).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
        let audited = audited_of(&app, Action::Read, "patient").await;
        assert_eq!(audited.len(), 15 * MANY);
        for path in paths {
            let of_one = audited.iter().filter(|look| look.resource_id.as_deref().is_some_and(|id| path.ends_with(id)));
            assert_eq!(of_one.count(), 15 * MANY / 4);
        }
        assert!(!app.published_of::<AuditDisclosed>().await.is_empty(), "none waited together");
    }

    /// Without `If-Match` they follow one another; no change of one field takes back that of another.
    async fn changes_of_different_fields_all_stay(backend) {
        let app = App::start(backend).await;
        let desk = app.client(&[Role::Receptionist]);
        let created = desk.post("/api/v1/patients", &patient(json!({}))).await;
        let path = created.header("location");
        let bodies = [
            json!({"given_name": "Anna"}),
            json!({"family_name": "Li"}),
            json!({"phone": "+14155552671"}),
            json!({"email": "ann@example.org"}),
            json!({"gender": "other"}),
        ];
        let answers = join_all(bodies.iter().map(|body| desk.patch(path, body))).await;
        assert_eq!(count(&answers, 200, ""), bodies.len());
        let ann = desk.get(path).await;
        assert_eq!((&ann["given_name"], &ann["family_name"]), (&json!("Anna"), &json!("Li")));
        assert_eq!((&ann["phone"], &ann["email"]), (&json!("+14155552671"), &json!("ann@example.org")));
        assert_eq!(ann["version"], 6);
        let mut versions: Vec<_> =
            app.published_of::<PatientUpdated>().await.iter().map(|PatientUpdated(facts)| facts.version).collect();
        versions.sort_unstable();
        assert_eq!(versions, [2, 3, 4, 5, 6]);
    }

    async fn an_account_that_registers_many_times_at_once_has_one_patient(backend) {
        let app = App::start(backend).await;
        let ann = app.client(&[Role::Patient]);
        let body = patient(json!({}));
        let answers = join_all((0..MANY).map(|_| ann.post("/api/v1/patients", &body))).await;
        assert_eq!((count(&answers, 201, ""), count(&answers, 409, "DUPLICATE")), (1, MANY - 1));
        assert_eq!(ann.get("/api/v1/patients").await["count"], 1);
    }
}
