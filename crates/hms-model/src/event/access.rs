//! What is told of who may see which patient, and of access that is out of the ordinary.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Event;
use crate::id::{AccountId, AppointmentId, BreakGlassId, DepartmentId, PatientId, PractitionerId};

/// What is told of what binds a practitioner and their department to a patient. Where a deployment shows records to the
/// care team alone, every service asks by these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CareFacts {
    /// The appointment that binds them.
    pub appointment_id: AppointmentId,
    /// Its version after the fact.
    pub version: i64,
    /// Whose record it is.
    pub patient_id: PatientId,
    /// Who sees it.
    pub practitioner_id: PractitionerId,
    /// The department whose practitioners see it too.
    pub department_id: Option<DepartmentId>,
    /// Whether it binds: an appointment that was called off does not.
    pub binding: bool,
}

/// A patient came into somebody's care, or is not in it by this appointment any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct CareTeamChanged(pub CareFacts);

impl Event for CareTeamChanged {
    const TYPE: &'static str = "care_team.changed";
    const VERSION: u32 = 1;
    const PRODUCER: &'static str = "user";
    fn subject(&self) -> String {
        self.0.appointment_id.to_string()
    }
    fn aggregate_version(&self) -> i64 {
        self.0.version
    }
}

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
