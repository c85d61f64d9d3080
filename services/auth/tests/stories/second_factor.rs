//! The second factor: an authenticator app and recovery codes.

use chrono::TimeDelta;
use data_encoding::BASE32_NOPAD;
use futures_util::future::join_all;
use hms_model::event::AccountPasswordResetRequested;
use hms_testkit::{Answer, Client, on_both_back_ends};
use ring::hmac;
use serde_json::{Value, json};

use crate::{ADMIN, App, PASSWORD, claims, client, hospital, last_act, refresh, sign_in, try_password};

/// What an authenticator app shows now, or so many steps from now.
fn shown(app: &App, secret: &str, steps: i64) -> String {
    let step = app.clock.now().timestamp() / 30 + steps;
    let key =
        hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &BASE32_NOPAD.decode(secret.as_bytes()).unwrap());
    let digest = hmac::sign(&key, &step.to_be_bytes());
    let offset = usize::from(digest.as_ref()[19] & 15);
    let word = u32::from_be_bytes(digest.as_ref()[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

/// Sets up an app; its secret and the recovery codes.
async fn enrol(app: &App, admin: &Client) -> (String, Vec<String>) {
    let begun = admin.post("/api/v1/auth/mfa/totp", &json!({})).await;
    let secret = begun.expect(200).text("secret");
    assert!(begun.text("otpauth_url").starts_with("otpauth://totp/HMS:"));
    assert_eq!(begun.header("cache-control"), "no-store");
    let code = json!({"code": shown(app, &secret, 0)});
    let confirmed = admin.post("/api/v1/auth/mfa/totp/confirm", &code).await;
    (secret, codes(confirmed.expect(200)))
}

fn codes(answer: &Answer) -> Vec<String> {
    let codes: Vec<_> =
        answer["recovery_codes"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned()).collect();
    assert_eq!(codes.len(), 10);
    codes
}

async fn challenge(app: &App) -> String {
    let first = sign_in(app, "admin").await;
    assert_eq!((&first.expect(200)["mfa_required"], &first["access"]), (&json!(true), &Value::Null));
    first.text("challenge")
}

async fn second(app: &App, challenge: &str, code: &str) -> Answer {
    app.anonymous().post("/api/v1/auth/login/mfa", &json!({"challenge": challenge, "code": code})).await
}

on_both_back_ends! {
    async fn signing_in_takes_two_steps_and_a_code_works_once(backend) {
        let app = hospital(backend).await;
        let admin = client(&app, "admin").await;
        let (secret, _) = enrol(&app, &admin).await;
        assert_eq!(last_act(&app).await, r#"update account success by "admin": second factor"#);
        // The code that confirmed it is used up.
        let first = challenge(&app).await;
        second(&app, &first, &shown(&app, &secret, 0)).await.expect_problem(401, "CODE_WRONG");
        let tokens = second(&app, &first, &shown(&app, &secret, 1)).await;
        assert_eq!(claims(&app, tokens.expect(200)).await.amr, ["pwd", "otp"]);
        assert_eq!(tokens.header("cache-control"), "no-store");
        second(&app, &first, &shown(&app, &secret, 1)).await.expect_problem(401, "UNAUTHENTICATED");
        let next = challenge(&app).await;
        second(&app, &next, &shown(&app, &secret, 1)).await.expect_problem(401, "CODE_WRONG");
        second(&app, &next, &shown(&app, &secret, 0)).await.expect_problem(401, "CODE_WRONG");
        app.clock.advance(TimeDelta::seconds(60));
        second(&app, &next, &shown(&app, &secret, 2)).await.expect_problem(401, "CODE_WRONG");
        second(&app, &next, &shown(&app, &secret, -1)).await.expect_problem(401, "CODE_WRONG");
        let late = challenge(&app).await;
        app.clock.advance(TimeDelta::minutes(5));
        second(&app, &late, &shown(&app, &secret, 0)).await.expect_problem(401, "UNAUTHENTICATED");
    }

    async fn one_code_lets_one_in_at_once(backend) {
        let app = hospital(backend).await;
        let (secret, recovery) = enrol(&app, &client(&app, "admin").await).await;
        app.clock.advance(TimeDelta::minutes(1));
        for code in [shown(&app, &secret, 0), recovery[0].clone()] {
            let challenges = [challenge(&app).await, challenge(&app).await, challenge(&app).await];
            let all = join_all(challenges.iter().map(|challenge| second(&app, challenge, &code))).await;
            let mut told: Vec<_> = all.iter().map(|answer| answer.status).collect();
            told.sort_unstable();
            assert_eq!(told, [200, 401, 401], "{code}");
        }
    }

    async fn recovery_codes_work_once_and_are_replaced(backend) {
        let app = hospital(backend).await;
        let admin = client(&app, "admin").await;
        let (secret, old) = enrol(&app, &admin).await;
        second(&app, &challenge(&app).await, &old[0].to_uppercase()).await.expect(200);
        second(&app, &challenge(&app).await, &old[0]).await.expect_problem(401, "CODE_WRONG");
        let status = admin.get("/api/v1/auth/mfa").await;
        assert_eq!(status.body, json!({"totp": true, "recovery_codes_left": 9, "required": false}));
        let path = "/api/v1/auth/mfa/recovery-codes";
        admin.post(path, &json!({"code": "000000"})).await.expect_problem(401, "CODE_WRONG");
        app.clock.advance(TimeDelta::minutes(1));
        let new = codes(admin.post(path, &json!({"code": shown(&app, &secret, 0)})).await.expect(200));
        second(&app, &challenge(&app).await, &old[1]).await.expect_problem(401, "CODE_WRONG");
        second(&app, &challenge(&app).await, &new[9]).await.expect(200);
    }

    async fn wrong_codes_are_counted_like_wrong_passwords(backend) {
        let app = hospital(backend).await;
        let (secret, _) = enrol(&app, &client(&app, "admin").await).await;
        app.clock.advance(TimeDelta::minutes(1));
        let first = challenge(&app).await;
        for _ in 0..5 {
            second(&app, &first, "000000").await.expect_problem(401, "CODE_WRONG");
        }
        second(&app, &first, &shown(&app, &secret, 0)).await.expect_problem(401, "UNAUTHENTICATED");
        sign_in(&app, "admin").await.expect_problem(429, "LOCKED_OUT");
        app.clock.advance(TimeDelta::seconds(5));
        second(&app, &challenge(&app).await, &shown(&app, &secret, 0)).await.expect(200);
    }

    async fn a_factor_counts_only_when_confirmed_and_is_set_up_once(backend) {
        let app = hospital(backend).await;
        let admin = client(&app, "admin").await;
        let confirm = "/api/v1/auth/mfa/totp/confirm";
        admin.post(confirm, &json!({"code": "000000"})).await.expect_problem(409, "ILLEGAL_TRANSITION");
        let first = admin.post("/api/v1/auth/mfa/totp", &json!({})).await.text("secret");
        assert!(sign_in(&app, "admin").await["access"].is_string());
        let second = admin.post("/api/v1/auth/mfa/totp", &json!({})).await.text("secret");
        assert_ne!(first, second);
        admin.post(confirm, &json!({"code": shown(&app, &first, 0)})).await.expect_problem(401, "CODE_WRONG");
        admin.post(confirm, &json!({"code": shown(&app, &second, 0)})).await.expect(200);
        admin.post("/api/v1/auth/mfa/totp", &json!({})).await.expect_problem(409, "DUPLICATE");
    }

    async fn it_is_disabled_with_password_and_code(backend) {
        let app = hospital(backend).await;
        let admin = client(&app, "admin").await;
        let (_, recovery) = enrol(&app, &admin).await;
        let path = "/api/v1/auth/mfa/totp/disable";
        let body = |password: &str, code: &str| json!({"password": password, "code": code});
        admin.post(path, &body("not-the-right-one", &recovery[0])).await.expect_problem(401, "INVALID_CREDENTIALS");
        admin.post(path, &body(PASSWORD, "000000")).await.expect_problem(401, "CODE_WRONG");
        // Beside a factor a shorter password is good enough; alone it is not.
        let change = json!({"current_password": PASSWORD, "new_password": "kjw9-vux"});
        admin.post("/api/v1/auth/password", &change).await.expect(204);
        admin.post(path, &body("kjw9-vux", &recovery[0])).await.expect_problem(422, "WEAK_PASSWORD");
        let back = json!({"current_password": "kjw9-vux", "new_password": PASSWORD});
        admin.post("/api/v1/auth/password", &back).await.expect(204);
        admin.post(path, &body(PASSWORD, &recovery[0])).await.expect(204);
        assert!(sign_in(&app, "admin").await["access"].is_string());
    }

    async fn whoever_must_have_a_factor_can_do_nothing_but_set_it_up(backend) {
        let settings = [ADMIN[0], ADMIN[1], ("HMS_MFA_REQUIRED_ROLES", "admin,doctor")];
        let app = App::start_real_tokens(backend, &settings).await;
        let tokens = sign_in(&app, "admin").await;
        assert_eq!(tokens.expect(200)["enrolment_required"], true);
        let admin = app.anonymous().with_token(tokens.text("access"));
        admin.get("/api/v1/accounts").await.expect_problem(403, "FORBIDDEN");
        admin.get("/api/v1/auth/me").await.expect_problem(403, "FORBIDDEN");
        admin.get("/api/v1/auth/sessions").await.expect_problem(403, "FORBIDDEN");
        // Refreshing does not help.
        let again = refresh(&app, &tokens.text("refresh")).await;
        let admin = app.anonymous().with_token(again.expect(200).text("access"));
        admin.get("/api/v1/accounts").await.expect(403);
        assert_eq!(admin.get("/api/v1/auth/mfa").await["required"], true);
        let (secret, _) = enrol(&app, &admin).await;
        let full = refresh(&app, &again.text("refresh")).await;
        assert_eq!(full.expect(200)["enrolment_required"], Value::Null);
        app.anonymous().with_token(full.text("access")).get("/api/v1/accounts").await.expect(200);
        app.clock.advance(TimeDelta::minutes(1));
        let full = second(&app, &challenge(&app).await, &shown(&app, &secret, 0)).await;
        app.anonymous().with_token(full.expect(200).text("access")).get("/api/v1/accounts").await.expect(200);
    }

    async fn an_admin_helps_who_has_lost_everything(backend) {
        let app = hospital(backend).await;
        let admin = client(&app, "admin").await;
        let form = json!({"email": "lind@hospital.example", "password": PASSWORD, "roles": ["doctor"]});
        let id = admin.post("/api/v1/accounts", &form).await.expect(201).text("id");
        let lind = client(&app, "lind@hospital.example").await;
        enrol(&app, &lind).await;
        let path = format!("/api/v1/accounts/{id}/second-factor");
        lind.delete(&path).await.expect_problem(403, "FORBIDDEN");
        admin.delete(&path).await.expect(204);
        admin.delete(&path).await.expect_problem(404, "NOT_FOUND");
        let tokens = try_password(&app, "lind@hospital.example", PASSWORD).await;
        assert!(tokens.expect(200)["access"].is_string());
    }

    async fn a_short_password_lets_nobody_in_when_its_factor_was_taken_away(backend) {
        let app = hospital(backend).await;
        let admin = client(&app, "admin").await;
        let form = json!({"email": "lind@hospital.example", "password": PASSWORD, "roles": ["doctor"]});
        let id = admin.post("/api/v1/accounts", &form).await.expect(201).text("id");
        let lind = client(&app, "lind@hospital.example").await;
        enrol(&app, &lind).await;
        let change = json!({"current_password": PASSWORD, "new_password": "kjw9-vux"});
        lind.post("/api/v1/auth/password", &change).await.expect(204);
        admin.delete(&format!("/api/v1/accounts/{id}/second-factor")).await.expect(204);
        try_password(&app, "lind@hospital.example", "kjw9-vuy").await.expect_problem(401, "INVALID_CREDENTIALS");
        let refused = try_password(&app, "lind@hospital.example", "kjw9-vux").await;
        refused.expect_problem(422, "WEAK_PASSWORD");
        let act = r#"execute session refused by "doctor": the password is too short alone"#;
        assert_eq!(last_act(&app).await, act);
        let email = json!({"email": "lind@hospital.example"});
        app.anonymous().post("/api/v1/auth/password/forgotten", &email).await.expect(204);
        let mail = app.published_of::<AccountPasswordResetRequested>().await.pop().unwrap();
        let reset = async |password: &str| {
            let form = json!({"token": mail.0.token.expose(), "password": password});
            app.anonymous().post("/api/v1/auth/password/reset", &form).await
        };
        reset("kjw9-vux").await.expect_problem(422, "WEAK_PASSWORD");
        reset(PASSWORD).await.expect(204);
        sign_in(&app, "lind@hospital.example").await.expect(200);
    }
}
