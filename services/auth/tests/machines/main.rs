//! How programs get in: services, API keys, OAuth clients, and the keys behind all of it, told as stories.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod api_keys;
mod authorization;
mod browser;
mod clients;
mod grants;
mod services;
mod signing_keys;
mod upkeep;

use std::sync::Arc;

use hms_access::{Claims, KeySource, Verifier};
use hms_auth::Service;
use hms_model::audit::AuditEntry;
use hms_model::event::AuditRecorded;
use hms_testkit::{Answer, Backend, Client, TestService};
use serde_json::{Value, json};

type App = TestService<Service>;

const PASSWORD: &str = "planted7391-plover-94-lagoon";
const ADMIN: [(&str, &str); 2] =
    [("HMS_ADMIN_EMAIL", "chief@hospital.example"), ("HMS_ADMIN_PASSWORD", PASSWORD)];
/// The issuer where no other is set.
const ISSUER: &str = "http://127.0.0.1:8080";

async fn hospital(backend: Backend) -> App {
    App::start_real_tokens(backend, &ADMIN).await
}

/// The client of somebody who has signed in.
async fn signed_in(app: &App, name: &str) -> Client {
    let credentials = json!({"username": name, "password": PASSWORD});
    let answer = app.anonymous().post("/api/v1/auth/login", &credentials).await;
    app.anonymous().with_token(answer.expect(200).text("access"))
}

/// Somebody of a role, made by the admin: the client, and the id of the account.
async fn person(app: &App, admin: &Client, name: &str, role: &str) -> (Client, String) {
    let form = json!({
        "email": format!("{name}@hospital.example"), "username": name, "password": PASSWORD, "roles": [role],
    });
    let id = admin.post("/api/v1/accounts", &form).await.expect(201).text("id");
    (signed_in(app, name).await, id)
}

/// A POST of a form, with the client in `Authorization: Basic`.
async fn post_form(app: &App, path: &str, basic: Option<(&str, &str)>, form: &[(&str, &str)]) -> Answer {
    use base64::Engine as _;
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let basic = basic.map(|(id, secret)| {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}")))
    });
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    headers.extend(basic.as_deref().map(|basic| ("authorization", basic)));
    app.anonymous().request("POST", path, &headers, Some(body.into_bytes())).await
}

async fn token(app: &App, basic: Option<(&str, &str)>, form: &[(&str, &str)]) -> Answer {
    post_form(app, "/api/v1/oauth/token", basic, form).await
}

/// An error as OAuth has it.
#[track_caller]
fn expect_oauth(answer: &Answer, status: u16, error: &str) {
    answer.expect(status);
    assert_eq!(answer["error"], error, "{:#}", answer.body);
    assert!(answer["error_description"].is_string(), "{:#}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
}

fn verifier(app: &App) -> Verifier {
    let source = KeySource::Url(format!("{}/.well-known/jwks.json", app.base()));
    Verifier::of_issuer(ISSUER, source, app.clock.clone()).unwrap()
}

/// What an access token says, checked as every service checks it.
async fn claims(app: &App, access: &str) -> Arc<Claims> {
    verifier(app).verify(access).await.unwrap()
}

/// The secret of a service, as it lies in the data folder.
fn secret_of(app: &App, service: &str) -> String {
    std::fs::read_to_string(app.folder.path().join("clients").join(service)).unwrap()
}

/// The client of a service, with a token of its own.
async fn service(app: &App, name: &str) -> Client {
    let secret = secret_of(app, name);
    let answer = token(app, Some((name, &secret)), &[("grant_type", "client_credentials")]).await;
    app.anonymous().with_token(answer.expect(200).text("access_token"))
}

/// What was revoked so far, by the ids.
async fn revoked(app: &App) -> Vec<String> {
    let feed = service(app, "gateway").await.get("/internal/revocations").await;
    let entries = feed.expect(200)["revoked"].as_array().unwrap().clone();
    entries.iter().map(|entry| entry["sid"].as_str().unwrap().to_owned()).collect()
}

async fn audit(app: &App) -> Vec<AuditEntry> {
    let all = app.published_of::<AuditRecorded>().await;
    all.into_iter().map(|event| event.0).filter(|entry| entry.request_id.is_some()).collect()
}

/// The last entry of the audit, in a line.
async fn last_act(app: &App) -> String {
    let entry = audit(app).await.pop().expect("an entry");
    format!("{} {} {}: {}", entry.action, entry.resource, entry.outcome, entry.detail.unwrap_or_default())
}

/// An OAuth client, made by the admin; without a secret it is public.
struct Program {
    id: String,
    secret: Option<String>,
}

impl Program {
    fn basic(&self) -> Option<(&str, &str)> {
        self.secret.as_deref().map(|secret| (self.id.as_str(), secret))
    }
}

const CALLBACK: &str = "https://app.example/callback";

async fn oauth_client(admin: &Client, changes: Value) -> Program {
    let mut form = json!({
        "name": "Ward board", "kind": "confidential", "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "scopes": ["openid", "profile", "email", "offline_access", "patient:read", "appointment:read"],
    });
    for (name, value) in changes.as_object().unwrap() {
        form[name] = value.clone();
    }
    let made = admin.post("/api/v1/oauth/clients", &form).await;
    let secret = made.expect(201)["client_secret"].as_str().map(str::to_owned);
    Program { id: made.text("id"), secret }
}
