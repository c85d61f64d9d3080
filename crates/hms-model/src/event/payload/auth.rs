//! What auth tells: accounts and sessions.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::Event;
use crate::id::{AccountId, SessionId};
use crate::role::Role;
use crate::secret::OneTimeToken;

/// Someone has an account now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountRegistered {
    /// The account.
    pub account_id: AccountId,
    /// Its version.
    pub version: i64,
    /// Its roles.
    pub roles: Vec<Role>,
}
event!(AccountRegistered = "account.registered" v 1 by "auth", account_id);

/// An account was locked for a time for those who come with a device that is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountLocked {
    /// The account.
    pub account_id: AccountId,
    /// Its version.
    pub version: i64,
    /// How many attempts have failed.
    pub failures: i64,
    /// Until when it is locked.
    pub until: DateTime<Utc>,
}
event!(AccountLocked = "account.locked" v 1 by "auth", account_id);

/// An account was deleted; its id names nobody any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountDeleted {
    /// The account.
    pub account_id: AccountId,
    /// Its version.
    pub version: i64,
}
event!(AccountDeleted = "account.deleted" v 1 by "auth", account_id);

/// A session ended before its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionRevoked {
    /// The session.
    pub session_id: SessionId,
    /// Always 1: a session ends once.
    pub version: i64,
    /// Whose it was.
    pub account_id: AccountId,
    /// Why, in a word or two: `signed out`, `password changed`.
    pub reason: String,
}
event!(SessionRevoked = "session.revoked" v 1 by "auth", session_id);

/// A mail that carries a secret: whoever has it can act for the account once, until it expires.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountMailFacts {
    /// The account; for an invitation the id that the account will have.
    pub account_id: AccountId,
    /// Its version; 1 where it is not there yet.
    pub version: i64,
    /// To whom the mail goes.
    pub email: String,
    /// The secret.
    pub token: OneTimeToken,
    /// Until when it can be used.
    pub expires_at: DateTime<Utc>,
    /// The language in which to write (BCP 47), where it is known.
    #[serde(default)]
    pub language: Option<String>,
}

/// Somebody is to show that an address is theirs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct AccountVerificationRequested(pub AccountMailFacts);
facts_event!(AccountVerificationRequested = "account.verification_requested" by "auth", account_id);

/// Somebody is to get an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct AccountInvited(pub AccountMailFacts);
facts_event!(AccountInvited = "account.invited" by "auth", account_id);

/// Somebody has forgotten the password of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct AccountPasswordResetRequested(pub AccountMailFacts);
facts_event!(AccountPasswordResetRequested = "account.password_reset_requested" by "auth", account_id);
