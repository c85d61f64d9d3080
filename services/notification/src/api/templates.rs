//! The words of messages, as clients see and write them. Those that come with the service stand where nobody has written
//! others.

pub mod get;
pub mod list;
pub mod preview;
pub mod put;
pub mod versions;

use chrono::{DateTime, Utc};
use hms_model::Language;
use hms_model::id::AccountId;
use hms_problem::{Code, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{ChannelKind, Fault, Kind, Template, TemplateKey, Variable, Words};

/// The name of a template as a resource.
pub const TEMPLATE: &str = "notification_template";

/// The words of a message.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NotificationTemplate {
    /// What the message is about.
    kind: Kind,
    /// The way it goes.
    channel: ChannelKind,
    /// The language.
    language: Language,
    /// Counts the versions; 0 for the words that come with the service.
    version: i64,
    /// The subject line; the title of a push message; empty for a text message.
    #[schema(examples("Appointment booked: {{start}}"))]
    subject: String,
    /// The text.
    body: String,
    /// What the words can refer to, in double braces.
    variables: Vec<Variable>,
    /// Who wrote this version.
    author_id: Option<AccountId>,
    /// When.
    created_at: Option<DateTime<Utc>>,
}

/// What a client sends: other words.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"subject": "See you on {{start}}", "body": "Dear {{patient_name}},\n\n{{period}}"})))]
pub struct NewWords {
    /// The subject line; left out for a text message.
    #[serde(default)]
    subject: String,
    /// The text.
    body: String,
}

impl NotificationTemplate {
    fn built_in(key: TemplateKey) -> Self {
        let Words { subject, body } = Words::built_in(key);
        let TemplateKey { kind, channel, language } = key;
        let variables = Variable::of(kind).to_vec();
        Self {
            kind,
            channel,
            language,
            version: 0,
            subject,
            body,
            variables,
            author_id: None,
            created_at: None,
        }
    }
}

impl From<Template> for NotificationTemplate {
    fn from(template: Template) -> Self {
        let Template { key, version, words: Words { subject, body }, .. } = template;
        let (author_id, created_at) = (Some(template.author), Some(template.created_at));
        Self { version, subject, body, author_id, created_at, ..Self::built_in(key) }
    }
}

impl NewWords {
    /// The words, where a message of this kind can be made of them.
    fn checked(self, key: TemplateKey) -> Result<Words, Problem> {
        let words = Words { subject: self.subject, body: self.body };
        match words.check(key) {
            Ok(()) => Ok(words),
            Err(fault @ Fault::Subject(_)) => {
                Err(Problem::field(Code::Unprocessable, "subject", fault.to_string()))
            }
            Err(fault) => Err(Problem::field(Code::Unprocessable, "body", fault.to_string())),
        }
    }
}

/// The key that a path names.
fn key((kind, channel, language): (Kind, ChannelKind, Language)) -> TemplateKey {
    TemplateKey { kind, channel, language }
}
