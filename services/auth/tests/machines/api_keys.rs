//! API keys.

use chrono::TimeDelta;
use hms_model::id::Id;
use hms_testkit::{Answer, on_both_back_ends, until};
use serde_json::json;

use crate::{ADMIN, App, claims, hospital, last_act, person, revoked, service, signed_in};

const KEYS: &str = "/api/v1/api-keys";

async fn exchange(app: &App, key: &str) -> Answer {
    let body = json!({"key": key, "client_ip": "192.0.2.1"});
    service(app, "gateway").await.post("/internal/api-keys/exchange", &body).await
}

on_both_back_ends! {
    async fn a_key_is_shown_once_and_gives_a_short_token(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let (nurse, account) = person(&app, &admin, "nina", "nurse").await;
        let department = Id::<()>::new(app.clock.now()).to_string();
        let form = json!({
            "name": "Ward board", "scopes": ["patient:read", "appointment:read"], "department_id": department,
        });
        let made = nurse.post(KEYS, &form).await;
        made.expect(201);
        assert_eq!((made.header("cache-control"), made.header("etag")), ("no-store", "\"1\""));
        let (key, id) = (made.text("key"), made.text("id"));
        assert!(key.starts_with(&format!("hms_{}_", id.replace('-', ""))), "{id}");
        assert_eq!(last_act(&app).await, "create api_key success: ");
        let shown = nurse.get(&format!("{KEYS}/{id}")).await;
        assert!(shown.expect(200)["key"].is_null());
        assert_eq!(shown["last_used_at"], json!(null));
        let answer = exchange(&app, &key).await;
        answer.expect(200);
        assert_eq!((&answer["expires_in"], answer.header("cache-control")), (&json!(300), "no-store"));
        let said = claims(&app, &answer.text("access")).await;
        assert_eq!((said.sub.to_string(), said.sid.to_string()), (account, id.clone()));
        assert_eq!((said.client_id.clone(), said.plan.as_deref()), (Some(id), Some("integration")));
        assert_eq!(said.department_id.map(|id| id.to_string()), Some(department));
        assert_eq!(said.scope.len(), 2);
        assert_eq!(said.exp - said.iat, 300);
    }

    async fn what_is_no_good_key_is_refused(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let expires = app.clock.now() + TimeDelta::minutes(2);
        let form = json!({"name": "import", "scopes": ["patient:read"], "expires_at": expires});
        let made = admin.post(KEYS, &form).await;
        let key = made.expect(201).text("key");
        let answer = exchange(&app, &key).await;
        assert_eq!(answer.expect(200)["expires_in"], json!(120), "no longer than the key");
        let other = admin.post(KEYS, &json!({"name": "b", "scopes": ["patient:read"]})).await.text("key");
        // The id of one with the secret of the other: the checksum is of both.
        let mixed = format!("{}{}", &key[..37], &other[37..]);
        for wrong in ["", "hms_", "x", &key[1..], &format!("{key}0"), &key.replace("hms_", "HMS_"), &mixed] {
            exchange(&app, wrong).await.expect_problem(401, "UNAUTHENTICATED");
        }
        app.clock.advance(TimeDelta::minutes(2));
        exchange(&app, &key).await.expect_problem(401, "UNAUTHENTICATED");
        exchange(&app, &other).await.expect(200);
    }

    async fn a_key_that_is_revoked_ends_with_its_tokens(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let made = admin.post(KEYS, &json!({"name": "import", "scopes": ["patient:read"]})).await;
        let (key, path) = (made.expect(201).text("key"), format!("{KEYS}/{}", made.text("id")));
        let stale = admin.request("DELETE", &path, &[("if-match", "\"2\"")], None).await;
        stale.expect_problem(412, "PRECONDITION_FAILED");
        admin.delete(&path).await.expect(204);
        assert_eq!(last_act(&app).await, "delete api_key success: ");
        exchange(&app, &key).await.expect_problem(401, "UNAUTHENTICATED");
        assert_eq!(revoked(&app).await, [made.text("id")]);
        admin.delete(&path).await.expect(204);
        assert_eq!(revoked(&app).await.len(), 1, "said once");
        let rotate = admin.post(&format!("{path}/rotate"), &json!({})).await;
        rotate.expect_problem(409, "ILLEGAL_TRANSITION");
        assert!(admin.get(&path).await.expect(200)["revoked_at"].is_string());
    }

    async fn the_old_secret_is_good_for_a_while_after_a_rotation(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let made = admin.post(KEYS, &json!({"name": "import", "scopes": ["patient:read"]})).await;
        let (old, path) = (made.expect(201).text("key"), format!("{KEYS}/{}/rotate", made.text("id")));
        let until = app.clock.now() + TimeDelta::hours(1);
        let rotated = admin.post(&path, &json!({"old_valid_until": until})).await;
        let new = rotated.expect(200).text("key");
        assert_eq!((rotated.text("id"), rotated["version"].as_i64()), (made.text("id"), Some(2)));
        for key in [&old, &new] {
            exchange(&app, key).await.expect(200);
        }
        app.clock.advance(TimeDelta::hours(1));
        let admin = signed_in(&app, "admin").await;
        exchange(&app, &old).await.expect_problem(401, "UNAUTHENTICATED");
        exchange(&app, &new).await.expect(200);
        // At once, with a moment that lies in the past.
        let newer = admin.post(&path, &json!({"old_valid_until": "2020-01-01T00:00:00Z"})).await;
        exchange(&app, &new).await.expect_problem(401, "UNAUTHENTICATED");
        exchange(&app, &newer.expect(200).text("key")).await.expect(200);
        let late = json!({"old_valid_until": app.clock.now() + TimeDelta::days(31)});
        admin.post(&path, &late).await.expect_problem(422, "UNPROCESSABLE");
    }

    async fn staff_make_keys_for_themselves_and_admins_for_anyone(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let (nurse, nina) = (person(&app, &admin, "nina", "nurse").await, "nina");
        let (doctor, _) = person(&app, &admin, "dora", "doctor").await;
        let (patient, pat) = person(&app, &admin, "pat", "patient").await;
        let own = nurse.0.post(KEYS, &json!({"name": nina, "scopes": ["patient:read"]})).await;
        let path = format!("{KEYS}/{}", own.expect(201).text("id"));
        let beyond = json!({"name": "x", "scopes": ["patient:read", "account:write"]});
        nurse.0.post(KEYS, &beyond).await.expect_problem(422, "UNPROCESSABLE");
        let foreign = json!({"name": "x", "scopes": ["patient:read"], "account_id": pat});
        nurse.0.post(KEYS, &foreign).await.expect_problem(403, "FORBIDDEN");
        admin.post(KEYS, &foreign).await.expect(201);
        patient.post(KEYS, &json!({"name": "x", "scopes": ["patient:read"]})).await.expect(403);
        // Another's key is not told from one that does not exist.
        doctor.get(&path).await.expect_problem(404, "NOT_FOUND");
        doctor.patch(&path, &json!({"name": "y"})).await.expect_problem(404, "NOT_FOUND");
        doctor.delete(&path).await.expect_problem(404, "NOT_FOUND");
        doctor.post(&format!("{path}/rotate"), &json!({})).await.expect_problem(404, "NOT_FOUND");
        assert_eq!(doctor.get(KEYS).await.results().len(), 0);
        assert_eq!(nurse.0.get(KEYS).await.results().len(), 1);
        assert_eq!(admin.get(KEYS).await.results().len(), 2);
        assert_eq!(admin.get(&format!("{KEYS}?account_id={pat}")).await.results().len(), 1);
        let changed = nurse.0.patch(&path, &json!({"name": "Board", "scopes": ["department:read"]})).await;
        assert_eq!((changed.expect(200).text("name"), changed["version"].as_i64()), ("Board".to_owned(), Some(2)));
        // Nobody is no account.
        let nobody = json!({"name": "x", "scopes": ["patient:read"], "account_id": Id::<()>::new(app.clock.now())});
        admin.post(KEYS, &nobody).await.expect_problem(422, "UNKNOWN_REFERENCE");
    }

    async fn a_key_makes_no_keys_and_ends_with_its_account(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let (nurse, nina) = person(&app, &admin, "nina", "nurse").await;
        let made = nurse.post(KEYS, &json!({"name": "x", "scopes": ["patient:read", "api_key:write"]})).await;
        let key = made.expect(201).text("key");
        let program = app.anonymous().with_token(exchange(&app, &key).await.expect(200).text("access"));
        let form = json!({"name": "y", "scopes": ["patient:read"]});
        program.post(KEYS, &form).await.expect_problem(403, "FORBIDDEN");
        let form = json!({"name": "x", "scopes": ["client:write"]});
        let made = admin.post(KEYS, &form).await.expect(201).text("key");
        let program = app.anonymous().with_token(exchange(&app, &made).await.expect(200).text("access"));
        let client = json!({"name": "x", "kind": "confidential", "grant_types": ["client_credentials"], "scopes": ["account:write"]});
        program.get("/api/v1/oauth/clients").await.expect(200);
        program.post("/api/v1/oauth/clients", &client).await.expect_problem(403, "FORBIDDEN");
        admin.patch(&format!("/api/v1/accounts/{nina}"), &json!({"status": "disabled"})).await.expect(200);
        exchange(&app, &key).await.expect_problem(401, "UNAUTHENTICATED");
        let refused = admin.post(KEYS, &json!({"name": "z", "scopes": ["patient:read"], "account_id": nina})).await;
        refused.expect_problem(422, "UNPROCESSABLE");
    }

    async fn the_last_use_is_written_by_and_by(backend) {
        let settings = [ADMIN[0], ADMIN[1], ("HMS_AUTH_UPKEEP_SECONDS", "1")];
        let app = App::start_real_tokens(backend, &settings).await;
        let admin = signed_in(&app, "admin").await;
        let made = admin.post(KEYS, &json!({"name": "import", "scopes": ["patient:read"]})).await;
        let (key, path) = (made.expect(201).text("key"), format!("{KEYS}/{}", made.text("id")));
        app.clock.advance(TimeDelta::minutes(1));
        exchange(&app, &key).await.expect(200);
        let used = until("the last use", 10, async || {
            let shown = admin.get(&path).await;
            shown["last_used_at"].as_str().map(|at| (at.to_owned(), shown["version"].as_i64()))
        });
        let (at, version) = used.await;
        assert_eq!(at.parse::<chrono::DateTime<chrono::Utc>>().unwrap(), app.clock.now());
        assert_eq!(version, Some(1), "a use is no change");
    }
}
