//! What is known of a patient here.

use hms_model::Language;
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
    /// The language in which to write to the patient (BCP 47).
    pub language: Option<String>,
    /// Whether the patient can sign in.
    pub has_account: bool,
    /// Whether the record is in use.
    pub active: bool,
}

impl Patient {
    /// The language to write in, where messages are written in the patient's.
    pub fn language(&self) -> Option<Language> {
        self.language.as_deref().and_then(Language::of_tag)
    }
}

impl From<PatientFacts> for Patient {
    fn from(facts: PatientFacts) -> Self {
        let PatientFacts { patient_id, version, account_id, name, email, phone, language, active } = facts;
        let has_account = account_id.is_some();
        Self { id: patient_id, version, name, email, phone, language, has_account, active }
    }
}
