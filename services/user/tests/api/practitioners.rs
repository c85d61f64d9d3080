//! Practitioners.

use hms_model::event::{PractitionerCreated, PractitionerUpdated};
use hms_testkit::on_both_back_ends;
use serde_json::{Value, json};

use crate::surroundings::{Action, App, Role, audited_of, column, practitioner};

on_both_back_ends! {
    async fn a_practitioner_is_registered_changed_and_retired(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let department = admin.post("/api/v1/departments", &json!({"name": "Nephrology"})).await;
        let created = admin.post("/api/v1/practitioners", &practitioner(json!({
            "prefix": "Dr.", "specialty": "Nephrology", "department_id": department["id"],
            "identifiers": [{"system": "urn:npi", "value": "9999"}],
        }))).await;
        created.expect(201);
        insta::assert_json_snapshot!(created.body, {".id" => "[id]", ".department_id" => "[department]"}, @r#"
        {
          "account_id": null,
          "created_at": "2026-03-02T08:00:00Z",
          "department_id": "[department]",
          "email": null,
          "family_name": "House",
          "gender": null,
          "given_name": "Gregory",
          "id": "[id]",
          "identifiers": [
            {
              "system": "urn:npi",
              "value": "9999"
            }
          ],
          "phone": null,
          "prefix": "Dr.",
          "specialty": "Nephrology",
          "status": "active",
          "updated_at": "2026-03-02T08:00:00Z",
          "version": 1
        }
        "#);
        let path = created.header("location");
        assert_eq!(admin.get(path).await.expect(200).body, created.body);

        let patched = admin.patch(path, &json!({"specialty": null, "email": "house@example.org"})).await;
        assert_eq!((&patched.expect(200)["specialty"], patched.header("etag")), (&Value::Null, "\"2\""));
        let stale = admin.json("PUT", path, &practitioner(json!({})), &[("if-match", "\"1\"")]).await;
        stale.expect_problem(412, "PRECONDITION_FAILED");
        let replaced = admin.put(path, &practitioner(json!({"prefix": "Prof."}))).await;
        assert_eq!((&replaced.expect(200)["department_id"], &replaced["identifiers"]), (&Value::Null, &json!([])));
        admin.delete(path).await.expect(204);
        assert_eq!(admin.get(path).await["status"], "inactive");
        assert_eq!(admin.patch(path, &json!({"status": "active"})).await["status"], "active");

        let made = app.published_of::<PractitionerCreated>().await;
        assert_eq!((made[0].0.name.as_str(), made[0].0.specialty.as_deref()), ("Dr. Gregory House", Some("Nephrology")));
        assert_eq!(made[0].0.department_id.map(|id| id.to_string()), Some(department.text("id")));
        let changed = app.published_of::<PractitionerUpdated>().await;
        let told: Vec<_> = changed.iter().map(|PractitionerUpdated(facts)| (facts.version, facts.active)).collect();
        assert_eq!(told, [(2, true), (3, true), (4, false), (5, true)]);
        let audited = audited_of(&app, Action::Update, "practitioner").await;
        let details: Vec<_> = audited.iter().map(|entry| entry.detail.as_deref().unwrap()).collect();
        assert_eq!(details, ["specialty, email", "prefix, department_id, email, identifiers", "status"]);
        assert_eq!(audited_of(&app, Action::Create, "practitioner").await.len(), 1);
        assert_eq!(audited_of(&app, Action::Delete, "practitioner").await.len(), 1);
    }

    async fn a_practitioner_belongs_to_a_department_that_exists(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let nowhere = json!({"department_id": "0197a3c2-5b1e-7c4d-9f00-3b2a1c0d4e5f"});
        let created = admin.post("/api/v1/practitioners", &practitioner(nowhere.clone())).await;
        created.expect_problem(422, "UNKNOWN_REFERENCE");
        assert_eq!(created["error"]["details"]["field"], "department_id");
        let house = admin.post("/api/v1/practitioners", &practitioner(json!({}))).await;
        let moved = admin.patch(house.header("location"), &nowhere).await;
        moved.expect_problem(422, "UNKNOWN_REFERENCE");
        assert_eq!(admin.get(house.header("location")).await.body, house.body);
    }

    async fn practitioners_are_listed_filtered_searched_and_ordered(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let ward = admin.post("/api/v1/departments", &json!({"name": "Ward"})).await.text("id");
        for (given, family, more) in [
            ("Ada", "Çelik", json!({"specialty": "Cardiology", "department_id": ward, "gender": "female"})),
            ("Bob", "Bones", json!({"specialty": "Cardiac Surgery", "email": "b@example.org"})),
            ("Cem", "Adler", json!({"phone": "+14155552671", "identifiers": [{"system": "urn:npi", "value": "7"}]})),
        ] {
            let mut body = practitioner(more);
            body["given_name"] = json!(given);
            body["family_name"] = json!(family);
            admin.post("/api/v1/practitioners", &body).await.expect(201);
        }
        let by_department = format!("department_id={ward}");
        for (query, names) in [
            ("", vec!["Cem", "Bob", "Ada"]),
            ("search=cardi", vec!["Bob", "Ada"]),
            ("search=SURG+cardiac", vec!["Bob"]),
            ("search=%C3%87EL", vec!["Ada"]),
            ("specialty=Cardiology", vec!["Ada"]),
            ("gender=female", vec!["Ada"]),
            (&by_department, vec!["Ada"]),
            ("email=b@example.org", vec!["Bob"]),
            ("phone=%2B14155552671", vec!["Cem"]),
            ("identifier=urn:npi%7C7", vec!["Cem"]),
            ("ordering=family_name", vec!["Cem", "Bob", "Ada"]),
            ("ordering=-family_name&page_size=1", vec!["Ada"]),
            ("status=inactive", vec![]),
            ("cursor=&page_size=2", vec!["Cem", "Bob"]),
        ] {
            let list = admin.get(&format!("/api/v1/practitioners?{query}")).await;
            list.expect(200);
            assert_eq!(column(&list, "given_name"), names, "{query}");
        }
        assert_eq!(admin.get("/api/v1/practitioners?page_size=1").await["count"], 3);
        admin.get("/api/v1/practitioners?age=3").await.expect_problem(400, "UNKNOWN_FILTER");
    }
}
