//! What every service tells the audit, and what the audit tells of itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::audit::AuditEntry;
use crate::event::Event;

/// Someone did something: for the audit alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct AuditRecorded(pub AuditEntry);

impl Event for AuditRecorded {
    const TYPE: &'static str = "audit.recorded";
    const VERSION: u32 = 1;
    const PRODUCER: &'static str = "*";
    fn subject(&self) -> String {
        self.0.id.to_string()
    }
    fn aggregate_version(&self) -> i64 {
        1
    }
}

/// Records of patients were shown, to one or several people who asked at the same time: for the audit alone. One event
/// for all of them, since each was durable by the same commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditDisclosed {
    /// What the audit shall know of each look, in the order in which they were asked for.
    pub entries: Vec<AuditEntry>,
}

impl Event for AuditDisclosed {
    const TYPE: &'static str = "audit.disclosed";
    const VERSION: u32 = 1;
    const PRODUCER: &'static str = "*";
    fn subject(&self) -> String {
        self.entries.first().map(|entry| entry.id.to_string()).unwrap_or_default()
    }
    fn aggregate_version(&self) -> i64 {
        1
    }
}

/// The audit has signed how far its chain has come: kept elsewhere, it shows later that nothing was cut off or made
/// anew. `docs/audit.md` says how it is checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditCheckpoint {
    /// The number of the checkpoint; they count from 1.
    pub number: i64,
    /// The number of the newest entry.
    pub position: i64,
    /// The hash of that entry: SHA-256 in hexadecimal digits.
    pub hash: String,
    /// The id of the key that signed.
    pub key: String,
    /// The text that was signed.
    pub statement: String,
    /// The Ed25519 signature of that text, in base64.
    pub signature: String,
}

impl Event for AuditCheckpoint {
    const TYPE: &'static str = "audit.checkpoint";
    const VERSION: u32 = 1;
    const PRODUCER: &'static str = "audit";
    fn subject(&self) -> String {
        "chain".to_owned()
    }
    fn aggregate_version(&self) -> i64 {
        self.number
    }
}
