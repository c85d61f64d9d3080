//! Secrets and personal data that go through the whole platform are in no log, no error, no trace of theirs, however
//! much is logged.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

use hms_model::service::SERVICES;
use hms_tests::{
    ADMIN_PASSWORD, Answer, Client, Collector, PATIENCE, PLANTED, Person, Platform, on_both_kinds, records,
    until,
};
use serde_json::{Value, json};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

on_both_kinds! {
    async fn nothing_that_was_planted_comes_out(kind) {
        let collector = Collector::start();
        let mut platform = Platform::prepare(kind)
            .with("LOG_LEVEL", "DEBUG")
            .with("LOG_FORMAT", "json")
            .with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint());
        platform.launch().await;
        let mut planted = Planted::default();
        let admin = platform.admin().await;
        planted.secret("the admin's password", ADMIN_PASSWORD);
        planted.session("the admin", &admin);
        people(&platform, &mut planted).await;
        programs(&platform, &admin, &mut planted).await;
        mails(&platform, &admin, &mut planted).await;
        errors(&platform, &admin, &mut planted).await;
        for service in SERVICES {
            let letters = &admin.client;
            let path = format!("/api/v1/services/{}/dead-letters", service.name);
            planted.shown(&letters.get(&path).await);
        }
        // At its end it sends the traces that it still has.
        platform.process().signal("TERM");
        platform.process().end().await;
        planted.written.push(platform.process().stdout());
        planted.written.push(platform.process().stderr());
        let spans = collector.spans();
        for service in SERVICES {
            assert!(spans.iter().any(|span| span.service == format!("hms-{}", service.name)), "no trace of {}", service.name);
        }
        planted.written.push(spans.iter().map(|span| format!("{span:?}\n")).collect());
        planted.is_nowhere();
    }
}

/// What was planted, and all that came out.
#[derive(Default)]
struct Planted {
    values: Vec<(String, String)>,
    written: Vec<String>,
}

impl Planted {
    fn secret(&mut self, what: &str, value: &str) {
        assert!(value.len() >= 8, "{what} is too short to be looked for");
        self.values.push((what.to_owned(), value.to_owned()));
    }

    fn session(&mut self, whose: &str, person: &Person) {
        self.secret(&format!("the access token of {whose}"), person.client.token().unwrap());
        self.secret(&format!("the refresh token of {whose}"), &person.refresh);
    }

    fn shown(&mut self, answer: &Answer) {
        self.written.push(answer.body.to_string());
    }

    /// The answer to something that cannot be done; its words go to people and into tickets.
    fn refused(&mut self, answer: &Answer) {
        assert!(answer.status >= 400, "{}", answer.body);
        self.shown(answer);
    }

    fn is_nowhere(&self) {
        assert!(
            self.written.iter().map(String::len).sum::<usize>() > 10_000,
            "there is a log to look through"
        );
        let mut found = Vec::new();
        for (what, value) in &self.values {
            for text in &self.written {
                if let Some(place) = text.find(value.as_str()) {
                    let line = text[..place].rfind('\n').map_or(0, |at| at + 1);
                    found.push(format!("- {what}: {}", text[line..].lines().next().unwrap_or_default()));
                }
            }
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

/// A patient with a record full of what nobody else may read, and a second factor.
async fn people(platform: &Platform, planted: &mut Planted) {
    let email = format!("{PLANTED}.{}@example.org", records::unique());
    let password = format!("{PLANTED} and a long sentence {}", records::unique());
    let form = json!({"email": email, "password": password});
    platform.gateway().post("/api/v1/auth/register", &form).await.expect(201);
    let person = platform.sign_in(&email, &password).await;
    planted.secret("the patient's password", &password);
    planted.secret("the patient's address", &email);
    planted.session("the patient", &person);
    let mut patient = records::patient("Plantedgivenname", "Plantedfamilyname");
    patient["email"] = json!(email);
    patient["phone"] = json!("+14155557391");
    patient["address"]["line"] = json!(format!("{PLANTED} Street 7"));
    let path = format!("/api/v1/patients/{}", person.make("/api/v1/patients", &patient).await);
    for name in ["Plantedgivenname", "Plantedfamilyname", "+14155557391", "Street 7"] {
        planted.secret("the patient's record", name);
    }
    person.client.get(&path).await.expect(200);
    person.client.patch(&path, &json!({"phone": "+14155557392"})).await.expect(200);
    planted.secret("the patient's other number", "+14155557392");
    person.client.get("/api/v1/patients?search=Plantedfamilyname").await.expect(200);

    let begun = person.client.post("/api/v1/auth/mfa/totp", &json!({})).await;
    planted.secret("the secret of the second factor", &begun.expect(200).text("secret"));
    let refresh = json!({"refresh": person.refresh});
    let renewed = platform.gateway().post("/api/v1/auth/refresh", &refresh).await;
    planted.secret("the next access token", &renewed.expect(200).text("access"));
    planted.secret("the next refresh token", &renewed.text("refresh"));
}

/// Keys, clients with their secrets, codes and verifiers.
async fn programs(platform: &Platform, admin: &Person, planted: &mut Planted) {
    let gateway = platform.gateway();
    let form = json!({"name": "ward", "scopes": ["patient:read"]});
    let key = admin.client.post("/api/v1/api-keys", &form).await.expect(201).text("key");
    let headers = [("x-api-key", key.as_str())];
    gateway.request("GET", "/api/v1/patients", &headers, None).await.expect(200);
    // With a typo, it comes back in no error either.
    planted.refused(
        &gateway.request("GET", "/api/v1/patients", &[("x-api-key", &format!("{key}0"))], None).await,
    );
    planted.secret("an API key", &key);

    let form = json!({
        "name": "A program", "kind": "confidential", "redirect_uris": ["http://127.0.0.1/callback"],
        "grant_types": ["client_credentials", "authorization_code"], "scopes": ["patient:read"],
    });
    let client = admin.client.post("/api/v1/oauth/clients", &form).await.expect(201).body.clone();
    let (id, secret) = (text(&client, "id"), text(&client, "client_secret"));
    planted.secret("the secret of a client", secret);
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let answer = posted(&gateway, "/api/v1/oauth/token", form).await;
    planted.secret("the token of a client", &answer.expect(200).text("access_token"));
    let code = format!("{PLANTED}code{}", records::unique());
    let verifier = format!("{PLANTED}verifier{}", records::unique());
    planted.secret("a code", &code);
    planted.secret("a verifier", &verifier);
    let form = format!(
        "grant_type=authorization_code&client_id={id}&client_secret={secret}&code={code}\
         &redirect_uri=http://127.0.0.1/callback&code_verifier={verifier}"
    );
    planted.refused(&posted(&gateway, "/api/v1/oauth/token", form).await);
    let form = format!("token={code}&client_id={id}&client_secret={PLANTED}wrongsecret");
    planted.secret("a wrong secret", &format!("{PLANTED}wrongsecret"));
    planted.refused(&posted(&gateway, "/api/v1/oauth/introspect", form).await);
    for service in SERVICES {
        let file = platform.data().join("clients").join(service.name);
        if let Ok(secret) = std::fs::read_to_string(file) {
            planted.secret("the secret of a service", secret.trim());
        }
    }
}

/// The links of mails: only the mail has them.
async fn mails(platform: &Platform, admin: &Person, planted: &mut Planted) {
    let email = format!("{PLANTED}.{}@example.org", records::unique());
    let invitation = json!({"email": email, "roles": ["nurse"]});
    admin.client.post("/api/v1/accounts/invitations", &invitation).await.expect(201);
    let folder = platform.data().join("outgoing");
    let link = until("the mail with the link", PATIENCE, async || {
        let files = std::fs::read_dir(&folder).ok()?;
        let texts = files.filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok());
        texts.filter(|text| text.contains(&email)).find_map(|text| token(&text))
    })
    .await;
    planted.secret("the token of an invitation", &link);
    let form = json!({"token": link, "password": "short"});
    planted.refused(&platform.gateway().post("/api/v1/auth/invitation", &form).await);
}

/// What a mail's link ends with.
fn token(mail: &str) -> Option<String> {
    let plain = mail.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
    let after = plain.split_once("token=")?.1;
    Some(after.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect())
}

/// What is sent by mistake, and where it should not be, is not repeated.
async fn errors(platform: &Platform, admin: &Person, planted: &mut Planted) {
    let gateway = platform.gateway();
    let wrong = format!("{PLANTED} is no password");
    planted.secret("a wrong password", &wrong);
    let form = json!({"username": "admin@hms.local", "password": wrong});
    planted.refused(&gateway.post("/api/v1/auth/login", &form).await);
    let misplaced = json!({"username": "admin@hms.local", "pasword": wrong});
    planted.refused(&gateway.post("/api/v1/auth/login", &misplaced).await);
    let broken = format!("{{\"password\": \"{wrong}\", ");
    let headers = [("content-type", "application/json")];
    planted
        .refused(&gateway.request("POST", "/api/v1/auth/login", &headers, Some(broken.into_bytes())).await);
    let token = format!("{PLANTED}.is.notoken");
    planted.secret("a forged token", &token);
    planted.refused(&gateway.with_token(token).get("/api/v1/patients").await);
    let mut patient = records::patient("Plantedgivenname", "Plantedfamilyname");
    patient["birth_date"] = json!("2999-01-01");
    planted.refused(&admin.client.post("/api/v1/patients", &patient).await);
    patient["birth_date"] = json!("1984-02-29");
    patient["unknown"] = json!("x");
    planted.refused(&admin.client.post("/api/v1/patients", &patient).await);
}

async fn posted(client: &Client, path: &str, form: String) -> Answer {
    client.request("POST", path, &[FORM], Some(form.into_bytes())).await
}

fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body[field].as_str().unwrap_or_else(|| panic!("no {field}: {body}"))
}
