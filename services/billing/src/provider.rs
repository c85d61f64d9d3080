//! Payment providers: the seam, and one that speaks as Stripe does (PaymentIntents, Refunds, signed webhooks).

use std::time::Duration;

use chrono::{DateTime, Utc};
use hms_model::Secret;
use hms_model::money::Money;
use reqwest::StatusCode;
use ring::hmac;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::config::ProviderSettings;
use crate::domain::{Payment, Refund};

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(10);
/// How old a webhook may be, or how far ahead, in seconds.
const TOLERANCE: i64 = 300;

/// A payment as the provider knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Its name for it.
    pub reference: String,
    /// With this the patient's browser completes it.
    pub client_secret: Option<String>,
}

/// Why the provider has not done what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It never will.
    #[error("refused: {0}")]
    Refused(String),
    /// It may later.
    #[error("not now: {0}")]
    Later(String),
}

/// Takes payments and gives them back. Asked twice for the same one, it does it once: our id is the idempotency key.
pub trait PaymentProvider: Send + Sync + 'static {
    /// Makes the payment known, so that the patient can complete it.
    fn create(&self, payment: &Payment) -> impl Future<Output = Result<Intent, ProviderError>> + Send;

    /// Gives a payment back, or a part of it; the provider's name for the payment is `of`.
    fn refund(&self, refund: &Refund, of: &str) -> impl Future<Output = Result<(), ProviderError>> + Send;
}

/// A provider that speaks as Stripe does.
#[derive(Debug)]
pub struct PaymentIntents {
    http: reqwest::Client,
    url: String,
    key: Secret,
}

#[derive(Deserialize)]
struct IntentAnswer {
    id: String,
    client_secret: Option<String>,
}

#[derive(Deserialize)]
struct RefundAnswer {
    status: String,
}

impl PaymentIntents {
    /// The one of the settings.
    pub fn new(settings: &ProviderSettings) -> Self {
        Self { http: reqwest::Client::new(), url: settings.url.clone(), key: settings.key.clone() }
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: String,
        form: &[(&str, String)],
    ) -> Result<T, ProviderError> {
        let later = |error: reqwest::Error| ProviderError::Later(error.without_url().to_string());
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let answer = self
            .http
            .post(format!("{}{path}", self.url))
            .timeout(WITHIN)
            .bearer_auth(self.key.expose())
            .header("Idempotency-Key", key)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .map_err(later)?;
        match answer.status() {
            status if status.is_success() => answer.json().await.map_err(later),
            // 409: the first request with this key is still under way.
            status @ (StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED) => {
                Err(ProviderError::Later(status.to_string()))
            }
            status if status.is_client_error() => Err(ProviderError::Refused(status.to_string())),
            status => Err(ProviderError::Later(status.to_string())),
        }
    }
}

fn amount(money: Money) -> [(&'static str, String); 2] {
    [("amount", money.amount.to_string()), ("currency", money.currency.code().to_lowercase())]
}

impl PaymentProvider for PaymentIntents {
    async fn create(&self, payment: &Payment) -> Result<Intent, ProviderError> {
        let [amount, currency] = amount(payment.amount);
        let form = [amount, currency, ("metadata[payment_id]", payment.id.to_string())];
        let answer: IntentAnswer = self.post("/v1/payment_intents", payment.id.to_string(), &form).await?;
        Ok(Intent { reference: answer.id, client_secret: answer.client_secret })
    }

    async fn refund(&self, refund: &Refund, of: &str) -> Result<(), ProviderError> {
        let [amount, _] = amount(refund.amount);
        let form =
            [amount, ("payment_intent", of.to_owned()), ("metadata[refund_id]", refund.id.to_string())];
        let answer: RefundAnswer = self.post("/v1/refunds", refund.id.to_string(), &form).await?;
        match answer.status.as_str() {
            // Pending: it is on its way and the provider answers for it.
            "succeeded" | "pending" => Ok(()),
            status => Err(ProviderError::Refused(status.to_owned())),
        }
    }
}

/// Whether a webhook is the provider's: its header is `t=<seconds>,v1=<hex>` (several `v1` while a secret changes), of
/// which one must be the HMAC-SHA256 of `<t>.<body>`, and `t` must be of the last five minutes.
pub fn is_signed(header: &str, body: &[u8], secret: &Secret, now: DateTime<Utc>) -> bool {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let Some(time) = parts().find(|(name, _)| *name == "t").map(|(_, time)| time) else { return false };
    let recent = time.parse::<i64>().is_ok_and(|time| (now.timestamp() - time).abs() <= TOLERANCE);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let signed = [time.as_bytes(), b".", body].concat();
    let fits = |hex: &str| unhex(hex).is_some_and(|tag| hmac::verify(&key, &signed, &tag).is_ok());
    recent && parts().filter(|(name, _)| *name == "v1").any(|(_, hex)| fits(hex))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || text.len() != 64 {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_signed_by_the_secret_and_is_recent() {
        let (secret, now) = (Secret::new("whsec"), DateTime::from_timestamp(1_000_000, 0).unwrap());
        let sign = |time: i64, body: &str, secret: &str| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let tag = hmac::sign(&key, format!("{time}.{body}").as_bytes());
            tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let right = sign(1_000_000, "{}", "whsec");
        let old = sign(999_699, "{}", "whsec");
        let other = sign(1_000_000, "{}", "other");
        let cases = [
            (format!("t=1000000,v1={right}"), true),
            (format!("t=1000000, v0=aa, v1={other}, v1={right}"), true),
            (format!("v1={right},t=1000000"), true),
            (format!("t=999700,v1={}", sign(999_700, "{}", "whsec")), true),
            (format!("t=999699,v1={old}"), false),
            (format!("t=1000301,v1={}", sign(1_000_301, "{}", "whsec")), false),
            (format!("t=1000001,v1={right}"), false),
            (format!("t=1000000,v1={other}"), false),
            (format!("t=1000000,v0={right}"), false),
            (format!("t=1000000,v1={}", &right[..62]), false),
            (format!("t=x,v1={right}"), false),
            (format!("v1={right}"), false),
            ("t=1000000,v1=éé".into(), false),
            (String::new(), false),
        ];
        for (header, signed) in cases {
            assert_eq!(is_signed(&header, b"{}", &secret, now), signed, "{header}");
        }
        assert!(!is_signed(&format!("t=1000000,v1={right}"), b"{} ", &secret, now), "another body");
    }
}
