//! Push messages to apps, by Firebase Cloud Messaging (HTTP v1) or what speaks as it does.

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use hms_model::{Clock, Secret};
use reqwest::Client;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

use super::{KEPT_SECONDS, fitting, jws};
use crate::channel::http::{self, Answered};
use crate::channel::limit::Limit;
use crate::channel::settings::FcmSettings;
use crate::domain::{Outgoing, Receipt, SendError};

/// What a token is asked for.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// RFC 7523.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// For how long an assertion is good: an hour at the most.
const ASSERTED: TimeDelta = TimeDelta::minutes(30);
/// How long before its end a token is no longer used.
const MARGIN: TimeDelta = TimeDelta::minutes(2);

/// Sends to the apps of one project.
pub struct Fcm {
    http: Client,
    url: Url,
    account: Account,
    key: RsaKeyPair,
    limit: Limit,
    clock: Clock,
    token: Mutex<Option<Token>>,
}

/// What is needed of a service account.
#[derive(Deserialize)]
struct Account {
    project_id: String,
    client_email: String,
    private_key: Secret,
    private_key_id: String,
    token_uri: String,
}

/// What says who we are, for a while.
#[derive(Clone)]
struct Token {
    text: Secret,
    until: DateTime<Utc>,
}

impl Fcm {
    /// By the account of these settings.
    pub fn new(settings: FcmSettings, clock: Clock) -> anyhow::Result<Self> {
        let FcmSettings { mut url, account, allowance, trusted } = settings;
        // What serde says of a wrong one may quote it.
        let account: Account = serde_json::from_str(account.expose()).ok().context(
            "HMS_FCM_ACCOUNT: must be a service account (JSON) with project_id, client_email, private_key, private_key_id, token_uri",
        )?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(account.private_key.expose().as_bytes()).ok();
        let key = key.and_then(|key| RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).ok());
        let key = key.context("HMS_FCM_ACCOUNT: its private_key must be an RSA key (PKCS #8 in PEM)")?;
        url.set_path(&format!("/v1/projects/{}/messages:send", account.project_id));
        let (http, limit) = (http::client(&trusted)?, Limit::new(allowance));
        Ok(Self { http, url, account, key, limit, clock, token: Mutex::new(None) })
    }

    /// Sends a message to one device.
    pub async fn send(&self, device: &Secret, message: Outgoing<'_>) -> Result<Receipt, SendError> {
        let _place = self.limit.enter().await?;
        let token = self.token().await?;
        let body = body(device, message);
        let request = self.http.post(self.url.clone()).bearer_auth(token.expose()).json(&body);
        let answer = http::exchange(request, &self.clock).await?;
        if answer.is_good() {
            return Ok(Receipt { provider_id: text(&answer.body, "/name") });
        }
        if answer.status == 401 {
            // It was taken back before its time: the next attempt gets another.
            self.token.lock().await.take_if(|kept| kept.text == token);
        }
        if answer.status == 429 {
            self.limit.rest(answer.retry_after.unwrap_or_default());
        }
        Err(refusal(&answer))
    }

    /// The token that is good now. Of several messages that need a new one, one asks for it.
    async fn token(&self) -> Result<Secret, SendError> {
        let mut kept = self.token.lock().await;
        let now = self.clock.now();
        if let Some(token) = kept.as_ref().filter(|token| now < token.until - MARGIN) {
            return Ok(token.text.clone());
        }
        let token = self.new_token(now).await?;
        Ok(kept.insert(token).text.clone())
    }

    async fn new_token(&self, now: DateTime<Utc>) -> Result<Token, SendError> {
        let assertion = self.assertion(now).ok_or_else(|| SendError::later("the account cannot sign"))?;
        let form = [("grant_type", GRANT), ("assertion", assertion.as_str())];
        let request = http::form(self.http.post(&self.account.token_uri), &form);
        let answer = http::exchange(request, &self.clock).await?;
        let granted = (
            text(&answer.body, "/access_token"),
            answer.body.get("expires_in").and_then(serde_json::Value::as_i64),
        );
        match granted {
            (Some(token), Some(seconds)) if answer.is_good() => Ok(Token {
                text: Secret::new(token),
                until: now + TimeDelta::try_seconds(seconds).unwrap_or_default(),
            }),
            _ => Err(answer.later(format!("there is no token for the account: {}", answer.status))),
        }
    }

    fn assertion(&self, now: DateTime<Utc>) -> Option<String> {
        let Account { client_email, private_key_id, token_uri, .. } = &self.account;
        let (issued, until) = (now.timestamp(), (now + ASSERTED).timestamp());
        let claims =
            json!({ "iss": client_email, "scope": SCOPE, "aud": token_uri, "iat": issued, "exp": until });
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": private_key_id });
        jws::signed(&header, &claims, |text| {
            let mut signature = vec![0; self.key.public().modulus_len()];
            self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).ok()?;
            Some(signature)
        })
    }
}

/// A message that shows itself, and takes the place of an earlier copy of it.
fn body(device: &Secret, message: Outgoing<'_>) -> Value {
    let (title, body) = fitting(message);
    let id = message.id.to_string();
    let (priority, apns) = if message.urgent { ("HIGH", "10") } else { ("NORMAL", "5") };
    json!({ "message": {
        "token": device.expose(),
        "notification": { "title": title, "body": body },
        "data": { "id": id },
        "android": {
            "collapse_key": id, "priority": priority, "ttl": format!("{KEPT_SECONDS}s"), "notification": { "tag": id },
        },
        "apns": { "headers": { "apns-collapse-id": id, "apns-priority": apns } },
    } })
}

/// What a refusal means: its own code says more than the status.
fn refusal(answer: &Answered) -> SendError {
    let details = answer.body.pointer("/error/details").and_then(Value::as_array);
    let code = details.into_iter().flatten().find_map(|detail| text(detail, "/errorCode"));
    let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'));
    let status = answer.status;
    let reason = match &code {
        Some(code) => format!("the provider did not take it: {status}, {code}"),
        None => format!("the provider did not take it: {status}"),
    };
    match (code.as_deref(), status) {
        (Some("UNREGISTERED"), _) => SendError::Gone("the app is no longer there".into()),
        (Some("SENDER_ID_MISMATCH"), _) => SendError::Gone("the device belongs to another project".into()),
        // It tells of our account and not of the message.
        (_, 401 | 403) => answer.later(reason),
        _ if answer.is_passing() => answer.later(reason),
        _ => SendError::Never(reason),
    }
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().map(str::to_owned)
}
