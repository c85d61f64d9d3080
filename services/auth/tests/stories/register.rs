//! `/auth/register`.

use hms_model::event::AccountRegistered;
use hms_model::role::Role;
use hms_testkit::on_both_back_ends;
use serde_json::json;

use crate::{App, PASSWORD, audit, last_act, register, sign_in, try_password};

const PATH: &str = "/api/v1/auth/register";

on_both_back_ends! {
    async fn a_patient_registers_and_signs_in(backend) {
        let app = App::start(backend).await;
        let form = json!({"email": "Ann@Example.org", "password": PASSWORD, "username": "Ann.Andersson"});
        let account = app.anonymous().post(PATH, &form).await;
        insta::assert_json_snapshot!(account.expect(201).body, { ".id" => "[id]" }, @r#"
        {
          "created_at": "2026-03-02T08:00:00Z",
          "email": "ann@example.org",
          "email_verified": false,
          "id": "[id]",
          "language": null,
          "patient_id": null,
          "practitioner_id": null,
          "roles": [
            "patient"
          ],
          "status": "active",
          "updated_at": "2026-03-02T08:00:00Z",
          "username": "ann.andersson",
          "version": 1
        }
        "#);
        assert_eq!(account.header("etag"), "\"1\"");
        assert_eq!(account.header("location"), format!("/api/v1/accounts/{}", account.text("id")));

        let told = app.published_of::<AccountRegistered>().await.pop().unwrap();
        let expected = AccountRegistered { account_id: account.id(), version: 1, roles: vec![Role::Patient] };
        assert_eq!(told, expected);
        assert_eq!(last_act(&app).await, r#"create account success by "patient": "#);
        assert_eq!(audit(&app).await.pop().unwrap().actor.account_id, Some(account.id()));
        let mut everything = app.published().await;
        everything.retain(|event| event.kind != "account.verification_requested");
        let everything = serde_json::to_string(&everything).unwrap();
        assert!(!everything.contains("example.org"), "no e-mail address leaves but for the mail: {everything}");

        sign_in(&app, "ann.andersson").await.expect(200);
    }

    async fn a_name_belongs_to_one_account(backend) {
        let app = App::start(backend).await;
        let form = json!({"email": "ann@example.org", "password": PASSWORD, "username": "ann"});
        app.anonymous().post(PATH, &form).await.expect(201);
        let before = app.published().await.len();
        for (email, username, field) in
            [("ANN@example.org", "ann2", "email"), ("ann2@example.org", "ANN", "username")]
        {
            let form = json!({"email": email, "password": PASSWORD, "username": username});
            let answer = app.anonymous().post(PATH, &form).await;
            answer.expect_problem(409, "DUPLICATE");
            assert_eq!(answer["error"]["details"]["field"], field);
        }
        assert_eq!(app.published().await.len(), before);
    }

    async fn of_many_who_want_one_name_at_once_one_gets_it(backend) {
        let app = App::start(backend).await;
        let all = futures_util::future::join_all((0..8).map(|_| register(&app, "ann@example.org"))).await;
        let mut statuses: Vec<_> = all.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    }

    async fn a_repeated_request_gives_the_first_answer(backend) {
        let app = App::start(backend).await;
        let key = [("Idempotency-Key", "registration-1")];
        let form = json!({"email": "ann@example.org", "password": PASSWORD});
        let first = app.anonymous().post_with(PATH, &form, &key).await;
        let again = app.anonymous().post_with(PATH, &form, &key).await;
        assert_eq!(first.expect(201).body, again.expect(201).body);
        let other = json!({"email": "ben@example.org", "password": PASSWORD});
        let other = app.anonymous().post_with(PATH, &other, &key).await;
        other.expect_problem(422, "IDEMPOTENCY_MISMATCH");
        // Of the password no fast hash is kept, not even to tell a repetition: another one changes nothing.
        let form = json!({"email": "ann@example.org", "password": "another-good-password"});
        let again = app.anonymous().post_with(PATH, &form, &key).await;
        assert_eq!(first.body, again.expect(201).body);
        try_password(&app, "ann@example.org", "another-good-password").await.expect(401);
        sign_in(&app, "ann@example.org").await.expect(200);
    }

    async fn a_weak_password_is_refused_with_the_reason(backend) {
        let app = App::start(backend).await;
        for (password, reason) in [
            ("short", "password: must have at least 15 characters"),
            ("correcthorsebatterystaple", "password: is one of those that are guessed first"),
            ("ababababababababab", "password: repeats the same few characters"),
            ("ann.andersson@example.org", "password: must not be the e-mail address or the user name"),
            (&"x7Kp".repeat(33), "password: must have at most 128 characters"),
        ] {
            let form = json!({"email": "ann.andersson@example.org", "password": password});
            let answer = app.anonymous().post(PATH, &form).await;
            answer.expect_problem(422, "WEAK_PASSWORD");
            assert_eq!(answer["error"]["message"], reason);
            assert_eq!(answer["error"]["details"]["field"], "password");
        }
        sign_in(&app, "ann.andersson@example.org").await.expect(401);
    }
}
