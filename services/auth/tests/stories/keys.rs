//! The keys by which everyone checks tokens.

use hms_access::{KeySource, Verifier};
use hms_testkit::on_both_back_ends;
use serde_json::json;

use crate::{ADMIN, App, hospital, sign_in};

const JWKS: &str = "/.well-known/jwks.json";

on_both_back_ends! {
    async fn the_public_key_is_published(backend) {
        let app = hospital(backend).await;
        let answer = app.anonymous().get(JWKS).await;
        let keys = answer.expect(200)["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!(
            (&keys[0]["kty"], &keys[0]["crv"], &keys[0]["alg"], &keys[0]["use"]),
            (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"), &json!("sig"))
        );
        assert_eq!(keys[0].as_object().unwrap().len(), 6, "nothing but the public half: {:#}", keys[0]);
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
    }

    async fn a_shared_secret_is_never_published(backend) {
        let secret = "a secret of at least 32 bytes, as RFC 7518 asks";
        let settings = [ADMIN[0], ADMIN[1], ("JWT_ALGORITHM", "HS256"), ("JWT_SECRET", secret)];
        let app = App::start_real_tokens(backend, &settings).await;
        assert_eq!(app.anonymous().get(JWKS).await.expect(200).body, json!({"keys": []}));
        let access = sign_in(&app, "admin").await.expect(200).text("access");
        let source = KeySource::Secret(secret.into());
        let verifier = Verifier::of_issuer("http://127.0.0.1:8080", source, app.clock.clone()).unwrap();
        verifier.verify(&access).await.unwrap();
        app.anonymous().with_token(access).get("/api/v1/auth/me").await.expect(200);
    }
}
