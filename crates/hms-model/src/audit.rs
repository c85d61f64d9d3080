//! What the audit knows of an act: who, what, on whose record, when, from where. Every service publishes it as
//! an event in the transaction of the act; the audit service keeps it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::coded_enum;
use crate::id::{AccountId, AuditEntryId, PatientId};
use crate::role::Role;

coded_enum! {
    /// The kind of act (the C, R, U, D and E of FHIR AuditEvent.action, in words).
    pub enum Action {
        /// Something was made.
        Create = "create",
        /// A record was shown.
        Read = "read",
        /// A record was changed.
        Update = "update",
        /// A record was deleted or hidden.
        Delete = "delete",
        /// Something was done that is none of the others, such as a sign-in.
        Execute = "execute",
    }
}

coded_enum! {
    /// How it ended (FHIR AuditEvent.outcome).
    pub enum Outcome {
        /// It was done.
        Success = "success",
        /// It was refused.
        Refused = "refused",
    }
}

/// One act.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// The id of the entry.
    pub id: AuditEntryId,
    /// When it happened, by the clock of the service.
    pub at: DateTime<Utc>,
    /// The service that did it.
    pub service: String,
    /// Who did it.
    pub actor: Actor,
    /// What kind of act.
    pub action: Action,
    /// What it was done to: `patient`, `appointment`, `session`.
    pub resource: String,
    /// Which one.
    pub resource_id: Option<String>,
    /// Whose records were touched or shown: several for a list.
    #[serde(default)]
    pub patient_ids: Vec<PatientId>,
    /// How it ended.
    pub outcome: Outcome,
    /// What else is known, in words without personal data: the names of changed fields, a reason.
    pub detail: Option<String>,
    /// The request it came with.
    pub request_id: Option<String>,
    /// The address it came from.
    pub source_ip: Option<String>,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Actor {
    /// The account; none for a stranger, or for the service itself.
    pub account_id: Option<AccountId>,
    /// The roles the account had.
    #[serde(default)]
    pub roles: Vec<Role>,
}
