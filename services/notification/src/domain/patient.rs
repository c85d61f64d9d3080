//! What is known of a patient here.

use hms_model::event::PatientFacts;
use hms_model::id::PatientId;

/// A patient as far as messages need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patient {
    /// Who.
    pub id: PatientId,
    /// The version of the record that this was taken from.
    pub version: i64,
    /// The name as people say it.
    pub name: String,
    /// Where mail reaches the patient.
    pub email: Option<String>,
    /// Where a call reaches the patient, E.164.
    pub phone: Option<String>,
    /// Whether the record is in use.
    pub active: bool,
}

impl From<PatientFacts> for Patient {
    fn from(facts: PatientFacts) -> Self {
        let PatientFacts { patient_id, version, account_id: _, name, email, phone, active } = facts;
        Self { id: patient_id, version, name, email, phone, active }
    }
}
