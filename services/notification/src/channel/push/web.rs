//! Push messages to browsers (RFC 8030).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hms_model::{Clock, Secret};
use p256::SecretKey;
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::json;

use super::encryption::{Recipient, SALT};
use super::{KEPT_SECONDS, VapidKey, fitting};
use crate::channel::http;
use crate::channel::limit::Limit;
use crate::channel::settings::WebPushSettings;
use crate::domain::webhook::AddressRules;
use crate::domain::{Outgoing, Receipt, SendError};
use crate::guard::{self, Lookup, refusal};

/// Puts messages to the endpoints that browsers name. These are addresses that anybody may have made up: only those
/// that the rules allow are connected to.
pub struct WebPush {
    http: Client,
    rules: AddressRules,
    key: Arc<VapidKey>,
    contact: String,
    limit: Limit,
    clock: Clock,
}

impl WebPush {
    /// By these settings, with names that `lookup` finds.
    pub fn new(
        settings: WebPushSettings,
        rules: AddressRules,
        key: Arc<VapidKey>,
        clock: Clock,
        lookup: &Arc<dyn Lookup>,
    ) -> anyhow::Result<Self> {
        let WebPushSettings { contact, allowance, trusted } = settings;
        let http = guard::client(&rules, lookup, http::USER_AGENT, &trusted.http()?)?;
        Ok(Self { http, rules, key, contact, limit: Limit::new(allowance), clock })
    }

    /// Sends a message to one subscription.
    pub async fn send(
        &self,
        (endpoint, p256dh, auth): (&Secret, &str, &Secret),
        message: Outgoing<'_>,
    ) -> Result<Receipt, SendError> {
        let _place = self.limit.enter().await?;
        // An address in the URL itself is never resolved; the rules may also be stricter than when it was written.
        let refused = |refused| SendError::Gone(format!("the endpoint {refused}"));
        let url = self.rules.check(endpoint.expose()).map_err(refused)?;
        let recipient = Recipient::parse(p256dh, auth.expose())
            .ok_or_else(|| SendError::Gone("the keys of the subscription are none".into()))?;
        let body = encrypted(&recipient, message)
            .ok_or_else(|| SendError::never("the message cannot be encrypted"))?;
        let authorization = self
            .key
            .authorization(&url, &self.contact, self.clock.now())
            .ok_or_else(|| SendError::later("the message cannot be signed"))?;
        let request = self
            .http
            .post(url)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_ENCODING, "aes128gcm")
            .header(CONTENT_TYPE, "application/octet-stream")
            .header("ttl", KEPT_SECONDS)
            .header("urgency", if message.urgent { "high" } else { "normal" })
            // What is sent again takes the place of the first while that is not delivered.
            .header("topic", URL_SAFE_NO_PAD.encode(message.id.uuid()))
            .body(body);
        let answer = http::exchange_or(request, &self.clock, |error| match refusal(error) {
            // What the name leads to may change again.
            Some(refused) => SendError::Never(format!("the name of the endpoint {refused}")),
            None => http::no_answer(error),
        });
        let answer = answer.await?;
        match answer.status {
            _ if answer.is_good() => Ok(Receipt { provider_id: answer.location }),
            404 | 410 => Err(SendError::Gone("the browser wants no messages any more".into())),
            status => {
                let reason = format!("the push service did not take it: {status}");
                Err(if answer.is_passing() { answer.later(reason) } else { SendError::Never(reason) })
            }
        }
    }
}

/// What a service worker finds in `event.data`.
fn encrypted(recipient: &Recipient, message: Outgoing<'_>) -> Option<Vec<u8>> {
    let (title, body) = fitting(message);
    let plain = json!({ "id": message.id, "title": title, "body": body }).to_string();
    let own = SecretKey::from_slice(&hms_seal::random::<32>().ok()?).ok()?;
    recipient.encrypt(plain.as_bytes(), &own, hms_seal::random::<SALT>().ok()?)
}
