//! What the handlers of records share.

use hms_model::id::PatientId;
use hms_service::{Context, Lookup};

use crate::config::RecordRules;
use crate::domain::Patient;
use crate::store;

/// The rules, and the way to the records.
pub struct Records {
    /// Who sees whom.
    pub rules: RecordRules,
    /// Patients by their ids.
    pub patients: Lookup<PatientId, Patient>,
}

impl Records {
    /// As the settings have it.
    pub fn start(context: &Context) -> anyhow::Result<Self> {
        let rules = RecordRules::read(&context.settings)?;
        Ok(Self { rules, patients: Lookup::start(context.database.clone(), store::patient::find_all) })
    }
}
