//! Text messages, by a provider that speaks as Twilio does.

use hms_model::Clock;
use reqwest::Client;
use url::Url;

use super::http;
use super::limit::Limit;
use super::settings::{Credentials, SmsSender, SmsSettings};
use crate::domain::{Outgoing, Receipt, SendError};

/// The longest text that is taken, in characters.
const LONGEST: usize = 1_600;
/// The recipient has answered STOP.
const OPTED_OUT: i64 = 21_610;

/// Sends by one provider. It has nothing to tell a repetition by: what is sent again arrives again.
pub struct Sms {
    http: Client,
    url: Url,
    credentials: Credentials,
    sender: SmsSender,
    limit: Limit,
    clock: Clock,
}

impl Sms {
    /// By the provider of these settings.
    pub fn new(settings: SmsSettings, clock: Clock) -> anyhow::Result<Self> {
        let SmsSettings { mut url, credentials, sender, allowance, trusted } = settings;
        url.set_path(&format!("/2010-04-01/Accounts/{}/Messages.json", credentials.user));
        let (http, limit) = (http::client(&trusted)?, Limit::new(allowance));
        Ok(Self { http, url, credentials, sender, limit, clock })
    }

    /// Sends a text to one number.
    pub async fn send(&self, to: &str, message: Outgoing<'_>) -> Result<Receipt, SendError> {
        let _place = self.limit.enter().await?;
        let text = super::cut(message.body, LONGEST, |_| 1);
        let sender = match &self.sender {
            SmsSender::From(from) => ("From", from.as_str()),
            SmsSender::MessagingService(service) => ("MessagingServiceSid", service.as_str()),
        };
        let Credentials { user, password } = &self.credentials;
        let request = self.http.post(self.url.clone()).basic_auth(user, Some(password.expose()));
        let request = http::form(request, &[("To", to), sender, ("Body", &text)]);
        let answer = http::exchange(request, &self.clock).await?;
        if answer.is_good() {
            let provider_id = answer.body.get("sid").and_then(serde_json::Value::as_str).map(str::to_owned);
            return Ok(Receipt { provider_id });
        }
        let code = answer.body.get("code").and_then(serde_json::Value::as_i64);
        // Its own words name the number.
        let reason = match code {
            Some(code) => format!("the provider did not take it: {}, code {code}", answer.status),
            None => format!("the provider did not take it: {}", answer.status),
        };
        if answer.status == 429 {
            self.limit.rest(answer.retry_after.unwrap_or_default());
        }
        Err(match answer.status {
            // It tells of our account and not of the message.
            401 | 403 => answer.later(reason),
            _ if answer.is_passing() => answer.later(reason),
            _ if code == Some(OPTED_OUT) => SendError::Gone("the recipient wants no text messages".into()),
            _ => SendError::Never(reason),
        })
    }
}
