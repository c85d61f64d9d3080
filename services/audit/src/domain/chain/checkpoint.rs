//! What a checkpoint says, and its signature.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Hash, Place, canonical};

/// What is signed: that the chain has come so far, and where it begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// When, by the clock of the audit.
    pub at: DateTime<Utc>,
    /// The last entry that was pruned, where one was: the chain at hand begins after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<Place>,
    /// The hash of the entry `seq`.
    pub hash: Hash,
    /// The id of the key that signs.
    pub key: String,
    /// The key that signs from the next checkpoint on, where the present one is handed over to another: its 32 bytes in
    /// base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_key: Option<String>,
    /// The number of the checkpoint: they count from 1, without gaps.
    pub number: i64,
    /// The hash of the statement of the checkpoint before it; 64 zeros in the first.
    pub previous: Hash,
    /// The newest entry.
    pub seq: i64,
}

/// A statement, as the text that is signed, and the signature.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedCheckpoint {
    /// The canonical text of the statement.
    pub statement: String,
    /// The Ed25519 signature (RFC 8032) of that text, in base64.
    pub signature: String,
}

impl Statement {
    /// The text that is signed.
    pub fn text(&self) -> serde_json::Result<String> {
        Ok(canonical(&serde_json::to_value(self)?))
    }
}

impl SignedCheckpoint {
    /// What it says; none where the text is no statement.
    pub fn read(&self) -> Option<Statement> {
        serde_json::from_str(&self.statement).ok()
    }

    /// The hash that the next checkpoint names.
    pub fn hash(&self) -> Hash {
        Hash::of_statement(&self.statement)
    }
}
