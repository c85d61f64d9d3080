//! Departments and sites.

use hms_model::event::{DepartmentCreated, DepartmentUpdated};
use hms_testkit::on_both_back_ends;
use serde_json::{Value, json};

use crate::surroundings::{Action, App, Role, audited_of, column};

on_both_back_ends! {
    async fn a_department_is_made_changed_and_closed(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let created = admin.post("/api/v1/departments", &json!({
            "name": "St. Mary's", "kind": "hospital", "address": {"city": "London", "country": "GB"},
        })).await;
        created.expect(201);
        insta::assert_json_snapshot!(created.body, {".id" => "[id]"}, @r#"
        {
          "address": {
            "city": "London",
            "country": "GB",
            "line": null,
            "postal_code": null,
            "state": null
          },
          "created_at": "2026-03-02T08:00:00Z",
          "id": "[id]",
          "identifiers": [],
          "kind": "hospital",
          "name": "St. Mary's",
          "phone": null,
          "status": "active",
          "updated_at": "2026-03-02T08:00:00Z",
          "version": 1
        }
        "#);
        let path = created.header("location");
        assert_eq!(admin.get(path).await.expect(200).body, created.body);

        let patched = admin.patch(path, &json!({"address": {"line": "Praed St"}, "phone": "+442033126666"})).await;
        assert_eq!((&patched.expect(200)["address"]["city"], patched.header("etag")), (&json!("London"), "\"2\""));
        let replaced = admin.put(path, &json!({"name": "St. Mary's"})).await;
        assert_eq!((&replaced.expect(200)["kind"], &replaced["phone"]), (&json!("department"), &Value::Null));
        let stale = admin.request("DELETE", path, &[("if-match", "\"2\"")], None).await;
        stale.expect_problem(412, "PRECONDITION_FAILED");
        admin.delete(path).await.expect(204);
        assert_eq!(admin.get(path).await["status"], "inactive");
        admin.get("/api/v1/departments/0197a3c2-5b1e-7c4d-9f00-3b2a1c0d4e5f").await.expect_problem(404, "NOT_FOUND");

        assert_eq!(app.published_of::<DepartmentCreated>().await[0].0.name, "St. Mary's");
        let changed = app.published_of::<DepartmentUpdated>().await;
        let told: Vec<_> = changed.iter().map(|DepartmentUpdated(facts)| (facts.version, facts.active)).collect();
        assert_eq!(told, [(2, true), (3, true), (4, false)]);
        let audited = audited_of(&app, Action::Update, "department").await;
        let details: Vec<_> = audited.iter().map(|entry| entry.detail.as_deref().unwrap()).collect();
        assert_eq!(details, ["phone, address", "kind, phone, address"]);
        assert_eq!(audited_of(&app, Action::Delete, "department").await.len(), 1);
    }

    async fn departments_are_listed_filtered_searched_and_ordered(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        for body in [
            json!({"name": "Cardiology"}),
            json!({"name": "Ålesund Clinic", "kind": "clinic", "identifiers": [{"system": "urn:o", "value": "1"}]}),
            json!({"name": "Burns", "kind": "site"}),
        ] {
            admin.post("/api/v1/departments", &body).await.expect(201);
        }
        let twice = admin.post("/api/v1/departments", &json!({"name": "X", "identifiers": [{"system": "urn:o", "value": "1"}]})).await;
        twice.expect_problem(409, "DUPLICATE");
        for (query, names) in [
            ("", vec!["Burns", "Ålesund Clinic", "Cardiology"]),
            ("kind__in=clinic,site", vec!["Burns", "Ålesund Clinic"]),
            ("search=%C3%85LES+clin", vec!["Ålesund Clinic"]),
            ("identifier=urn:o%7C1", vec!["Ålesund Clinic"]),
            ("ordering=name", vec!["Burns", "Cardiology", "Ålesund Clinic"]),
            ("ordering=-created_at&page_size=1", vec!["Burns"]),
            ("status=inactive", vec![]),
        ] {
            let list = admin.get(&format!("/api/v1/departments?{query}")).await;
            list.expect(200);
            assert_eq!(column(&list, "name"), names, "{query}");
        }
    }
}
