//! Patients and their own record: what they see and what they may change.

use hms_model::event::PatientCreated;
use hms_model::id::PatientId;
use hms_testkit::on_both_back_ends;
use serde_json::json;

use crate::surroundings::{Action, App, Role, audited_of, patient};

on_both_back_ends! {
    async fn a_patient_registers_once_and_owns_the_record(backend) {
        let app = App::start(backend).await;
        let ann = app.client(&[Role::Patient]);
        let nobody = ann.get("/api/v1/patients/me").await;
        nobody.expect_problem(404, "NOT_FOUND");
        assert!(nobody["error"]["message"].as_str().unwrap().contains("POST /api/v1/patients"));

        let created = ann.post("/api/v1/patients", &patient(json!({}))).await;
        created.expect(201);
        let account = app.account_id(&ann).await;
        assert_eq!(created["account_id"], account.to_string());
        assert_eq!(app.published_of::<PatientCreated>().await[0].0.account_id, Some(account));

        let again = ann.post("/api/v1/patients", &patient(json!({"given_name": "Anna"}))).await;
        again.expect_problem(409, "DUPLICATE");
        assert_eq!(again["error"]["details"]["id"], created["id"]);

        assert_eq!(ann.get("/api/v1/patients/me").await.expect(200).body, created.body);
        let reads = audited_of(&app, Action::Read, "patient").await;
        assert_eq!((reads.len(), reads[0].patient_ids.as_slice()), (1, [created.id()].as_slice()));
    }

    async fn a_token_that_names_the_patient_leads_to_the_record(backend) {
        let app = App::start(backend).await;
        let created = app.client(&[Role::Receptionist]).post("/api/v1/patients", &patient(json!({}))).await;
        let ann = app.client_of_patient(created.id());
        assert_eq!(ann.get("/api/v1/patients/me").await.expect(200).body, created.body);
        assert_eq!(ann.get(created.header("location")).await.expect(200).body, created.body);
        assert_eq!(ann.get("/api/v1/patients").await["count"], 1);
        let again = ann.post("/api/v1/patients", &patient(json!({}))).await;
        again.expect_problem(409, "DUPLICATE");
        assert_eq!(again["error"]["details"]["id"], created["id"]);
    }

    async fn another_patients_record_is_as_if_it_did_not_exist(backend) {
        let app = App::start(backend).await;
        let bob = app.client(&[Role::Receptionist]).post("/api/v1/patients", &patient(json!({
            "identifiers": [{"system": "urn:ssn", "value": "1"}],
        }))).await;
        let ann = app.client(&[Role::Patient]);
        let path = bob.header("location");
        ann.get(path).await.expect_problem(404, "NOT_FOUND");
        ann.put(path, &patient(json!({}))).await.expect_problem(404, "NOT_FOUND");
        ann.patch(path, &json!({"phone": null})).await.expect_problem(404, "NOT_FOUND");
        ann.delete(path).await.expect_problem(404, "NOT_FOUND");
        let stale = ann.json("PATCH", path, &json!({"phone": null}), &[("if-match", "\"9\"")]).await;
        stale.expect_problem(404, "NOT_FOUND");

        let own = ann.post("/api/v1/patients", &patient(json!({}))).await;
        let list = ann.get("/api/v1/patients?ordering=created_at").await;
        assert_eq!((&list["count"], &list.results()[0]["id"]), (&json!(1), &own["id"]));
        assert_eq!(ann.get("/api/v1/patients?identifier=urn:ssn%7C1").await["count"], 0);
        // That the identifier is somebody's cannot be hidden; whose it is can.
        let taken = ann.patch(own.header("location"), &json!({"identifiers": []})).await;
        taken.expect(200);
        let eve = app.client(&[Role::Patient]);
        let taken = eve.post("/api/v1/patients", &patient(json!({"identifiers": bob["identifiers"]}))).await;
        taken.expect_problem(409, "DUPLICATE");
        assert_eq!(taken["error"]["details"], json!({}));
    }

    async fn patients_change_their_contact_data_and_nothing_else(backend) {
        let app = App::start(backend).await;
        let created = app.client(&[Role::Receptionist]).post("/api/v1/patients", &patient(json!({}))).await;
        let ann = app.client_of_patient(created.id());
        let path = created.header("location");
        let moved = ann.patch(path, &json!({
            "phone": "+4930123456", "email": "ann@example.org", "language": "de",
            "address": {"city": "Berlin", "country": "DE"},
        })).await;
        assert_eq!((&moved.expect(200)["address"]["city"], &moved["language"]), (&json!("Berlin"), &json!("de")));

        let renamed = ann.patch(path, &json!({"family_name": "Li", "gender": "other", "phone": null})).await;
        renamed.expect_problem(403, "FORBIDDEN");
        assert_eq!(renamed["error"]["details"]["fields"], json!(["family_name", "gender"]));
        let replaced = ann.put(path, &patient(json!({"birth_date": "1985-01-01"}))).await;
        assert_eq!(replaced.expect_problem(403, "FORBIDDEN")["error"]["details"]["fields"], json!(["birth_date"]));
        ann.delete(path).await.expect_problem(403, "FORBIDDEN");
        assert_eq!(ann.get(path).await.body, moved.body);
    }

    async fn the_roles_decide_who_writes_what(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let practitioner = admin.post("/api/v1/practitioners", &json!({"given_name": "Greg", "family_name": "House"})).await;
        let department = admin.post("/api/v1/departments", &json!({"name": "Cardiology"})).await;
        for role in [Role::Patient, Role::Receptionist, Role::Doctor] {
            let client = app.client(&[role]);
            for (path, body) in [
                (practitioner.header("location"), json!({"given_name": "Eve", "family_name": "Moneypenny"})),
                (department.header("location"), json!({"name": "Oncology"})),
            ] {
                client.get(path).await.expect(200);
                let all = path.rsplit_once('/').unwrap().0;
                client.get(all).await.expect(200);
                client.post(all, &body).await.expect_problem(403, "FORBIDDEN");
                client.put(path, &body).await.expect_problem(403, "FORBIDDEN");
                client.patch(path, &json!({})).await.expect_problem(403, "FORBIDDEN");
                client.delete(path).await.expect_problem(403, "FORBIDDEN");
            }
        }
        let books = app.client(&[Role::Accountant]);
        books.get("/api/v1/patients").await.expect(200);
        books.post("/api/v1/patients", &patient(json!({}))).await.expect_problem(403, "FORBIDDEN");
        let device = app.client(&[Role::Device]);
        for path in ["patients", "patients/me", "practitioners", "departments"] {
            device.get(&format!("/api/v1/{path}")).await.expect_problem(403, "FORBIDDEN");
            app.anonymous().get(&format!("/api/v1/{path}")).await.expect_problem(401, "UNAUTHENTICATED");
        }
        let unknown: PatientId = hms_model::id::Id::new(app.clock.now());
        app.anonymous().delete(&format!("/api/v1/patients/{unknown}")).await.expect_problem(401, "UNAUTHENTICATED");
    }
}
