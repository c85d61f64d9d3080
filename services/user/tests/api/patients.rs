//! One patient: registered, read, changed, taken out of use.

use hms_model::event::{PatientCreated, PatientUpdated};
use hms_model::id::PatientId;
use hms_testkit::on_both_back_ends;
use serde_json::{Value, json};

use crate::surroundings::{Action, App, Role, audited_of, patient};

on_both_back_ends! {
    async fn a_patient_is_registered_and_read_back(backend) {
        let app = App::start(backend).await;
        let desk = app.client(&[Role::Receptionist]);
        let created = desk.post("/api/v1/patients", &patient(json!({
            "phone": "+14155552671",
            "email": "Ann.Lee@Example.org",
            "address": {"line": "1 Main St", "city": "Boston", "state": "MA", "postal_code": "02115", "country": "US"},
            "identifiers": [{"system": "urn:ssn", "value": "999-12-3456"}],
        }))).await;
        created.expect(201);
        insta::assert_json_snapshot!(created.body, {".id" => "[id]", ".mrn" => "[mrn]"}, @r#"
        {
          "account_id": null,
          "address": {
            "city": "Boston",
            "country": "US",
            "line": "1 Main St",
            "postal_code": "02115",
            "state": "MA"
          },
          "birth_date": "1984-02-29",
          "created_at": "2026-03-02T08:00:00Z",
          "deceased_at": null,
          "email": "ann.lee@example.org",
          "family_name": "Lee",
          "gender": "female",
          "given_name": "Ann",
          "id": "[id]",
          "identifiers": [
            {
              "system": "urn:ssn",
              "value": "999-12-3456"
            }
          ],
          "language": null,
          "mrn": "[mrn]",
          "phone": "+14155552671",
          "status": "active",
          "updated_at": "2026-03-02T08:00:00Z",
          "version": 1
        }
        "#);
        assert_eq!(created.header("location"), format!("/api/v1/patients/{}", created.text("id")));
        assert_eq!(created.header("etag"), "\"1\"");
        let mrn = created.text("mrn");
        assert!(mrn.len() == 10 && mrn.starts_with("P-"), "{mrn}");

        let read = desk.get(created.header("location")).await;
        assert_eq!(read.expect(200).body, created.body);
        assert_eq!(read.header("etag"), "\"1\"");
    }

    async fn others_and_the_audit_are_told_of_each_change(backend) {
        let app = App::start(backend).await;
        let desk = app.client(&[Role::Receptionist]);
        let created = desk.post("/api/v1/patients", &patient(json!({"email": "ann@example.org", "language": "DE-AT"}))).await;
        let id: PatientId = created.expect(201).id();
        let path = format!("/api/v1/patients/{id}");
        desk.patch(&path, &json!({"given_name": "Anna", "email": null})).await.expect(200);
        desk.patch(&path, &json!({"given_name": "Anna"})).await.expect(200);
        desk.delete(&path).await.expect(204);

        let born = app.published_of::<PatientCreated>().await;
        assert_eq!((born.len(), born[0].0.name.as_str(), born[0].0.active), (1, "Ann Lee", true));
        assert_eq!(born[0].0.email.as_deref(), Some("ann@example.org"));
        assert_eq!(born[0].0.language.as_deref(), Some("de-AT"));
        let changes = app.published_of::<PatientUpdated>().await;
        let told: Vec<_> = changes.iter().map(|PatientUpdated(facts)| (facts.version, facts.name.as_str(), facts.active)).collect();
        assert_eq!(told, [(2, "Anna Lee", true), (3, "Anna Lee", false)]);
        assert_eq!(changes[0].0.email, None);

        let made = audited_of(&app, Action::Create, "patient").await;
        assert_eq!((made.len(), made[0].patient_ids.as_slice()), (1, [id].as_slice()));
        assert_eq!(made[0].actor.account_id, Some(app.account_id(&desk).await));
        let changed = audited_of(&app, Action::Update, "patient").await;
        let details: Vec<_> = changed.iter().map(|entry| entry.detail.as_deref().unwrap()).collect();
        assert_eq!(details, ["given_name, email", "nothing changed"]);
        let deleted = audited_of(&app, Action::Delete, "patient").await;
        assert_eq!((deleted.len(), deleted[0].detail.as_deref()), (1, Some("status")));
    }

    async fn each_read_is_audited_before_it_is_shown(backend) {
        let app = App::start(backend).await;
        let desk = app.client(&[Role::Receptionist]);
        let ann: PatientId = desk.post("/api/v1/patients", &patient(json!({}))).await.id();
        let bob: PatientId = desk.post("/api/v1/patients", &patient(json!({"given_name": "Bob"}))).await.id();
        desk.get(&format!("/api/v1/patients/{ann}")).await.expect(200);
        let reads = audited_of(&app, Action::Read, "patient").await;
        assert_eq!((reads.len(), reads[0].resource_id.as_deref()), (1, Some(ann.to_string().as_str())));
        assert_eq!(reads[0].patient_ids, [ann]);

        desk.get("/api/v1/patients").await.expect(200);
        let reads = audited_of(&app, Action::Read, "patient").await;
        assert_eq!((reads.len(), reads[1].patient_ids.as_slice()), (2, [ann, bob].as_slice()));

        desk.get("/api/v1/patients?search=nobody").await.expect(200);
        desk.get("/api/v1/patients/0197a3c2-5b1e-7c4d-9f00-3b2a1c0d4e5f").await.expect_problem(404, "NOT_FOUND");
        assert_eq!(audited_of(&app, Action::Read, "patient").await.len(), 2, "nobody was shown");
    }

    async fn put_replaces_all_and_patch_what_it_names(backend) {
        let app = App::start(backend).await;
        let desk = app.client(&[Role::Receptionist]);
        let created = desk.post("/api/v1/patients", &patient(json!({
            "phone": "+14155552671",
            "address": {"city": "Boston", "country": "US"},
            "identifiers": [{"system": "urn:a", "value": "1"}, {"system": "urn:b", "value": "1"}],
        }))).await;
        let path = created.header("location");

        let patched = desk.patch(path, &json!({
            "address": {"city": "Salem", "postal_code": "01970"},
            "identifiers": [{"system": "urn:b", "value": "1"}, {"system": "urn:c", "value": "1"}],
        })).await;
        patched.expect(200);
        assert_eq!(patched["version"], 2);
        assert_eq!(patched["phone"], "+14155552671");
        assert_eq!(
            patched["address"],
            json!({"line": null, "city": "Salem", "state": null, "postal_code": "01970", "country": "US"})
        );

        let replaced = desk.put(path, &patient(json!({"email": "ann@example.org"}))).await;
        replaced.expect(200);
        assert_eq!((&replaced["phone"], &replaced["address"]), (&Value::Null, &Value::Null));
        assert_eq!((&replaced["identifiers"], &replaced["version"]), (&json!([]), &json!(3)));
        assert_eq!(replaced["mrn"], created["mrn"]);
        assert_eq!(desk.get(path).await.body, replaced.body);

        // What was given up is free again.
        let identifiers = json!([{"system": "urn:a", "value": "1"}, {"system": "urn:c", "value": "1"}]);
        desk.post("/api/v1/patients", &patient(json!({"identifiers": identifiers}))).await.expect(201);
    }

    async fn an_identifier_is_one_patients_only(backend) {
        let app = App::start(backend).await;
        let desk = app.client(&[Role::Receptionist]);
        let identifiers = json!([{"system": "urn:ssn", "value": "1"}]);
        let first = desk.post("/api/v1/patients", &patient(json!({"identifiers": identifiers}))).await;
        let second = desk.post("/api/v1/patients", &patient(json!({
            "identifiers": [{"system": "urn:other", "value": "1"}, {"system": "urn:ssn", "value": "1"}],
        }))).await;
        second.expect_problem(409, "DUPLICATE");
        assert_eq!(second["error"]["details"]["id"], first["id"]);
        assert_eq!(desk.get("/api/v1/patients").await["count"], 1);

        let other = desk.post("/api/v1/patients", &patient(json!({}))).await;
        let taken = desk.patch(other.header("location"), &json!({"identifiers": identifiers})).await;
        taken.expect_problem(409, "DUPLICATE");
        assert_eq!(taken["error"]["details"]["id"], first["id"]);
        assert_eq!(desk.get(other.header("location")).await.body, other.body);

        let found = desk.get("/api/v1/patients?identifier=urn:ssn%7C1").await;
        assert_eq!((&found["count"], &found.results()[0]["id"]), (&json!(1), &first["id"]));
        let found = desk.get("/api/v1/patients?identifier__in=urn:ssn%7C1,urn:other%7C1").await;
        assert_eq!(found["count"], 1);
    }

    async fn a_version_that_was_not_seen_is_not_overwritten(backend) {
        let app = App::start(backend).await;
        let desk = app.client(&[Role::Receptionist]);
        let created = desk.post("/api/v1/patients", &patient(json!({}))).await;
        let path = created.header("location");
        let seen = [("if-match", "\"1\"")];
        desk.json("PATCH", path, &json!({"given_name": "Anna"}), &seen).await.expect(200);

        let stale = desk.json("PATCH", path, &json!({"given_name": "Annika"}), &seen).await;
        stale.expect_problem(412, "PRECONDITION_FAILED");
        desk.json("PUT", path, &patient(json!({})), &seen).await.expect_problem(412, "PRECONDITION_FAILED");
        desk.request("DELETE", path, &seen, None).await.expect_problem(412, "PRECONDITION_FAILED");
        let now = desk.get(path).await;
        assert_eq!((&now["given_name"], now.header("etag")), (&json!("Anna"), "\"2\""));
        desk.request("DELETE", path, &[("if-match", "\"2\"")], None).await.expect(204);
    }

    async fn the_status_tells_of_use_and_of_death(backend) {
        let app = App::start(backend).await;
        let desk = app.client(&[Role::Receptionist]);
        let created = desk.post("/api/v1/patients", &patient(json!({}))).await;
        let path = created.header("location");
        let died = desk.patch(path, &json!({"deceased_at": "2026-03-01T22:00:00.123456789Z"})).await;
        assert_eq!((&died["status"], &died["deceased_at"]), (&json!("deceased"), &json!("2026-03-01T22:00:00.123456Z")));
        let alive = desk.patch(path, &json!({"status": "active"})).await;
        alive.expect_problem(409, "ILLEGAL_TRANSITION");
        assert_eq!(alive["error"]["details"], json!({"status": "deceased", "allowed": ["deceased", "inactive"]}));
        assert_eq!(desk.patch(path, &json!({"deceased_at": null})).await["status"], "active");

        desk.delete(path).await.expect(204);
        desk.delete(path).await.expect(204);
        assert_eq!(desk.get(path).await["status"], "inactive");
        assert_eq!(desk.patch(path, &json!({"status": "active"})).await["status"], "active");
        let told: Vec<_> = app.published_of::<PatientUpdated>().await.iter().map(|PatientUpdated(facts)| facts.active).collect();
        assert_eq!(told, [false, true, false, true]);
    }
}
