//! Those who call: the first admin, staff, patients.

use hms_model::Coded;
use hms_model::role::Role;
use hms_testkit::{Answer, Client, PLANTED};
use serde_json::{Value, json};

use crate::{PATIENCE, Platform, records, until};

/// The e-mail address of the first admin.
pub const ADMIN_EMAIL: &str = "admin@hms.local";
/// The password of the first admin, where the test sets it. The [planted](PLANTED) word stands in it.
pub const ADMIN_PASSWORD: &str = "planted7391-plover-94-lagoon";

/// The password of everybody else, by the e-mail address.
pub fn password(email: &str) -> String {
    format!("{PLANTED} meadow of {email}")
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Person {
    /// Calls the gateway as this person.
    pub client: Client,
    /// The account as the last sign-in showed it.
    pub account: Value,
    /// The refresh token of the session.
    pub refresh: String,
    /// The e-mail address.
    pub email: String,
}

impl Person {
    fn new(gateway: &Client, answer: &Answer) -> Self {
        Self {
            client: gateway.with_token(answer.text("access")),
            account: answer["account"].clone(),
            refresh: answer.text("refresh"),
            email: answer["account"]["email"].as_str().unwrap().to_owned(),
        }
    }

    /// The id of the account.
    pub fn account_id(&self) -> &str {
        self.account["id"].as_str().unwrap()
    }

    /// The id of the patient that the account's token names.
    pub fn patient_id(&self) -> &str {
        self.account["patient_id"].as_str().expect("the account is a patient's")
    }

    /// Takes new tokens for the refresh token.
    pub async fn renew(&mut self, gateway: &Client) {
        let answer = gateway.post("/api/v1/auth/refresh", &json!({"refresh": self.refresh})).await;
        *self = Self::new(gateway, answer.expect(200));
    }

    /// Books, once the appointment service knows of those whom the body names: it learns of them by events.
    pub async fn book(&self, body: &Value) -> Answer {
        self.once_known("/api/v1/appointments", body).await
    }

    /// Makes a record, once its service knows of those whom the body names, and gives its id.
    pub async fn make_once_known(&self, path: &str, body: &Value) -> String {
        self.once_known(path, body).await.text("id")
    }

    async fn once_known(&self, path: &str, body: &Value) -> Answer {
        let answer = until(&format!("what this names: {body}"), PATIENCE, async || {
            let answer = self.client.post(path, body).await;
            (answer.code() != "UNKNOWN_REFERENCE").then_some(answer)
        })
        .await;
        answer.expect(201);
        answer
    }

    /// Makes a record and gives its id.
    pub async fn make(&self, path: &str, body: &Value) -> String {
        self.client.post(path, body).await.expect(201).text("id")
    }
}

impl Platform {
    /// Signs in.
    pub async fn sign_in(&self, username: &str, password: &str) -> Person {
        let gateway = self.gateway();
        let answer =
            gateway.post("/api/v1/auth/login", &json!({"username": username, "password": password})).await;
        Person::new(&gateway, answer.expect(200))
    }

    /// The first admin, signed in.
    pub async fn admin(&self) -> Person {
        self.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD).await
    }

    /// A new account of these roles, made by the admin and signed in.
    pub async fn account(&self, admin: &Person, roles: &[Role]) -> Person {
        let names: Vec<_> = roles.iter().map(|role| role.code()).collect();
        let email = records::email(&names.join("."));
        let body = json!({"email": email, "password": password(&email), "roles": names});
        admin.client.post("/api/v1/accounts", &body).await.expect(201);
        self.sign_in(&email, &password(&email)).await
    }

    /// Somebody who has registered by themselves and signed in; not yet known as a patient.
    pub async fn register(&self) -> Person {
        let email = records::email("patient");
        let body = json!({"email": email, "password": password(&email)});
        self.gateway().post("/api/v1/auth/register", &body).await.expect(201);
        self.sign_in(&email, &password(&email)).await
    }

    /// A patient who has registered, entered their own record, and carries its id in the token.
    pub async fn register_patient(&self) -> Person {
        let mut person = self.register().await;
        let mut body = records::patient("Ann", "Andersson");
        body["email"] = json!(person.email);
        let made = person.client.post("/api/v1/patients", &body).await;
        self.until_linked(&mut person, &made.expect(201).text("id")).await;
        person
    }

    /// Renews the tokens until they carry the patient's id: the auth service learns of it by an event.
    pub async fn until_linked(&self, person: &mut Person, patient_id: &str) {
        let gateway = self.gateway();
        until("the patient's id in the token", PATIENCE, async || {
            person.renew(&gateway).await;
            (person.account["patient_id"] == patient_id).then_some(())
        })
        .await;
    }
}
