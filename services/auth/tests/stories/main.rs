//! The API of the auth service, told as stories.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod accounts;
mod bad_input;
mod first_admin;
mod keys;
mod links;
mod lockout;
mod login;
mod people;
mod refresh;
mod register;
mod second_factor;
mod sessions;
mod storm;

use std::sync::Arc;

use hms_access::{Claims, KeySource, Verifier};
use hms_auth::Service;
use hms_model::audit::AuditEntry;
use hms_model::event::AuditRecorded;
use hms_testkit::{Answer, Backend, Client, TestService};
use serde_json::json;

type App = TestService<Service>;

const PASSWORD: &str = "planted7391-plover-94-lagoon";
const ADMIN: [(&str, &str); 2] =
    [("HMS_ADMIN_EMAIL", "chief@hospital.example"), ("HMS_ADMIN_PASSWORD", PASSWORD)];

/// The service with a first admin whose password is known, and with tokens of its own making.
async fn hospital(backend: Backend) -> App {
    App::start_real_tokens(backend, &ADMIN).await
}

/// Registers a patient, by default password.
async fn register(app: &App, email: &str) -> Answer {
    app.anonymous().post("/api/v1/auth/register", &json!({"email": email, "password": PASSWORD})).await
}

/// Signs in with the default password.
async fn sign_in(app: &App, name: &str) -> Answer {
    try_password(app, name, PASSWORD).await
}

async fn try_password(app: &App, name: &str, password: &str) -> Answer {
    let credentials = json!({"username": name, "password": password});
    app.anonymous().post("/api/v1/auth/login", &credentials).await
}

async fn refresh(app: &App, token: &str) -> Answer {
    app.anonymous().post("/api/v1/auth/refresh", &json!({"refresh": token})).await
}

/// A client with the tokens of a sign-in.
async fn client(app: &App, name: &str) -> Client {
    app.anonymous().with_token(sign_in(app, name).await.expect(200).text("access"))
}

/// What an access token says, checked as every service checks it.
async fn claims(app: &App, tokens: &Answer) -> Arc<Claims> {
    let source = KeySource::Url(format!("{}/.well-known/jwks.json", app.base()));
    let verifier = Verifier::of_issuer("http://127.0.0.1:8080", source, app.clock.clone()).unwrap();
    verifier.verify(&tokens.text("access")).await.unwrap()
}

/// What the audit was told so far, the making of the first admin aside.
async fn audit(app: &App) -> Vec<AuditEntry> {
    let all = app.published_of::<AuditRecorded>().await;
    all.into_iter().map(|event| event.0).filter(|entry| entry.request_id.is_some()).collect()
}

/// The last entry of the audit, in a line.
async fn last_act(app: &App) -> String {
    let entry = audit(app).await.pop().expect("an entry");
    let roles: Vec<_> = entry.actor.roles.iter().map(ToString::to_string).collect();
    let detail = entry.detail.unwrap_or_default();
    format!("{} {} {} by {:?}: {detail}", entry.action, entry.resource, entry.outcome, roles.join(" "))
}
