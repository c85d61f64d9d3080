//! Tokens that are none of ours, not any more, or changed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::TimeDelta;
use hms_access::{Claims, Issuer, SigningKey};
use hms_model::Clock;
use hms_model::id::Id;
use hms_model::role::Role;
use hms_model::service::SERVICES;
use hms_tests::Platform;
use hms_tests::api::{Asks, Operation, operations};
use serde_json::{Value, json};

use crate::case::{Case, Who, asks, in_the_envelope};
use crate::world::World;

/// A record that is not there.
const NO_RECORD: &str = "0190a3c2-5b1e-7c4d-9f00-000000000000";

/// A path of each service that asks for a token.
pub const PROTECTED: [(&str, &str); 7] = [
    ("auth", "/api/v1/accounts"),
    ("user", "/api/v1/patients"),
    ("appointment", "/api/v1/appointments"),
    ("notification", "/api/v1/notifications"),
    ("metrics", "/api/v1/analytics/daily"),
    ("billing", "/api/v1/billing/invoices"),
    ("audit", "/api/v1/audit"),
];

/// No token, and none of ours.
pub fn cases(world: &World) -> Vec<Case> {
    let read = format!("/api/v1/patients/{}", world.ann.patient_id());
    let scheme = asks("another scheme", (Who::Nobody, "GET", &read), (401, "UNAUTHENTICATED"));
    vec![
        scheme.header("authorization", "Basic YWRtaW46YWRtaW4="),
        asks("no token", (Who::Nobody, "GET", &read), (401, "UNAUTHENTICATED")),
    ]
}

/// Each bad token at every operation that asks for one, at the gateway and at its service. Says where it was not refused.
pub async fn refused_everywhere(world: &World) -> Vec<String> {
    let mut bad: Vec<_> =
        forged(world).await.into_iter().map(|(what, token)| (what, token, "UNAUTHENTICATED")).collect();
    bad.push(("a token of a service", of_a_service(world).await, "UNAUTHENTICATED"));
    bad.push(("a token that has expired", world.expired.clone(), "TOKEN_EXPIRED"));
    let operations = protected(&world.platform).await;
    let mut complaints = Vec::new();
    for (what, token, code) in bad {
        complaints.extend(complaints_of(&world.platform, &operations, what, &token, code).await);
    }
    complaints
}

/// The operations that ask for a token, as each service says it of its own.
pub async fn protected(platform: &Platform) -> Vec<(&'static str, Operation)> {
    let mut found = Vec::new();
    for service in SERVICES {
        let document = platform.service(service.name).get("/openapi.json").await;
        let own = operations(&document.expect(200).body).into_values();
        let own = own.filter(|it| it.path.starts_with("/api/v1/") && it.asks() != Asks::Nothing);
        let before = found.len();
        found.extend(own.map(|operation| (service.name, operation)));
        assert!(found.len() > before, "{} has operations", service.name);
    }
    found
}

/// Where a token is not refused with this code.
pub async fn complaints_of(
    platform: &Platform,
    operations: &[(&'static str, Operation)],
    what: &str,
    token: &str,
    code: &str,
) -> Vec<String> {
    let mut complaints = Vec::new();
    for (service, operation) in operations {
        for (place, client) in [("the gateway", platform.gateway()), (*service, platform.service(service))] {
            let (client, path) = (client.with_token(token), operation.path_with(NO_RECORD));
            let answer = match operation.document.get("requestBody") {
                Some(_) => client.json(&operation.method, &path, &json!({}), &[]).await,
                None => client.request(&operation.method, &path, &[], None).await,
            };
            if (answer.status, answer.code()) != (401, code) || !in_the_envelope(&answer) {
                let name = operation.name();
                complaints.push(format!("- {what} ({place}, {name}): {} {}", answer.status, answer.body));
            }
        }
    }
    complaints
}

/// The token by which the appointment service speaks to others.
async fn of_a_service(world: &World) -> String {
    let secret = std::fs::read_to_string(world.platform.data().join("clients/appointment")).unwrap();
    let form = format!("grant_type=client_credentials&client_id=appointment&client_secret={secret}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let gateway = world.platform.gateway();
    let answer = gateway.request("POST", "/api/v1/oauth/token", &headers, Some(form.into_bytes())).await;
    answer.expect(200).text("access_token")
}

async fn forged(world: &World) -> Vec<(&'static str, String)> {
    let good = world.ann.client.token().unwrap();
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let keys = world.platform.service("auth").get("/.well-known/jwks.json").await;
    let key = keys.expect(200)["keys"][0].clone();
    let public = BASE64.decode(key["x"].as_str().unwrap()).unwrap();
    let now = Clock::system().now();
    let claims = Claims::new(Id::new(now), Id::new(now), vec![Role::Admin], now, TimeDelta::minutes(15));
    let as_admin = BASE64.encode(serde_json::to_vec(&claims).unwrap());
    let issued_by = |key| Issuer::new(key).unwrap().issue(&claims).unwrap();
    let SigningKey::Ed25519 { pkcs8, .. } = SigningKey::generate().unwrap() else { panic!("an Ed25519 key") };
    let kid = key["kid"].as_str().unwrap().to_owned();
    let none = |token_type: &str| BASE64.encode(json!({"alg": "none", "typ": token_type}).to_string());
    let shown = BASE64.decode(header).unwrap();
    let mut algorithm: Value = serde_json::from_slice(&shown).unwrap();
    algorithm["alg"] = json!("HS256");
    let algorithm = BASE64.encode(algorithm.to_string());
    vec![
        ("no token at all", "nonsense".to_owned()),
        ("three words with dots", "a.b.c".to_owned()),
        ("alg none", format!("{}.{payload}.", none("at+jwt"))),
        ("alg none as the admin", format!("{}.{as_admin}.", none("at+jwt"))),
        ("alg none with the signature", format!("{}.{payload}.{signature}", none("JWT"))),
        ("the admin's claims under another signature", format!("{header}.{as_admin}.{signature}")),
        ("no signature", format!("{header}.{payload}.")),
        ("the signature cut", good[..good.len() - 4].to_owned()),
        ("a stranger's signature", issued_by(SigningKey::generate().unwrap())),
        ("a stranger's signature under our key's name", issued_by(SigningKey::Ed25519 { id: kid, pkcs8 })),
        ("a key that nobody knows", format!("{}.{payload}.{signature}", unknown_key(header))),
        ("the public key as a secret", issued_by(SigningKey::Hs256 { secret: public.clone() })),
        ("its text as a secret", issued_by(SigningKey::Hs256 { secret: key["x"].as_str().unwrap().into() })),
        ("another algorithm over the same signature", format!("{algorithm}.{payload}.{signature}")),
        ("a refresh token", world.ann.refresh.clone()),
    ]
}

/// The same header with a key id that is not in the set.
fn unknown_key(header: &str) -> String {
    let mut header: Value = serde_json::from_slice(&BASE64.decode(header).unwrap()).unwrap();
    header["kid"] = json!("a-key-that-was-never-here");
    BASE64.encode(header.to_string())
}
