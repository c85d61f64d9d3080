//! Sessions and API keys from the auth service to the gateway: what is taken back stops soon.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

use std::time::{Duration, Instant};

use hms_tests::{ADMIN_EMAIL, ADMIN_PASSWORD, Answer, Platform, on_both_kinds, until};
use serde_json::json;

/// How long something that is revoked may still be taken.
const PROMISE: Duration = Duration::from_secs(5);

on_both_kinds! {
    async fn a_session_that_is_ended_stops_at_the_gateway(kind) {
        let platform = Platform::start(kind).await;
        let gateway = platform.gateway();
        let login = json!({ "username": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
        let tokens = gateway.post("/api/v1/auth/login", &login).await;
        let person = gateway.with_token(tokens.expect(200).text("access"));
        let refresh = json!({ "refresh": tokens.text("refresh") });
        person.get("/api/v1/patients").await.expect(200);
        person.post("/api/v1/auth/logout", &refresh).await.expect(204);
        refused_soon("the end of the session", async || person.get("/api/v1/patients").await).await;
    }

    async fn an_api_key_works_at_the_gateway_until_it_is_revoked(kind) {
        let platform = Platform::start(kind).await;
        let admin = platform.admin().await;
        let form = json!({ "name": "laboratory", "scopes": ["patient:read"] });
        let made = admin.client.post("/api/v1/api-keys", &form).await;
        let (id, key) = (made.expect(201).text("id"), made.text("key"));
        let gateway = platform.gateway();
        let ask = async |path: &str, name: &str, value: &str| {
            gateway.request("GET", path, &[(name, value)], None).await
        };
        ask("/api/v1/patients", "x-api-key", &key).await.expect(200);
        ask("/api/v1/patients", "authorization", &format!("ApiKey {key}")).await.expect(200);
        ask("/api/v1/audit", "x-api-key", &key).await.expect_problem(403, "FORBIDDEN");
        ask("/api/v1/patients", "x-api-key", &format!("{key}0")).await.expect_problem(401, "UNAUTHENTICATED");
        admin.client.delete(&format!("/api/v1/api-keys/{id}")).await.expect(204);
        refused_soon("the end of the key", async || ask("/api/v1/patients", "x-api-key", &key).await).await;
    }
}

async fn refused_soon(what: &str, ask: impl AsyncFn() -> Answer) {
    let begun = Instant::now();
    let refused = until(what, 10, async || Some(ask().await).filter(|answer| answer.status != 200)).await;
    refused.expect_problem(401, "UNAUTHENTICATED");
    assert!(begun.elapsed() < PROMISE, "{what} took {:?}", begun.elapsed());
}
