//! What a channel is handed, and what it answers.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::Secret;
use hms_model::id::NotificationId;

/// A message on its way out.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// Its id: a provider that can tell a repetition tells it by this.
    pub id: NotificationId,
    /// When it was called for.
    pub created_at: DateTime<Utc>,
    /// Where it goes, and by that the channel.
    pub to: Address<'a>,
    /// The subject line; the title of a push message. A text message has none.
    pub subject: &'a str,
    /// The text.
    pub body: &'a str,
    /// What calendars read; e-mail alone has room for it.
    pub calendar: Option<Calendar<'a>>,
    /// Whether it may wake a device that sleeps.
    pub urgent: bool,
}

/// Where a message goes.
#[derive(Clone, Copy)]
pub enum Address<'a> {
    /// A mailbox (RFC 5321).
    Email(&'a str),
    /// A telephone, E.164.
    Sms(&'a str),
    /// A browser or a device.
    Push(&'a PushTarget),
}

/// A browser or a device that has asked for messages. Who knows all of it can send to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushTarget {
    /// A subscription of a browser (RFC 8030), as `PushSubscription.toJSON()` gives it.
    Web {
        /// Where its messages are put.
        endpoint: Secret,
        /// The public key of the browser, P-256, uncompressed, in base64url.
        p256dh: String,
        /// The secret of the subscription, 16 bytes in base64url.
        auth: Secret,
    },
    /// An app that Firebase Cloud Messaging knows.
    Fcm {
        /// Its registration token.
        token: Secret,
    },
}

impl PushTarget {
    /// By what it is the same: the endpoint of a browser, the token of an app.
    pub fn address(&self) -> &Secret {
        match self {
            Self::Web { endpoint, .. } => endpoint,
            Self::Fcm { token } => token,
        }
    }
}

/// A calendar object that goes with an e-mail (RFC 6047).
#[derive(Clone, Copy)]
pub struct Calendar<'a> {
    /// What it asks for: the same as `METHOD` in the text.
    pub method: CalendarMethod,
    /// The text (RFC 5545).
    pub text: &'a str,
}

/// What a calendar object asks for (RFC 5546).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CalendarMethod {
    /// To take the event in, or its change.
    Request,
    /// To take it out.
    Cancel,
}

/// A channel has the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// What the provider calls it.
    pub provider_id: Option<String>,
}

/// Why a channel did not take a message, in words without personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It may take it later.
    #[error("{reason}")]
    Later {
        /// Why not now.
        reason: String,
        /// How long it asks to be left alone.
        retry_after: Option<TimeDelta>,
    },
    /// It has as much as it may have at once or in a second: this message was not tried.
    #[error("the channel is at its limit")]
    Busy {
        /// When there is room for it.
        wait: TimeDelta,
    },
    /// It will never take it.
    #[error("{0}")]
    Never(String),
    /// It will never take anything for this address: nothing is to be sent there any more.
    #[error("{0}")]
    Gone(String),
}

impl SendError {
    /// It may be taken later.
    pub fn later(reason: impl Into<String>) -> Self {
        Self::Later { reason: reason.into(), retry_after: None }
    }

    /// It will never be taken.
    pub fn never(reason: impl Into<String>) -> Self {
        Self::Never(reason.into())
    }
}

impl CalendarMethod {
    /// As the text has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Cancel => "CANCEL",
        }
    }
}

impl fmt::Display for Address<'_> {
    /// Which channel it belongs to, and nothing else of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Email(_) => "email",
            Self::Sms(_) => "sms",
            Self::Push(_) => "push",
        })
    }
}
