//! Webhooks as clients see them; their keys only once.

pub mod create;
pub mod delete;
pub mod deliveries;
pub mod get;
pub mod list;
pub mod redeliver;
pub mod rotate;
pub mod test;
pub mod update;

use std::collections::BTreeSet;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{CustomizeResponder, Responder as _};
use chrono::{DateTime, Utc};
use hms_model::event::PUBLIC;
use hms_model::id::{AccountId, DepartmentId, WebhookId};
use hms_model::role::Reach;
use hms_model::{Email, Secret};
use hms_problem::{Code, Problem};
use hms_service::Reply;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::webhook::{AddressRules, DisabledReason, Hook, InvalidSecret, Signing, SigningKey};
use crate::webhooks::Seal;

/// The name of a webhook as a resource.
pub const WEBHOOK: &str = "webhook";
/// The name of a delivery as a resource.
pub const WEBHOOK_DELIVERY: &str = "webhook_delivery";

/// Where events are sent, which, and how it fares.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Where deliveries go.
    #[schema(examples("https://hooks.example.org/hms"))]
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// The types of events that it receives.
    #[schema(examples(json!(["patient.created", "appointment.scheduled"])))]
    pub events: Vec<String>,
    /// The one department whose events it receives; those that belong to no department it does not receive then.
    pub department_id: Option<DepartmentId>,
    /// How deliveries are signed.
    pub signing: Signing,
    /// For `v1a`: what deliveries are verified with.
    pub public_key: Option<String>,
    /// Until when deliveries are signed with the secret before this one too.
    pub previous_secret_until: Option<DateTime<Utc>>,
    /// Who is told by mail when it is switched off.
    pub contact_email: Option<Email>,
    /// Who made it.
    pub account_id: AccountId,
    /// Whether it receives anything.
    pub enabled: bool,
    /// Why it does not.
    pub disabled_reason: Option<DisabledReason>,
    /// Since when it does not.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Since when every attempt has failed; after 5 days it is switched off.
    pub failing_since: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A webhook with its secret, which is never shown again.
#[derive(Serialize, ToSchema)]
pub struct ShownOnce {
    #[serde(flatten)]
    webhook: Webhook,
    /// For `v1`: what deliveries are verified with, as the libraries of Standard Webhooks take it.
    #[schema(examples("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))]
    secret: Option<String>,
}

impl From<Hook> for Webhook {
    fn from(hook: Hook) -> Self {
        let (disabled_reason, disabled_at) = hook.disabled.unzip();
        Self {
            id: hook.id,
            url: hook.url,
            description: hook.description,
            events: hook.events,
            department_id: hook.department_id,
            signing: hook.signing,
            public_key: hook.public_key,
            previous_secret_until: hook.previous.map(|(_, until)| until),
            contact_email: hook.contact_email,
            account_id: hook.account_id,
            enabled: disabled_at.is_none(),
            disabled_reason,
            disabled_at,
            failing_since: hook.failing_since,
            created_at: hook.created_at,
            updated_at: hook.updated_at,
        }
    }
}

impl ShownOnce {
    fn new(hook: Hook, key: &SigningKey) -> Self {
        Self { webhook: hook.into(), secret: key.shown() }
    }
}

impl From<InvalidSecret> for Problem {
    fn from(invalid: InvalidSecret) -> Self {
        Problem::field(Code::Unprocessable, "secret", invalid)
    }
}

/// An answer with a secret in it, which nobody keeps.
type Uncached = CustomizeResponder<Reply>;

fn uncached(reply: Reply) -> Uncached {
    reply.customize().insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
}

/// The URL as it is kept, if a webhook may have it.
fn checked_url(rules: &AddressRules, url: &str) -> Result<String, Problem> {
    let refused = |refused| Problem::field(Code::Unprocessable, "url", refused);
    rules.check(url).map(String::from).map_err(refused)
}

/// The types of events, each once; those that there are none of, or that stay inside, are refused.
fn checked_events(events: Vec<String>) -> Result<Vec<String>, Problem> {
    let events: BTreeSet<String> = events.into_iter().collect();
    let unknown: Vec<_> = events.iter().filter(|event| !PUBLIC.contains(&event.as_str())).cloned().collect();
    if events.is_empty() || !unknown.is_empty() {
        let reason = if unknown.is_empty() { "must name at least one type" } else { "names an unknown type" };
        let problem = Problem::field(Code::Unprocessable, "events", reason);
        return Err(problem.detail("unknown", unknown).detail("known", PUBLIC.to_vec()));
    }
    Ok(events.into_iter().collect())
}

/// The department of a webhook: for whoever is bound to one it is that one.
fn department(reach: Reach, wanted: Option<DepartmentId>) -> Result<Option<DepartmentId>, Problem> {
    match reach {
        Reach::Everyone => Ok(wanted),
        Reach::Department { department_id } if wanted.is_none_or(|wanted| wanted == department_id) => {
            Ok(Some(department_id))
        }
        Reach::Department { .. } | Reach::Own { .. } => Err(Code::Forbidden.into()),
    }
}

/// The key that a client chose, or a new one.
fn key_of(signing: Signing, chosen: Option<&Secret>) -> Result<SigningKey, Problem> {
    match chosen {
        Some(secret) => Ok(SigningKey::chosen(signing, secret)?),
        None => Seal::make(signing).map_err(sealing),
    }
}

/// The key as it is kept.
fn sealed(seal: &Seal, id: WebhookId, key: &SigningKey) -> Result<String, Problem> {
    seal.seal(id, key).map_err(sealing)
}

fn sealing(error: anyhow::Error) -> Problem {
    tracing::error!(error = format!("{error:#}"), "no key for a webhook");
    Code::Internal.into()
}

/// Another request changed the record between reading and writing it.
fn written(saved: bool) -> Result<(), Problem> {
    if saved { Ok(()) } else { Err(Code::PreconditionFailed.into()) }
}
