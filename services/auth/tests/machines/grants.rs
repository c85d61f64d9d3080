//! What comes of a code: tokens, the next ones, and their end.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use futures_util::future::join_all;
use hms_testkit::{Answer, on_both_back_ends};
use serde_json::{Value, json};

use crate::browser::{Browser, VERIFIER, request};
use crate::{
    App, CALLBACK, ISSUER, Program, claims, expect_oauth, hospital, last_act, oauth_client, person,
    post_form, revoked, signed_in, token,
};

async fn redeem(app: &App, client: &Program, code: &str) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    token(app, client.basic(), &form).await
}

async fn refresh(app: &App, client: &Program, refresh: &str) -> Answer {
    token(app, client.basic(), &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await
}

async fn introspect(app: &App, client: &Program, shown: &str) -> Answer {
    post_form(app, "/api/v1/oauth/introspect", client.basic(), &[("token", shown)]).await
}

async fn revoke(app: &App, client: &Program, shown: &str) -> Answer {
    post_form(app, "/api/v1/oauth/revoke", client.basic(), &[("token", shown)]).await
}

/// A nurse who allowed a client what it asks for: the client, and its first tokens.
async fn granted(app: &App) -> (Program, Answer) {
    let admin = signed_in(app, "admin").await;
    person(app, &admin, "nina", "nurse").await;
    let client = oauth_client(&admin, json!({})).await;
    let code = Browser::new(app).code(&request(&client.id), "nina").await;
    let answer = redeem(app, &client, &code).await;
    (client, answer)
}

fn payload(jwt: &str) -> Value {
    let part = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&part).unwrap()
}

on_both_back_ends! {
    async fn a_code_gives_tokens(backend) {
        let app = hospital(backend).await;
        let (client, answer) = granted(&app).await;
        answer.expect(200);
        assert_eq!(answer.text("scope"), "openid profile email offline_access patient:read");
        assert_eq!(answer.header("cache-control"), "no-store");
        let said = claims(&app, &answer.text("access_token")).await;
        assert_eq!((said.client_id.as_deref(), said.aud.as_str()), (Some(client.id.as_str()), "hms"));
        assert_eq!(said.scope, [hms_model::role::Scope::PatientRead]);
        let id = payload(&answer.text("id_token"));
        assert_eq!((&id["iss"], &id["aud"], &id["nonce"]), (&json!(ISSUER), &json!(client.id), &json!("n0nce")));
        assert_eq!((&id["sub"], &id["auth_time"]), (&json!(said.sub), &json!(app.clock.now().timestamp())));
        assert_eq!((&id["preferred_username"], &id["email"]), (&json!("nina"), &json!("nina@hospital.example")));
        // An ID token is no access token.
        let misused = app.anonymous().with_token(answer.text("id_token"));
        misused.get("/api/v1/auth/me").await.expect_problem(401, "UNAUTHENTICATED");
        let program = app.anonymous().with_token(answer.text("access_token"));
        let info = program.get("/api/v1/oauth/userinfo").await;
        assert_eq!((info.expect(200).text("sub"), info.text("email")), (said.sub.to_string(), "nina@hospital.example".into()));
        assert_eq!(last_act(&app).await, format!("create oauth_grant success: {}", client.id));
        // A token of a sign-in is none of OpenID Connect.
        signed_in(&app, "nina").await.get("/api/v1/oauth/userinfo").await.expect_problem(403, "FORBIDDEN");
    }

    async fn roles_narrow_what_a_client_gets(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        person(&app, &admin, "lab", "lab_technician").await;
        let client = oauth_client(&admin, json!({"scopes": ["openid", "patient:read", "account:write"]})).await;
        let mut asked = request(&client.id);
        asked.retain(|(name, _)| *name != "scope");
        asked.push(("scope", "openid patient:read account:write".into()));
        let code = Browser::new(&app).code(&asked, "lab").await;
        let answer = redeem(&app, &client, &code).await;
        assert_eq!(answer.expect(200).text("scope"), "openid patient:read");
        assert!(answer["refresh_token"].is_null(), "without offline_access");
        let program = app.anonymous().with_token(answer.text("access_token"));
        program.get("/api/v1/accounts").await.expect_problem(403, "FORBIDDEN");
    }

    async fn a_code_is_bound_and_lives_for_a_minute(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let (client, other) = (oauth_client(&admin, json!({})).await, oauth_client(&admin, json!({})).await);
        let mut browser = Browser::new(&app);
        let code = browser.code(&request(&client.id), "admin").await;
        let form = |uri: &'static str, verifier: &'static str| {
            [("grant_type", "authorization_code"), ("redirect_uri", uri), ("code_verifier", verifier)]
        };
        let wrong = "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong";
        for form in [form("https://app.example/other", VERIFIER), form(CALLBACK, wrong), form(CALLBACK, "")] {
            let form: Vec<_> = form.into_iter().chain([("code", code.as_str())]).collect();
            expect_oauth(&token(&app, client.basic(), &form).await, 400, "invalid_grant");
        }
        expect_oauth(&redeem(&app, &other, &code).await, 400, "invalid_grant");
        expect_oauth(&redeem(&app, &client, "no-such-code").await, 400, "invalid_grant");
        let bare = [("grant_type", "authorization_code"), ("code", code.as_str())];
        expect_oauth(&token(&app, client.basic(), &bare).await, 400, "invalid_request");
        redeem(&app, &client, &code).await.expect(200);
        let late = browser.code(&request(&client.id), "admin").await;
        app.clock.advance(TimeDelta::seconds(60));
        expect_oauth(&redeem(&app, &client, &late).await, 400, "invalid_grant");
    }

    async fn a_code_that_is_used_again_ends_what_came_of_it(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let client = oauth_client(&admin, json!({})).await;
        let code = Browser::new(&app).code(&request(&client.id), "admin").await;
        let tokens = redeem(&app, &client, &code).await;
        let sid = claims(&app, &tokens.expect(200).text("access_token")).await.sid.to_string();
        expect_oauth(&redeem(&app, &client, &code).await, 400, "invalid_grant");
        assert_eq!(last_act(&app).await, "execute oauth_grant refused: authorization code reused, grant ended");
        assert_eq!(revoked(&app).await, [sid]);
        expect_oauth(&refresh(&app, &client, &tokens.text("refresh_token")).await, 400, "invalid_grant");
        let program = app.anonymous().with_token(tokens.text("access_token"));
        program.get("/api/v1/oauth/userinfo").await.expect_problem(401, "UNAUTHENTICATED");
    }

    async fn of_many_who_show_one_code_at_once_one_is_served_and_its_grant_ends(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let client = oauth_client(&admin, json!({})).await;
        let code = Browser::new(&app).code(&request(&client.id), "admin").await;
        let all = join_all((0..8).map(|_| redeem(&app, &client, &code))).await;
        let served: Vec<_> = all.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(served.len(), 1);
        for answer in all.iter().filter(|answer| answer.status != 200) {
            expect_oauth(answer, 400, "invalid_grant");
        }
        let active = introspect(&app, &client, &served[0].text("access_token")).await;
        assert_eq!(active.expect(200).body, json!({"active": false}));
        assert_eq!(revoked(&app).await.len(), 1);
    }

    async fn refresh_tokens_rotate_and_reuse_ends_the_grant(backend) {
        let app = hospital(backend).await;
        let (client, first) = granted(&app).await;
        let first = first.expect(200).text("refresh_token");
        app.clock.advance(TimeDelta::minutes(14));
        let second = refresh(&app, &client, &first).await;
        second.expect(200);
        assert!(payload(&second.text("id_token"))["nonce"].is_null(), "OpenID Connect Core 1.0, 12.2");
        let third = refresh(&app, &client, &second.text("refresh_token")).await;
        let fewer = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &third.expect(200).text("refresh_token")),
            ("scope", "openid offline_access"),
        ];
        let fewer = token(&app, client.basic(), &fewer).await;
        assert_eq!(fewer.expect(200).text("scope"), "openid offline_access");
        let current = fewer.text("refresh_token");
        let beyond = [("grant_type", "refresh_token"), ("refresh_token", &current), ("scope", "appointment:read")];
        expect_oauth(&token(&app, client.basic(), &beyond).await, 400, "invalid_scope");
        let again = refresh(&app, &client, &current).await;
        assert!(again.expect(200).text("scope").contains("patient:read"), "all of it again");
        app.clock.advance(TimeDelta::seconds(31));
        expect_oauth(&refresh(&app, &client, &first).await, 400, "invalid_grant");
        assert_eq!(last_act(&app).await, "execute oauth_grant refused: refresh token reused, grant ended");
        expect_oauth(&refresh(&app, &client, &again.text("refresh_token")).await, 400, "invalid_grant");
        assert_eq!(revoked(&app).await.len(), 1);
    }

    async fn the_predecessor_is_tolerated_once_for_half_a_minute(backend) {
        let app = hospital(backend).await;
        let (client, tokens) = granted(&app).await;
        let first = tokens.expect(200).text("refresh_token");
        // The answer to this one is lost.
        let lost = refresh(&app, &client, &first).await.expect(200).text("refresh_token");
        app.clock.advance(TimeDelta::seconds(30));
        let second = refresh(&app, &client, &first).await.expect(200).text("refresh_token");
        assert_ne!(second, lost);
        let third = refresh(&app, &client, &second).await.expect(200).text("refresh_token");
        expect_oauth(&refresh(&app, &client, &first).await, 400, "invalid_grant");
        assert_eq!(last_act(&app).await, "execute oauth_grant refused: refresh token reused, grant ended");
        expect_oauth(&refresh(&app, &client, &third).await, 400, "invalid_grant");
    }

    async fn after_half_a_minute_the_predecessor_ends_the_grant(backend) {
        let app = hospital(backend).await;
        let (client, tokens) = granted(&app).await;
        let first = tokens.expect(200).text("refresh_token");
        let second = refresh(&app, &client, &first).await.expect(200).text("refresh_token");
        app.clock.advance(TimeDelta::seconds(31));
        expect_oauth(&refresh(&app, &client, &first).await, 400, "invalid_grant");
        expect_oauth(&refresh(&app, &client, &second).await, 400, "invalid_grant");
        assert_eq!(revoked(&app).await.len(), 1);
    }

    async fn of_many_who_refresh_at_once_two_are_served_and_the_grant_ends(backend) {
        let app = hospital(backend).await;
        let (client, tokens) = granted(&app).await;
        let first = tokens.expect(200).text("refresh_token");
        let all = join_all((0..8).map(|_| refresh(&app, &client, &first))).await;
        let (served, refused): (Vec<_>, Vec<_>) = all.iter().partition(|answer| answer.status == 200);
        assert_eq!((served.len(), refused.len()), (2, 6));
        for answer in refused {
            expect_oauth(answer, 400, "invalid_grant");
        }
        for answer in served {
            expect_oauth(&refresh(&app, &client, &answer.text("refresh_token")).await, 400, "invalid_grant");
        }
        assert_eq!(revoked(&app).await.len(), 1);
    }

    async fn a_refresh_token_is_of_use_to_its_client_only(backend) {
        let app = hospital(backend).await;
        let (client, tokens) = granted(&app).await;
        let admin = signed_in(&app, "admin").await;
        let other = oauth_client(&admin, json!({})).await;
        let shown = tokens.expect(200).text("refresh_token");
        expect_oauth(&refresh(&app, &other, &shown).await, 400, "invalid_grant");
        revoke(&app, &other, &shown).await.expect(200);
        assert_eq!(introspect(&app, &other, &shown).await.body, json!({"active": false}));
        assert_eq!(introspect(&app, &client, &shown).await["active"], json!(true));
        refresh(&app, &client, &shown).await.expect(200);
    }

    async fn a_grant_is_told_of_and_ended_by_any_of_its_tokens(backend) {
        let app = hospital(backend).await;
        let (client, tokens) = granted(&app).await;
        let access = tokens.expect(200).text("access_token");
        let told = introspect(&app, &client, &access).await;
        told.expect(200);
        assert_eq!((&told["active"], &told["client_id"], &told["iss"]), (&json!(true), &json!(client.id), &json!(ISSUER)));
        assert_eq!(told.text("scope"), "openid profile email offline_access patient:read");
        assert_eq!(introspect(&app, &client, "no-token").await.body, json!({"active": false}));
        revoke(&app, &client, &access).await.expect(200);
        assert_eq!(last_act(&app).await, format!("delete oauth_grant success: by client {}", client.id));
        for shown in [&access, &tokens.text("refresh_token")] {
            assert_eq!(introspect(&app, &client, shown).await.body, json!({"active": false}));
        }
        expect_oauth(&refresh(&app, &client, &tokens.text("refresh_token")).await, 400, "invalid_grant");
        assert_eq!(revoked(&app).await.len(), 1);
        revoke(&app, &client, "no-token").await.expect(200);
        let own = token(&app, client.basic(), &[("grant_type", "client_credentials")]).await.text("access_token");
        expect_oauth(&revoke(&app, &client, &own).await, 400, "unsupported_token_type");
    }

    async fn a_public_client_proves_itself_by_pkce_alone(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let public = json!({"kind": "public", "grant_types": ["authorization_code", "refresh_token"],
            "redirect_uris": ["http://127.0.0.1/cb"]});
        let client = oauth_client(&admin, public).await;
        let mut asked = request(&client.id);
        asked.retain(|(name, _)| *name != "redirect_uri");
        asked.push(("redirect_uri", "http://127.0.0.1:51004/cb".into()));
        let code = Browser::new(&app).code(&asked, "admin").await;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client.id.as_str()),
            ("code", &code),
            ("redirect_uri", "http://127.0.0.1:51004/cb"),
            ("code_verifier", VERIFIER),
        ];
        let answer = token(&app, None, &form).await;
        let shown = answer.expect(200).text("refresh_token");
        let next = [("grant_type", "refresh_token"), ("client_id", client.id.as_str()), ("refresh_token", &shown)];
        token(&app, None, &next).await.expect(200);
        // It has no secret, and so may not ask about tokens.
        let ask = [("client_id", client.id.as_str()), ("token", shown.as_str())];
        expect_oauth(&post_form(&app, "/api/v1/oauth/introspect", None, &ask).await, 400, "unauthorized_client");
        let guessed = token(&app, Some((&client.id, "a secret")), &next).await;
        expect_oauth(&guessed, 401, "invalid_client");
    }

    async fn whoever_is_disabled_is_out_everywhere(backend) {
        let app = hospital(backend).await;
        let (client, tokens) = granted(&app).await;
        let shown = tokens.expect(200).text("refresh_token");
        let sub = payload(&tokens.text("id_token"))["sub"].as_str().unwrap().to_owned();
        let admin = signed_in(&app, "admin").await;
        admin.patch(&format!("/api/v1/accounts/{sub}"), &json!({"status": "disabled"})).await.expect(200);
        expect_oauth(&refresh(&app, &client, &shown).await, 400, "invalid_grant");
        let program = app.anonymous().with_token(tokens.text("access_token"));
        program.get("/api/v1/oauth/userinfo").await.expect_problem(401, "UNAUTHENTICATED");
    }

    async fn a_client_that_ends_takes_its_grants_with_it(backend) {
        let app = hospital(backend).await;
        let (client, tokens) = granted(&app).await;
        let sid = claims(&app, &tokens.expect(200).text("access_token")).await.sid.to_string();
        let admin = signed_in(&app, "admin").await;
        admin.delete(&format!("/api/v1/oauth/clients/{}", client.id)).await.expect(204);
        expect_oauth(&refresh(&app, &client, &tokens.text("refresh_token")).await, 401, "invalid_client");
        assert_eq!(revoked(&app).await, [sid, client.id]);
    }
}
