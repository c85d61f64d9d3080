//! How a refusal is told to a client.

use hms_db::Error;
use hms_problem::{Code, Problem};

use crate::domain::Refusal;
use crate::store::Unwritten;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::NotTheirs => Problem::new(Code::NotFound),
            Refusal::Fields { fields } => Problem::new(Code::Forbidden)
                .message("You may change these fields of your own record only: phone, email, address.")
                .detail("fields", fields),
            Refusal::BeyondDepartment | Refusal::NoEmergency => Problem::new(Code::Forbidden).message(text),
            Refusal::AlreadyPatient { id } => already_patient(id),
            Refusal::Rule { field, reason } => Problem::field(Code::Unprocessable, field, reason),
            Refusal::Transition { status, allowed } => Problem::new(Code::IllegalTransition)
                .message(text)
                .detail("status", status)
                .detail("allowed", allowed),
        }
    }
}

impl From<Unwritten> for Problem {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::Taken(id) => taken().detail("id", id.to_string()),
            Unwritten::HasPatient(id) => already_patient(id),
            Unwritten::Stale => Problem::new(Code::PreconditionFailed),
            // A new number is tried; only when that fails again and again does a client read this.
            Unwritten::MrnTaken => Problem::new(Code::Unavailable),
            // The only reference that a client can name.
            Unwritten::Failed(Error::ForeignKey { .. }) => {
                Problem::field(Code::UnknownReference, "department_id", "there is no such department")
            }
            Unwritten::Failed(error) => error.into(),
        }
    }
}

/// The identifier is another record's, of which no more is told.
pub fn taken() -> Problem {
    Problem::new(Code::Duplicate).message("One of the identifiers is another record's.")
}

fn already_patient(id: hms_model::id::PatientId) -> Problem {
    Problem::new(Code::Duplicate)
        .message("You are registered as a patient already.")
        .detail("id", id.to_string())
}

#[cfg(test)]
mod tests {
    use hms_model::id::PatientId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_refusal_has_its_code() {
        let id = PatientId::from_uuid(Uuid::nil());
        let refusals = [
            (Refusal::NotTheirs, Code::NotFound),
            (Refusal::Fields { fields: vec!["gender"] }, Code::Forbidden),
            (Refusal::BeyondDepartment, Code::Forbidden),
            (Refusal::NoEmergency, Code::Forbidden),
            (Refusal::AlreadyPatient { id }, Code::Duplicate),
            (Refusal::Rule { field: "birth_date", reason: "must not be in the future" }, Code::Unprocessable),
            (Refusal::Transition { status: "active", allowed: vec![] }, Code::IllegalTransition),
        ];
        for (refusal, code) in refusals {
            assert_eq!(Problem::from(refusal.clone()).code(), code, "{refusal}");
        }
        let unwritten = [
            (Unwritten::Taken(id.uuid()), Code::Duplicate),
            (Unwritten::HasPatient(id), Code::Duplicate),
            (Unwritten::MrnTaken, Code::Unavailable),
            (Unwritten::Stale, Code::PreconditionFailed),
            (
                Unwritten::Failed(Error::ForeignKey { constraint: None, message: String::new() }),
                Code::UnknownReference,
            ),
            (Unwritten::Failed(Error::NotFound), Code::NotFound),
        ];
        for (unwritten, code) in unwritten {
            let case = format!("{unwritten:?}");
            assert_eq!(Problem::from(unwritten).code(), code, "{case}");
        }
    }
}
