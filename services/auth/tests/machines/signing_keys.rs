//! The keys that tokens are signed with, one after the other; and the documents that name them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use futures_util::future::join_all;
use hms_testkit::{Client, on_both_back_ends, until};
use serde_json::{Value, json};

use crate::{ADMIN, App, ISSUER, hospital, last_act, person, signed_in, verifier};

const ROTATE: &str = "/api/v1/auth/keys/rotate";

async fn published(app: &App) -> Vec<String> {
    let set = app.anonymous().get("/.well-known/jwks.json").await;
    let keys = set.expect(200)["keys"].as_array().unwrap().clone();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn key_of(client: &Client) -> String {
    let header = client.token().unwrap().split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

on_both_back_ends! {
    async fn the_next_key_is_published_before_it_signs(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let first = key_of(&admin);
        assert_eq!(published(&app).await, std::slice::from_ref(&first));
        let rotated = admin.post(ROTATE, &json!({})).await;
        let second = rotated.expect(200).text("key_id");
        assert_eq!(last_act(&app).await, format!("create signing_key success: {second}"));
        assert_eq!(published(&app).await, [first.clone(), second.clone()]);
        assert_eq!(key_of(&signed_in(&app, "admin").await), first, "not yet");
        // Another one is on its way already.
        assert_eq!(admin.post(ROTATE, &json!({})).await.expect(200).text("key_id"), second);
        app.clock.advance(TimeDelta::minutes(10));
        let later = signed_in(&app, "admin").await;
        assert_eq!(key_of(&later), second);
        // Both are good, as long as their tokens live.
        for client in [&admin, &later] {
            verifier(&app).verify(client.token().unwrap()).await.unwrap();
            // Who has asked for the keys a moment ago waits a little before it asks again.
            until("the new key to be known", 20, async || {
                (client.get("/api/v1/auth/me").await.status == 200).then_some(())
            })
            .await;
        }
        app.clock.advance(TimeDelta::days(7));
        assert_eq!(published(&app).await, [second]);
    }

    async fn a_token_whose_key_must_be_asked_for_is_refused_before_the_body_is_looked_at(backend) {
        let app = hospital(backend).await;
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "nobodys"}).to_string();
        let stranger = app.anonymous().with_token(format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header)));
        // No key was asked for before, so this one is.
        let answer = stranger.post("/api/v1/accounts/invitations", &json!({"of": "nobody"})).await;
        answer.expect_problem(401, "UNAUTHENTICATED");
    }

    async fn admins_rotate_and_many_at_once_make_one_key(backend) {
        let app = hospital(backend).await;
        let admin = signed_in(&app, "admin").await;
        let (nurse, _) = person(&app, &admin, "nina", "nurse").await;
        nurse.post(ROTATE, &json!({})).await.expect_problem(403, "FORBIDDEN");
        let nothing = json!({});
        let many = join_all((0..6).map(|_| admin.post(ROTATE, &nothing))).await;
        let ids: std::collections::HashSet<_> =
            many.iter().map(|answer| answer.expect(200).text("key_id")).collect();
        assert_eq!((ids.len(), published(&app).await.len()), (1, 2));
    }

    async fn keys_follow_one_another_by_themselves(backend) {
        let settings = [ADMIN[0], ADMIN[1], ("HMS_AUTH_UPKEEP_SECONDS", "1"), ("HMS_SIGNING_KEY_DAYS", "1")];
        let app = App::start_real_tokens(backend, &settings).await;
        let first = key_of(&signed_in(&app, "admin").await);
        app.clock.advance(TimeDelta::days(1) - TimeDelta::minutes(10));
        let both = until("the next key", 20, async || Some(published(&app).await).filter(|keys| keys.len() == 2)).await;
        app.clock.advance(TimeDelta::minutes(10));
        assert_eq!(key_of(&signed_in(&app, "admin").await), both[1]);
        app.clock.advance(TimeDelta::days(8));
        let gone = until("the end of the first", 20, async || {
            Some(published(&app).await).filter(|keys| !keys.contains(&first))
        });
        gone.await;
    }

    async fn the_documents_say_where_everything_is(backend) {
        let app = hospital(backend).await;
        let server = app.anonymous().get("/.well-known/oauth-authorization-server").await;
        assert_eq!(server.expect(200).text("issuer"), ISSUER);
        assert_eq!(server.text("token_endpoint"), format!("{ISSUER}/api/v1/oauth/token"));
        assert_eq!(server["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(server["authorization_response_iss_parameter_supported"], json!(true));
        let openid = app.anonymous().get("/.well-known/openid-configuration").await;
        assert_eq!(openid.expect(200)["id_token_signing_alg_values_supported"], json!(["EdDSA"]));
        assert_eq!(openid.text("jwks_uri"), format!("{ISSUER}/.well-known/jwks.json"));
        assert_eq!(openid.text("userinfo_endpoint"), format!("{ISSUER}/api/v1/oauth/userinfo"));
        assert!(openid["scopes_supported"].as_array().unwrap().contains(&json!("openid")));
        assert_eq!(openid.header("cache-control"), "public, max-age=300");
    }

    async fn with_a_shared_secret_there_is_no_openid_connect(backend) {
        let secret = "a secret of at least 32 bytes, as RFC 7518 asks";
        let settings = [
            ADMIN[0], ADMIN[1], ("JWT_ALGORITHM", "HS256"), ("JWT_SECRET", secret),
            ("HMS_PUBLIC_URL", "https://hms.example"),
        ];
        let app = App::start_real_tokens(backend, &settings).await;
        let admin = signed_in(&app, "admin").await;
        app.anonymous().get("/.well-known/openid-configuration").await.expect_problem(404, "NOT_FOUND");
        let server = app.anonymous().get("/.well-known/oauth-authorization-server").await;
        assert_eq!(server.expect(200).text("issuer"), "https://hms.example");
        assert!(server["jwks_uri"].is_null());
        assert!(!server["scopes_supported"].as_array().unwrap().contains(&json!("openid")));
        admin.post(ROTATE, &json!({})).await.expect_problem(422, "UNPROCESSABLE");
    }
}
