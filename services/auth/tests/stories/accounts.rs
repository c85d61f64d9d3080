//! What the admins do with accounts: `/accounts`.

use chrono::TimeDelta;
use hms_model::event::{AccountRegistered, PractitionerCreated, PractitionerFacts};
use hms_model::id::{Id, PractitionerId};
use hms_model::role::Role;
use hms_testkit::{Client, on_both_back_ends};
use serde_json::{Value, json};

use crate::{App, PASSWORD, audit, claims, last_act, sign_in};

const PATH: &str = "/api/v1/accounts";

on_both_back_ends! {
    async fn an_admin_makes_an_account_for_a_doctor(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let practitioner: PractitionerId = Id::new(app.clock.now());
        app.deliver(&PractitionerCreated(facts(practitioner))).await;
        let form = json!({
            "email": "dr.lind@hospital.example", "password": PASSWORD, "username": "lind",
            "roles": ["doctor", "staff", "doctor"], "practitioner_id": practitioner,
        });
        let account = admin.post(PATH, &form).await;
        assert_eq!(account.expect(201)["roles"], json!(["doctor", "staff"]));
        assert_eq!(account["practitioner_id"], json!(practitioner));
        let told = app.published_of::<AccountRegistered>().await.pop().unwrap();
        assert_eq!(told.roles, [Role::Doctor, Role::Staff]);
        assert_eq!(last_act(&app).await, r#"create account success by "admin": "#);
        let entry = audit(&app).await.pop().unwrap();
        assert_eq!(entry.actor.account_id, Some(app.account_id(&admin).await));
        assert_eq!(entry.resource_id, Some(account.text("id")));

        let location = account.header("location").to_owned();
        let read = admin.get(&location).await;
        assert_eq!(read.expect(200).body, account.body);
        assert_eq!(read.header("etag"), "\"1\"");
        let claims = claims(&app, &sign_in(&app, "lind").await).await;
        assert_eq!(claims.practitioner_id, Some(practitioner));
        assert_eq!(claims.roles, [Role::Doctor, Role::Staff]);
    }

    async fn an_account_needs_a_role_and_records_that_exist(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let unknown = "0197a3c2-5b1e-7c4d-9f00-3b2a1c0d4e5f";
        for (more, status, code, field) in [
            (json!({"roles": []}), 422, "UNPROCESSABLE", "roles"),
            (json!({"roles": ["patient"], "patient_id": unknown}), 422, "UNKNOWN_REFERENCE", "patient_id"),
            (json!({"roles": ["doctor"], "practitioner_id": unknown}), 422, "UNKNOWN_REFERENCE", "practitioner_id"),
            (json!({"roles": ["nurse"], "password": "short"}), 422, "WEAK_PASSWORD", "password"),
        ] {
            let mut form = json!({"email": "lind@hospital.example", "password": PASSWORD});
            form.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let answer = admin.post(PATH, &form).await;
            answer.expect_problem(status, code);
            assert_eq!(answer["error"]["details"]["field"], field);
        }
        assert!(audit(&app).await.is_empty());
    }

    async fn the_same_request_again_makes_no_second_account(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let key = [("Idempotency-Key", "lind")];
        let form = json!({"email": "lind@hospital.example", "password": PASSWORD, "roles": ["doctor"]});
        let first = admin.post_with(PATH, &form, &key).await;
        assert_eq!(admin.post_with(PATH, &form, &key).await.expect(201).body, first.expect(201).body);
        let form = json!({"email": "lind@hospital.example", "password": PASSWORD, "roles": ["nurse"]});
        admin.post_with(PATH, &form, &key).await.expect_problem(422, "IDEMPOTENCY_MISMATCH");
        admin.post(PATH, &form).await.expect_problem(409, "DUPLICATE");
    }

    async fn an_account_is_disabled_and_enabled_again(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let path = make(&admin, "lind@hospital.example", "doctor").await;
        app.clock.advance(TimeDelta::minutes(5));
        let disabled = admin.json("PATCH", &path, &json!({"status": "disabled"}), &[("If-Match", "\"1\"")]).await;
        assert_eq!(disabled.expect(200)["status"], "disabled");
        assert_eq!((disabled.header("etag"), &disabled["version"]), ("\"2\"", &json!(2)));
        assert_eq!(disabled["updated_at"], "2026-03-02T08:05:00Z");
        assert_eq!(last_act(&app).await, r#"update account success by "admin": status"#);
        sign_in(&app, "lind@hospital.example").await.expect_problem(401, "INVALID_CREDENTIALS");

        // What is so already is not changed once more.
        let told = audit(&app).await.len();
        assert_eq!(admin.patch(&path, &json!({"status": "disabled"})).await.expect(200)["version"], 2);
        assert_eq!(audit(&app).await.len(), told);

        let stale = admin.json("PATCH", &path, &json!({"status": "active"}), &[("If-Match", "\"1\"")]).await;
        stale.expect_problem(412, "PRECONDITION_FAILED");
        admin.patch(&path, &json!({"status": "active"})).await.expect(200);
        sign_in(&app, "lind@hospital.example").await.expect(200);
    }

    async fn nobody_disables_their_own_account(backend) {
        let app = crate::hospital(backend).await;
        let tokens = sign_in(&app, "admin").await;
        let path = format!("{PATH}/{}", tokens["account"]["id"].as_str().unwrap());
        let admin = app.anonymous().with_token(tokens.text("access"));
        let answer = admin.patch(&path, &json!({"status": "disabled"})).await;
        answer.expect_problem(422, "UNPROCESSABLE");
        assert_eq!(answer["error"]["details"]["field"], "status");
        sign_in(&app, "admin").await.expect(200);
    }

    async fn of_changes_at_once_each_follows_on_the_one_before(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let path = make(&admin, "lind@hospital.example", "doctor").await;
        let change = json!({"status": "disabled"});
        let seen = [("If-Match", "\"1\"")];
        let all = (0..6).map(|_| admin.json("PATCH", &path, &change, &seen));
        let all = futures_util::future::join_all(all).await;
        let mut statuses: Vec<_> = all.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412, 412, 412]);
    }

    async fn accounts_are_listed_filtered_searched_and_ordered(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        for (name, role) in [("cecil", "nurse"), ("ann", "doctor"), ("ben", "nurse")] {
            app.clock.advance(TimeDelta::minutes(1));
            make(&admin, &format!("{name}@ward.example"), role).await;
        }
        let ben = admin.get(&format!("{PATH}?email=ben@ward.example")).await.results()[0]["id"].clone();
        let path = format!("{PATH}/{}", ben.as_str().unwrap());
        admin.patch(&path, &json!({"status": "disabled"})).await.expect(200);
        for (query, expected) in [
            ("", "ben ann cecil admin"),
            ("search=WARD", "ben ann cecil"),
            ("search=dmi", "admin"),
            ("search=w_rd", ""),
            ("role=nurse", "ben cecil"),
            ("role__in=doctor,admin", "ann admin"),
            ("status=disabled", "ben"),
            ("status=active&role=nurse", "cecil"),
            ("email=ANN@ward.example", "ann"),
            ("created_at__gt=2026-03-02T08:01:00Z", "ben ann"),
            ("search=ward&ordering=email", "ann ben cecil"),
            ("search=ward&ordering=-email", "cecil ben ann"),
            ("ordering=created_at", "admin cecil ann ben"),
        ] {
            let page = admin.get(&format!("{PATH}?{query}")).await;
            assert_eq!(names(page.expect(200).results()), expected, "{query}");
            let count = expected.split_whitespace().count();
            assert_eq!(page["count"], count, "{query}");
        }
        let roles = &admin.get(&format!("{PATH}?search=ann@")).await["results"][0]["roles"];
        assert_eq!(*roles, json!(["doctor"]));
    }

    async fn a_list_has_pages_and_cursors(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        for name in ["ann", "ben", "cecil", "dora"] {
            make(&admin, &format!("{name}@ward.example"), "nurse").await;
        }
        let first = admin.get(&format!("{PATH}?role=nurse&page_size=3")).await;
        assert_eq!((names(first.results()).as_str(), &first["count"]), ("dora cecil ben", &json!(4)));
        let second = admin.get(first["next"].as_str().unwrap()).await;
        assert_eq!((names(second.results()).as_str(), &second["next"]), ("ann", &Value::Null));
        let first = admin.get(&format!("{PATH}?role=nurse&page_size=3&cursor=")).await;
        assert_eq!((names(first.results()).as_str(), &first["count"]), ("dora cecil ben", &Value::Null));
        let second = admin.get(first["next"].as_str().unwrap()).await;
        assert_eq!((names(second.results()).as_str(), &second["next"]), ("ann", &Value::Null));
    }

    async fn accounts_are_for_admins_alone(backend) {
        let app = App::start(backend).await;
        let path = make(&app.client(&[Role::Admin]), "lind@hospital.example", "doctor").await;
        let form = json!({"email": "x@hospital.example", "password": PASSWORD, "roles": ["admin"]});
        let change = json!({"status": "disabled"});
        let told = app.published().await.len();
        for role in [Role::Doctor, Role::Receptionist, Role::Staff, Role::Patient, Role::Service] {
            let client = app.client(&[role]);
            client.post(PATH, &form).await.expect_problem(403, "FORBIDDEN");
            client.get(PATH).await.expect_problem(403, "FORBIDDEN");
            client.get(&path).await.expect_problem(403, "FORBIDDEN");
            client.patch(&path, &change).await.expect_problem(403, "FORBIDDEN");
        }
        let stranger = app.anonymous();
        stranger.post(PATH, &form).await.expect_problem(401, "UNAUTHENTICATED");
        stranger.get(PATH).await.expect_problem(401, "UNAUTHENTICATED");
        stranger.get(&path).await.expect_problem(401, "UNAUTHENTICATED");
        stranger.patch(&path, &change).await.expect_problem(401, "UNAUTHENTICATED");
        assert_eq!(app.published().await.len(), told);
    }
}

/// Makes an account; its path.
async fn make(admin: &Client, email: &str, role: &str) -> String {
    let form = json!({"email": email, "password": PASSWORD, "roles": [role]});
    admin.post(PATH, &form).await.expect(201).header("location").to_owned()
}

/// The first parts of the e-mail addresses.
fn names(results: &[Value]) -> String {
    let names = results.iter().map(|account| account["email"].as_str().unwrap().split('@').next().unwrap());
    names.collect::<Vec<_>>().join(" ")
}

fn facts(practitioner_id: PractitionerId) -> PractitionerFacts {
    PractitionerFacts {
        practitioner_id,
        version: 1,
        account_id: None,
        name: "Dr Lind".into(),
        specialty: None,
        department_id: None,
        active: true,
    }
}
