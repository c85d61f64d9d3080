//! What the rules refuse, and why.

use hms_model::id::PatientId;

/// Why something may not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The record is not the caller's; whether it exists is not told.
    #[error("not the caller's own")]
    NotTheirs,
    /// The caller may change the record, but not these fields.
    #[error("the caller may not change: {}", fields.join(", "))]
    Fields {
        /// Their names.
        fields: Vec<&'static str>,
    },
    /// The caller is bound to a department, and this belongs to none.
    #[error("Access that is bound to a department does not reach this.")]
    BeyondDepartment,
    /// The caller does not treat, or is a program.
    #[error("Only people who treat may break the glass, and each in person.")]
    NoEmergency,
    /// The caller is a patient already.
    #[error("the account has a patient already")]
    AlreadyPatient {
        /// This one.
        id: PatientId,
    },
    /// A value breaks a rule.
    #[error("{field}: {reason}")]
    Rule {
        /// The field.
        field: &'static str,
        /// The rule, in words for whoever sent it.
        reason: &'static str,
    },
    /// The record does not go from its status to the one that is wanted.
    #[error("the status cannot be changed so; allowed: {}", allowed.join(", "))]
    Transition {
        /// The status it has.
        status: &'static str,
        /// Where it may go from there.
        allowed: Vec<&'static str>,
    },
}
