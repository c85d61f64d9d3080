//! Getting an account and keeping it: invitations, verified addresses, passwords, deletion.

use chrono::TimeDelta;
use futures_util::future::join_all;
use hms_model::event::{
    AccountDeleted, AccountInvited, AccountPasswordResetRequested, AccountVerificationRequested,
    SessionRevoked,
};
use hms_model::role::Role;
use hms_testkit::{Answer, on_both_back_ends};
use serde_json::json;

use crate::{
    ADMIN, App, PASSWORD, audit, client, hospital, last_act, refresh, register, sign_in, try_password,
};

const OTHER: &str = "brass-heron-17-quarry";
const INVITATIONS: &str = "/api/v1/accounts/invitations";

async fn invited(app: &App) -> String {
    app.published_of::<AccountInvited>().await.pop().unwrap().0.token.expose().to_owned()
}

async fn reset_token(app: &App) -> String {
    app.published_of::<AccountPasswordResetRequested>().await.pop().unwrap().0.token.expose().to_owned()
}

async fn verification_token(app: &App) -> String {
    app.published_of::<AccountVerificationRequested>().await.pop().unwrap().0.token.expose().to_owned()
}

async fn accept(app: &App, token: &str) -> Answer {
    let body = json!({"token": token, "password": PASSWORD, "username": "lind"});
    app.anonymous().post("/api/v1/auth/invitation", &body).await
}

async fn forgotten(app: &App, email: &str) -> Answer {
    app.anonymous().post("/api/v1/auth/password/forgotten", &json!({"email": email})).await
}

async fn reset(app: &App, token: &str, password: &str) -> Answer {
    app.anonymous().post("/api/v1/auth/password/reset", &json!({"token": token, "password": password})).await
}

on_both_back_ends! {
    async fn mails_are_told_the_language_of_the_account(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let told = async || {
            app.published_of::<AccountPasswordResetRequested>().await.pop().and_then(|told| told.0.language)
        };
        let forgotten = async |email: &str| {
            app.clock.advance(TimeDelta::minutes(2));
            app.anonymous().post("/api/v1/auth/password/forgotten", &json!({"email": email})).await.expect(204);
        };
        // By an invitation, which the account takes it from.
        let form = json!({"email": "mia@hospital.example", "roles": ["nurse"], "language": "FR-ca"});
        admin.post("/api/v1/accounts/invitations", &form).await.expect(201);
        let invited = app.published_of::<AccountInvited>().await.pop().unwrap().0;
        assert_eq!(invited.language.as_deref(), Some("fr-ca"));
        let acceptance = json!({"token": invited.token.expose(), "password": PASSWORD});
        let account = app.anonymous().post("/api/v1/auth/invitation", &acceptance).await;
        assert_eq!(account.expect(201)["language"], "fr-ca");
        forgotten("mia@hospital.example").await;
        assert_eq!(told().await.as_deref(), Some("fr-ca"));
        // By whoever registers, and by an admin later.
        let form = json!({"email": "ann@example.org", "password": PASSWORD, "language": "es"});
        let account = app.anonymous().post("/api/v1/auth/register", &form).await;
        let location = account.expect(201).header("location").to_owned();
        forgotten("ann@example.org").await;
        assert_eq!(told().await.as_deref(), Some("es"));
        let changed = admin.patch(&location, &json!({"language": "de-AT"})).await;
        assert_eq!((&changed.expect(200)["language"], &changed["status"]), (&json!("de-AT"), &json!("active")));
        forgotten("ann@example.org").await;
        assert_eq!(told().await.as_deref(), Some("de-AT"));
        for wrong in [json!({}), json!({"language": null})] {
            admin.patch(&location, &wrong).await.expect_problem(400, "INVALID_REQUEST");
        }
        let both = json!({"status": "disabled", "language": "fr"});
        admin.patch(&location, &both).await.expect(200);
        let noted: Vec<_> = audit(&app).await.into_iter().filter_map(|entry| entry.detail).collect();
        assert_eq!(noted.last().map(String::as_str), Some("status, language"), "{noted:?}");
        admin.patch(&location, &json!({"language": "no language"})).await.expect_problem(400, "INVALID_REQUEST");
        // Who has said nothing.
        let form = json!({"email": "bo@example.org", "password": PASSWORD});
        app.anonymous().post("/api/v1/auth/register", &form).await.expect(201);
        forgotten("bo@example.org").await;
        assert_eq!(told().await, None);
    }

    async fn staff_come_by_invitation_and_choose_their_own_password(backend) {
        let app = hospital(backend).await;
        let admin = client(&app, "admin").await;
        let form = json!({"email": "lind@hospital.example", "roles": ["doctor"]});
        let made = admin.post(INVITATIONS, &form).await;
        assert_eq!((made.expect(201)["status"].as_str(), &made["expires_at"]), (Some("open"), &json!("2026-03-09T08:00:00Z")));
        let token = invited(&app).await;
        assert!(!made.body.to_string().contains(&token), "nobody but the mail has it");
        admin.post(INVITATIONS, &form).await.expect_problem(409, "DUPLICATE");
        let account = accept(&app, &token).await;
        assert_eq!(account.expect(201)["id"], made["id"]);
        assert_eq!((&account["roles"], &account["email_verified"]), (&json!(["doctor"]), &json!(true)));
        assert_eq!(last_act(&app).await, r#"create account success by "doctor": by invitation"#);
        sign_in(&app, "lind").await.expect(200);
        accept(&app, &token).await.expect_problem(422, "LINK_INVALID");
        admin.post(INVITATIONS, &form).await.expect_problem(409, "DUPLICATE");
        let listed = admin.get(&format!("{INVITATIONS}?status=accepted")).await;
        assert_eq!(listed.expect(200).results()[0]["id"], made["id"]);
    }

    async fn an_invitation_ends_by_time_or_by_being_taken_back(backend) {
        let app = hospital(backend).await;
        let admin = client(&app, "admin").await;
        let form = json!({"email": "lind@hospital.example", "roles": ["nurse", "doctor", "nurse"]});
        let made = admin.post(INVITATIONS, &form).await;
        assert_eq!(made.expect(201)["roles"], json!(["doctor", "nurse"]));
        let token = invited(&app).await;
        let path = format!("{INVITATIONS}/{}", made.text("id"));
        admin.delete(&path).await.expect(204);
        admin.delete(&path).await.expect_problem(404, "NOT_FOUND");
        accept(&app, &token).await.expect_problem(422, "LINK_INVALID");
        admin.post(INVITATIONS, &form).await.expect(201);
        let token = invited(&app).await;
        app.clock.advance(TimeDelta::days(7));
        accept(&app, &token).await.expect_problem(422, "LINK_INVALID");
        // What has expired is in nobody's way.
        client(&app, "admin").await.post(INVITATIONS, &form).await.expect(201);
        accept(&app, &invited(&app).await).await.expect(201);
    }

    async fn of_many_who_accept_one_invitation_at_once_one_does(backend) {
        let app = hospital(backend).await;
        let form = json!({"email": "lind@hospital.example", "roles": ["doctor"]});
        client(&app, "admin").await.post(INVITATIONS, &form).await.expect(201);
        let token = invited(&app).await;
        let all = join_all((0..6).map(|_| accept(&app, &token))).await;
        let mut statuses: Vec<_> = all.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422, 422, 422, 422, 422]);
    }

    async fn an_address_is_verified_by_the_mail_once(backend) {
        let app = hospital(backend).await;
        let ann = register(&app, "ann@example.org").await;
        assert_eq!(ann.expect(201)["email_verified"], false);
        let token = verification_token(&app).await;
        let confirm = async |token: &str| {
            app.anonymous().post("/api/v1/auth/verification/confirm", &json!({"token": token})).await
        };
        confirm("no-such-token").await.expect_problem(422, "LINK_INVALID");
        reset(&app, &token, OTHER).await.expect_problem(422, "LINK_INVALID");
        let both = join_all([confirm(&token), confirm(&token)]).await;
        let mut statuses: Vec<_> = both.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 422]);
        assert_eq!(sign_in(&app, "ann@example.org").await["account"]["email_verified"], true);
        // There is nothing to send any more, and the answer does not say so.
        app.clock.advance(TimeDelta::minutes(1));
        for email in ["ann@example.org", "nobody@example.org"] {
            app.anonymous().post("/api/v1/auth/verification", &json!({"email": email})).await.expect(204);
        }
        assert_eq!(app.published_of::<AccountVerificationRequested>().await.len(), 1);
    }

    async fn a_mail_is_sent_again_after_a_minute_and_works_for_a_day(backend) {
        let app = hospital(backend).await;
        register(&app, "ann@example.org").await.expect(201);
        let again = async || {
            app.anonymous().post("/api/v1/auth/verification", &json!({"email": "ann@example.org"})).await.expect(204);
            app.published_of::<AccountVerificationRequested>().await.len()
        };
        assert_eq!(again().await, 1);
        app.clock.advance(TimeDelta::minutes(1));
        assert_eq!(again().await, 2);
        let token = verification_token(&app).await;
        app.clock.advance(TimeDelta::hours(24));
        let late = app.anonymous().post("/api/v1/auth/verification/confirm", &json!({"token": token})).await;
        late.expect_problem(422, "LINK_INVALID");
    }

    async fn where_it_is_required_nobody_signs_in_unverified(backend) {
        let settings = [ADMIN[0], ADMIN[1], ("HMS_REQUIRE_VERIFIED_EMAIL", "true")];
        let app = App::start_real_tokens(backend, &settings).await;
        sign_in(&app, "admin").await.expect(200);
        register(&app, "ann@example.org").await.expect(201);
        try_password(&app, "ann@example.org", "not-the-right-one").await.expect_problem(401, "INVALID_CREDENTIALS");
        sign_in(&app, "ann@example.org").await.expect_problem(403, "EMAIL_NOT_VERIFIED");
        let token = json!({"token": verification_token(&app).await});
        app.anonymous().post("/api/v1/auth/verification/confirm", &token).await.expect(204);
        sign_in(&app, "ann@example.org").await.expect(200);
    }

    async fn another_password_ends_the_other_sessions(backend) {
        let app = hospital(backend).await;
        let (here, elsewhere) = (sign_in(&app, "admin").await, sign_in(&app, "admin").await);
        let admin = app.anonymous().with_token(here.text("access"));
        let path = "/api/v1/auth/password";
        let weak = json!({"current_password": PASSWORD, "new_password": "too-short-one"});
        admin.post(path, &weak).await.expect_problem(422, "WEAK_PASSWORD");
        let wrong = json!({"current_password": "not-the-right-one", "new_password": OTHER});
        admin.post(path, &wrong).await.expect_problem(401, "INVALID_CREDENTIALS");
        let right = json!({"current_password": PASSWORD, "new_password": OTHER});
        admin.post(path, &right).await.expect(204);
        assert_eq!(last_act(&app).await, r#"update account success by "admin": password"#);
        refresh(&app, &here.text("refresh")).await.expect(200);
        refresh(&app, &elsewhere.text("refresh")).await.expect(401);
        sign_in(&app, "admin").await.expect(401);
        try_password(&app, "admin", OTHER).await.expect(200);
        let ended = app.published_of::<SessionRevoked>().await;
        assert_eq!(ended.iter().map(|event| event.reason.as_str()).collect::<Vec<_>>(), ["password changed"]);
    }

    async fn an_old_sign_in_is_not_enough_to_change_the_password(backend) {
        let settings = [ADMIN[0], ADMIN[1], ("TOKEN_EXPIRY", "24h")];
        let app = App::start_real_tokens(backend, &settings).await;
        let admin = client(&app, "admin").await;
        app.clock.advance(TimeDelta::minutes(10));
        let change = json!({"new_password": OTHER});
        admin.post("/api/v1/auth/password", &change).await.expect_problem(403, "SIGN_IN_AGAIN");
        let fresh = client(&app, "admin").await;
        fresh.post("/api/v1/auth/password", &change).await.expect(204);
        // Guessing at the password with a stolen token leads into a wait, of that session alone.
        let guess = json!({"current_password": "not-the-right-one", "new_password": PASSWORD});
        for _ in 0..5 {
            fresh.post("/api/v1/auth/password", &guess).await.expect_problem(401, "INVALID_CREDENTIALS");
        }
        let locked = fresh.post("/api/v1/auth/password", &guess).await;
        assert_eq!(locked.expect_problem(429, "LOCKED_OUT").header("retry-after"), "5");
        try_password(&app, "admin", OTHER).await.expect(200);
    }

    async fn a_forgotten_password_is_reset_by_mail_and_all_sessions_end(backend) {
        let app = hospital(backend).await;
        register(&app, "ann@example.org").await.expect(201);
        let before = sign_in(&app, "ann@example.org").await.text("refresh");
        let (known, unknown) = (forgotten(&app, "Ann@example.org").await, forgotten(&app, "nobody@example.org").await);
        assert_eq!((known.expect(204).status, &known.body), (unknown.expect(204).status, &unknown.body));
        assert_eq!(app.published_of::<AccountPasswordResetRequested>().await.len(), 1);
        forgotten(&app, "ann@example.org").await.expect(204);
        assert_eq!(app.published_of::<AccountPasswordResetRequested>().await.len(), 1, "one mail a minute");
        let token = reset_token(&app).await;
        reset(&app, &token, "too-short-one").await.expect_problem(422, "WEAK_PASSWORD");
        reset(&app, &token, OTHER).await.expect(204);
        assert_eq!(last_act(&app).await, r#"update account success by "patient": password, by mail"#);
        reset(&app, &token, OTHER).await.expect_problem(422, "LINK_INVALID");
        refresh(&app, &before).await.expect(401);
        sign_in(&app, "ann@example.org").await.expect(401);
        let signed_in = try_password(&app, "ann@example.org", OTHER).await;
        assert_eq!(signed_in.expect(200)["account"]["email_verified"], true, "the mail has reached them");
        let told = serde_json::to_string(&audit(&app).await).unwrap();
        assert!(!told.contains(&token) && !told.contains("example.org"), "{told}");
    }

    async fn a_token_to_reset_works_for_half_an_hour_and_for_one(backend) {
        let app = hospital(backend).await;
        register(&app, "ann@example.org").await.expect(201);
        forgotten(&app, "ann@example.org").await.expect(204);
        let old = reset_token(&app).await;
        app.clock.advance(TimeDelta::minutes(30));
        reset(&app, &old, OTHER).await.expect_problem(422, "LINK_INVALID");
        forgotten(&app, "ann@example.org").await.expect(204);
        let token = reset_token(&app).await;
        let all = join_all((0..6).map(|_| reset(&app, &token, OTHER))).await;
        let mut statuses: Vec<_> = all.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 422, 422, 422, 422, 422]);
    }

    async fn whoever_deletes_their_account_leaves_nothing_but_its_id(backend) {
        let app = hospital(backend).await;
        let ann = register(&app, "ann@example.org").await.expect(201).text("id");
        let tokens = sign_in(&app, "ann@example.org").await;
        let own = app.anonymous().with_token(tokens.text("access"));
        let erase = async |password: &str| own.post("/api/v1/auth/me/erase", &json!({"password": password})).await;
        erase("not-the-right-one").await.expect_problem(401, "INVALID_CREDENTIALS");
        erase(PASSWORD).await.expect(204);
        assert_eq!(last_act(&app).await, r#"delete account success by "patient": "#);
        assert_eq!(app.published_of::<AccountDeleted>().await[0].account_id.to_string(), ann);
        own.get("/api/v1/auth/me").await.expect(401);
        refresh(&app, &tokens.text("refresh")).await.expect(401);
        sign_in(&app, "ann@example.org").await.expect_problem(401, "INVALID_CREDENTIALS");
        let admin = client(&app, "admin").await;
        let path = format!("/api/v1/accounts/{ann}");
        admin.get(&path).await.expect_problem(404, "NOT_FOUND");
        admin.delete(&path).await.expect_problem(404, "NOT_FOUND");
        admin.patch(&path, &json!({"status": "active"})).await.expect_problem(404, "NOT_FOUND");
        assert_eq!(admin.get("/api/v1/accounts?search=ann").await["count"], 0);
        // The address is free again, for an account of another id.
        assert_ne!(register(&app, "ann@example.org").await.expect(201).text("id"), ann);
    }

    async fn admins_are_deleted_by_other_admins(backend) {
        let app = hospital(backend).await;
        let admin = client(&app, "admin").await;
        let erased = admin.post("/api/v1/auth/me/erase", &json!({"password": PASSWORD})).await;
        erased.expect_problem(422, "UNPROCESSABLE");
        let own = admin.get("/api/v1/auth/me").await.text("id");
        admin.delete(&format!("/api/v1/accounts/{own}")).await.expect_problem(422, "UNPROCESSABLE");
        let form = json!({"email": "two@hospital.example", "password": PASSWORD, "roles": ["admin"]});
        let other = admin.post("/api/v1/accounts", &form).await.expect(201).text("id");
        let path = format!("/api/v1/accounts/{other}");
        let stale = admin.request("DELETE", &path, &[("If-Match", "\"7\"")], None).await;
        stale.expect_problem(412, "PRECONDITION_FAILED");
        admin.delete(&path).await.expect(204);
        sign_in(&app, "two@hospital.example").await.expect(401);
    }
}
