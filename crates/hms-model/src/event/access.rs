//! What is told of access that is out of the ordinary.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Event;
use crate::id::{AccountId, BreakGlassId, PatientId};

/// What is told when somebody reaches a record that is not theirs to see. The reason stands in the audit and at the user
/// service: it may tell of the patient's health.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BreakGlassFacts {
    /// The act.
    pub break_glass_id: BreakGlassId,
    /// Always 1: it happens once.
    pub version: i64,
    /// Who.
    pub account_id: AccountId,
    /// Whose record.
    pub patient_id: PatientId,
    /// Until when it can be seen.
    pub until: DateTime<Utc>,
}

/// Somebody reached a record that is not theirs to see, with a reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct AccessBreakGlass(pub BreakGlassFacts);

impl Event for AccessBreakGlass {
    const TYPE: &'static str = "access.break_glass";
    const VERSION: u32 = 1;
    const PRODUCER: &'static str = "user";
    fn subject(&self) -> String {
        self.0.break_glass_id.to_string()
    }
    fn aggregate_version(&self) -> i64 {
        self.0.version
    }
}
