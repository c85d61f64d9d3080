//! A client that nobody here wrote: Authlib, from PyPI, signs in through the gateway by authorization code with PKCE and
//! by client credentials, checks what it gets by discovery and the published keys, refreshes it and revokes it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

use std::path::Path;

use hms_tests::{ADMIN_PASSWORD, Person, Platform, on_both_kinds};
use serde_json::{Value, json};

const SCRIPT: &str = "oidc/run.sh";

on_both_kinds! {
    async fn an_ordinary_client_signs_in(kind) {
        let platform = Platform::start(kind).await;
        let admin = platform.admin().await;
        let confidential = register(&admin, json!({
            "kind": "confidential", "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        }));
        let confidential = confidential.await;
        let public = register(&admin, json!({
            "kind": "public", "grant_types": ["authorization_code", "refresh_token"],
        }));
        let public = public.await;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(SCRIPT);
        let mut client = tokio::process::Command::new(script);
        client
            .env("HMS_ISSUER", platform.gateway_url())
            .env("HMS_USERNAME", "admin")
            .env("HMS_PASSWORD", ADMIN_PASSWORD)
            .env("CLIENT_ID", text(&confidential, "id"))
            .env("CLIENT_SECRET", text(&confidential, "client_secret"))
            .env("PUBLIC_CLIENT_ID", text(&public, "id"));
        let outcome = client.output().await.expect("bash and python3");
        let said = String::from_utf8_lossy(&outcome.stdout);
        let complained = String::from_utf8_lossy(&outcome.stderr);
        assert!(outcome.status.success() && said.contains("all is well"), "{said}\n{complained}");
    }
}

async fn register(admin: &Person, more: Value) -> Value {
    let mut form = json!({
        "name": "An ordinary client", "redirect_uris": ["http://127.0.0.1/callback"],
        "scopes": ["openid", "profile", "email", "offline_access", "patient:read"],
    });
    for (name, value) in more.as_object().unwrap() {
        form[name] = value.clone();
    }
    let made = admin.client.post("/api/v1/oauth/clients", &form).await;
    made.expect(201).body.clone()
}

fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body[field].as_str().unwrap_or_else(|| panic!("no {field}"))
}
