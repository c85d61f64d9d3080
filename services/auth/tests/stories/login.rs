//! Signing in: `/auth/login`, `/auth/token`, `/auth/me`.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::Text;
use hms_db::Db;
use hms_testkit::on_both_back_ends;
use serde_json::json;

use crate::{ADMIN, PASSWORD, audit, claims, client, hospital, last_act, register, sign_in, try_password};

on_both_back_ends! {
    async fn who_signs_in_gets_tokens_and_the_account(backend) {
        let app = hospital(backend).await;
        let tokens = sign_in(&app, "chief@hospital.example").await;
        tokens.expect(200);
        assert_eq!(tokens.header("cache-control"), "no-store");
        insta::assert_json_snapshot!(tokens.body, {
            ".access" => "[access]", ".refresh" => "[refresh]", ".device_token" => "[device]", ".account.id" => "[id]",
        }, @r#"
        {
          "access": "[access]",
          "account": {
            "created_at": "2026-03-02T08:00:00Z",
            "email": "chief@hospital.example",
            "email_verified": true,
            "id": "[id]",
            "language": null,
            "patient_id": null,
            "practitioner_id": null,
            "roles": [
              "admin"
            ],
            "status": "active",
            "updated_at": "2026-03-02T08:00:00Z",
            "username": "admin",
            "version": 1
          },
          "device_token": "[device]",
          "expires_in": 900,
          "refresh": "[refresh]",
          "token_type": "Bearer"
        }
        "#);
        let claims = claims(&app, &tokens).await;
        assert_eq!(json!(claims.sub), tokens["account"]["id"]);
        assert_eq!(claims.exp - claims.iat, 900);
        assert_eq!(last_act(&app).await, r#"execute session success by "admin": "#);
        let entry = audit(&app).await.pop().unwrap();
        assert_eq!(entry.actor.account_id, Some(claims.sub));
        assert_eq!(entry.resource_id, Some(claims.sid.to_string()));
    }

    async fn an_account_is_found_by_either_name_in_any_case(backend) {
        let app = hospital(backend).await;
        for name in ["chief@hospital.example", "Chief@Hospital.EXAMPLE", "admin", " ADMIN "] {
            sign_in(&app, name).await.expect(200);
        }
        let credentials = json!({"username": "admin", "password": PASSWORD});
        let twin = app.anonymous().post("/api/v1/auth/token", &credentials).await;
        assert!(twin.expect(200)["access"].is_string() && twin["refresh"].is_string());
        assert_eq!(twin.header("cache-control"), "no-store");
    }

    async fn a_wrong_password_and_an_unknown_user_get_the_same_answer(backend) {
        let app = hospital(backend).await;
        register(&app, "ann@example.org").await.expect(201);
        let mut answers = Vec::new();
        for (name, act) in [
            ("ann@example.org", r#"execute session refused by "patient": wrong password"#),
            ("nobody@example.org", r#"execute session refused by "": no such account"#),
            ("nobody", r#"execute session refused by "": no such account"#),
        ] {
            let answer = try_password(&app, name, "not-the-right-one").await;
            answer.expect_problem(401, "INVALID_CREDENTIALS");
            answers.push(answer["error"].clone());
            // The refusal is kept, although the answer is an error.
            assert_eq!(last_act(&app).await, act);
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        let told = serde_json::to_string(&app.published().await).unwrap();
        assert!(!told.contains("nobody") && !told.contains("not-the-right-one"), "{told}");
    }

    /// What hides in the time of an answer is whether a password was hashed for it: that alone takes most of it.
    async fn an_unknown_user_takes_as_long_as_a_wrong_password(backend) {
        let app = hospital(backend).await;
        register(&app, "ann@example.org").await.expect(201);
        let timed = async |name: &str| {
            let begun = std::time::Instant::now();
            try_password(&app, name, "not-the-right-one").await.expect_problem(401, "INVALID_CREDENTIALS");
            begun.elapsed()
        };
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        // Fewer than begin a wait, for which nothing is hashed.
        for _ in 0..4 {
            known.push(timed("ann@example.org").await);
            unknown.push(timed("nobody@example.org").await);
        }
        // The least of each is about what the work takes, whatever else this machine does.
        let (known, unknown) = (*known.iter().min().unwrap(), *unknown.iter().min().unwrap());
        assert!(unknown > known / 3 && known > unknown / 3, "{known:?} and {unknown:?}");
    }

    async fn a_disabled_account_is_refused_like_a_wrong_password(backend) {
        let app = hospital(backend).await;
        let ann = register(&app, "ann@example.org").await;
        let path = format!("/api/v1/accounts/{}", ann.expect(201).text("id"));
        client(&app, "admin").await.patch(&path, &json!({"status": "disabled"})).await.expect(200);
        sign_in(&app, "ann@example.org").await.expect_problem(401, "INVALID_CREDENTIALS");
        assert_eq!(last_act(&app).await, r#"execute session refused by "patient": the account is disabled"#);
    }

    async fn a_token_answer_is_not_kept_for_a_repetition(backend) {
        let app = hospital(backend).await;
        let credentials = json!({"username": "admin", "password": PASSWORD});
        let key = [("Idempotency-Key", "1")];
        let path = "/api/v1/auth/login";
        let one = app.anonymous().post_with(path, &credentials, &key).await;
        let other = app.anonymous().post_with(path, &credentials, &key).await;
        assert_ne!(one.expect(200).text("refresh"), other.expect(200).text("refresh"));
        assert_eq!(count(&app, "SELECT caller AS text FROM idempotency_keys").await, 0);
    }

    async fn a_hash_of_older_parameters_is_renewed_at_the_next_sign_in(backend) {
        let app = hospital(backend).await;
        let old = old_hash();
        app.database
            .write(move |db: &mut Db| {
                let update = diesel::sql_query(match db {
                    Db::Pg(_) => "UPDATE passwords SET hash = $1",
                    Db::Sqlite(_) => "UPDATE passwords SET hash = ?",
                });
                Ok::<_, hms_db::Error>(update.bind::<Text, _>(old).execute(db)?)
            })
            .await
            .unwrap();
        try_password(&app, "admin", "not-the-right-one").await.expect(401);
        assert_eq!(hashes(&app).await, [old_hash()]);
        sign_in(&app, "admin").await.expect(200);
        let renewed = hashes(&app).await.pop().unwrap();
        assert!(renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{renewed}");
        sign_in(&app, "admin").await.expect(200);
        assert_eq!(hashes(&app).await, [renewed]);
    }

    async fn everyone_sees_their_own_account_while_their_token_lives(backend) {
        let app = hospital(backend).await;
        register(&app, "ann@example.org").await.expect(201);
        let ann = client(&app, "ann@example.org").await;
        let me = ann.get("/api/v1/auth/me").await;
        assert_eq!(me.expect(200)["email"], "ann@example.org");
        assert_eq!(me["roles"], json!(["patient"]));
        assert_eq!(me.header("etag"), "\"1\"");
        app.clock.advance(TimeDelta::minutes(15));
        ann.get("/api/v1/auth/me").await.expect_problem(401, "TOKEN_EXPIRED");
        app.anonymous().get("/api/v1/auth/me").await.expect_problem(401, "UNAUTHENTICATED");
    }

    async fn the_life_of_an_access_token_is_a_setting(backend) {
        let settings = [ADMIN[0], ADMIN[1], ("TOKEN_EXPIRY", "24h")];
        let app = crate::App::start_real_tokens(backend, &settings).await;
        let tokens = sign_in(&app, "admin").await;
        assert_eq!(tokens["expires_in"], 86_400);
        let claims = claims(&app, &tokens).await;
        assert_eq!(claims.exp - claims.iat, 86_400);
    }
}

/// The right password with parameters of another time.
fn old_hash() -> String {
    use argon2::password_hash::{PasswordHasher, phc::PasswordHash};
    let old = argon2::Argon2::from(argon2::Params::new(64, 1, 1, None).unwrap());
    let hash: PasswordHash = old.hash_password_with_salt(PASSWORD.as_bytes(), &[7; 16]).unwrap();
    hash.to_string()
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

async fn lines(app: &crate::App, query: &'static str) -> Vec<String> {
    let read = app
        .database
        .read(move |db: &mut Db| Ok::<Vec<Line>, hms_db::Error>(diesel::sql_query(query).load(db)?));
    read.await.unwrap().into_iter().map(|line| line.text).collect()
}

async fn hashes(app: &crate::App) -> Vec<String> {
    lines(app, "SELECT hash AS text FROM passwords").await
}

async fn count(app: &crate::App, query: &'static str) -> usize {
    lines(app, query).await.len()
}
