//! What user tells: patients, practitioners and departments.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::Event;
use crate::id::{AccountId, DepartmentId, PatientId, PractitionerId};

/// What other services keep of a patient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PatientFacts {
    /// The patient.
    pub patient_id: PatientId,
    /// The version of the record.
    pub version: i64,
    /// The account that is the patient's own, if any.
    pub account_id: Option<AccountId>,
    /// The name as people say it.
    pub name: String,
    /// Where mail reaches the patient.
    pub email: Option<String>,
    /// Where a call reaches the patient, E.164.
    pub phone: Option<String>,
    /// The language in which to write to the patient (BCP 47).
    #[serde(default)]
    pub language: Option<String>,
    /// Whether the record is in use.
    pub active: bool,
}

/// A patient was registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct PatientCreated(pub PatientFacts);
facts_event!(PatientCreated = "patient.created" by "user", patient_id);

/// A patient's record was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct PatientUpdated(pub PatientFacts);
facts_event!(PatientUpdated = "patient.updated" by "user", patient_id);

/// What other services keep of a practitioner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PractitionerFacts {
    /// The practitioner.
    pub practitioner_id: PractitionerId,
    /// The version of the record.
    pub version: i64,
    /// The account that is the practitioner's own, if any.
    pub account_id: Option<AccountId>,
    /// The name as people say it.
    pub name: String,
    /// What they are trained in.
    pub specialty: Option<String>,
    /// The department they belong to.
    pub department_id: Option<DepartmentId>,
    /// Whether they work here at present.
    pub active: bool,
}

/// A practitioner was registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct PractitionerCreated(pub PractitionerFacts);
facts_event!(PractitionerCreated = "practitioner.created" by "user", practitioner_id);

/// A practitioner's record was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct PractitionerUpdated(pub PractitionerFacts);
facts_event!(PractitionerUpdated = "practitioner.updated" by "user", practitioner_id);

/// What other services keep of a department.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DepartmentFacts {
    /// The department.
    pub department_id: DepartmentId,
    /// The version of the record.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// Whether it is in use.
    pub active: bool,
}

/// A department was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct DepartmentCreated(pub DepartmentFacts);
facts_event!(DepartmentCreated = "department.created" by "user", department_id);

/// A department was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct DepartmentUpdated(pub DepartmentFacts);
facts_event!(DepartmentUpdated = "department.updated" by "user", department_id);
