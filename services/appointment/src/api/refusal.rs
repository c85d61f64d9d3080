//! How a refusal is shown to a client.

use hms_model::Coded;
use hms_model::role::Scope;
use hms_problem::{Code, Problem};

use crate::domain::Refusal;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let problem = Problem::new(code(&refusal)).message(refusal.to_string());
        match refusal {
            Refusal::EndNotAfterStart | Refusal::TooShort | Refusal::TooLong | Refusal::NotOverYet => {
                problem.detail("field", "end")
            }
            Refusal::InThePast => problem.detail("field", "start"),
            Refusal::IdentifierTwice | Refusal::TooManyIdentifiers => problem.detail("field", "identifiers"),
            Refusal::Unknown(reference) | Refusal::Inactive(reference) => {
                problem.detail("field", reference.field())
            }
            Refusal::MayNotRecord => problem.detail("scope", Scope::AppointmentRecord.code()),
            Refusal::Duplicate(Some(id)) => problem.detail("id", id.to_string()),
            Refusal::Illegal(status) => {
                problem.detail("status", status.code()).detail("allowed", allowed(status.moves()))
            }
            Refusal::IllegalTicket(status) => {
                problem.detail("status", status.code()).detail("allowed", allowed(status.moves()))
            }
            Refusal::IllegalEntry(status) => {
                problem.detail("status", status.code()).detail("allowed", allowed(status.moves()))
            }
            Refusal::Field { field, .. } => problem.detail("field", field),
            Refusal::NotOffered(_) => problem.detail("field", "start"),
            Refusal::MayNotOverbook => problem.detail("scope", Scope::AppointmentOverbook.code()),
            Refusal::NotYourself
            | Refusal::OtherDepartment
            | Refusal::HoldExpired
            | Refusal::TooManyHolds
            | Refusal::TooLate
            | Refusal::NoRecord
            | Refusal::SlotTaken
            | Refusal::Duplicate(None) => problem,
        }
    }
}

fn allowed<T: Coded>(moves: &[T]) -> Vec<&'static str> {
    moves.iter().map(|status| status.code()).collect()
}

fn code(refusal: &Refusal) -> Code {
    match refusal {
        Refusal::EndNotAfterStart
        | Refusal::TooShort
        | Refusal::TooLong
        | Refusal::InThePast
        | Refusal::NotOverYet
        | Refusal::IdentifierTwice
        | Refusal::TooManyIdentifiers
        | Refusal::NoRecord
        | Refusal::Field { .. }
        | Refusal::TooManyHolds
        | Refusal::Inactive(_) => Code::Unprocessable,
        Refusal::NotYourself | Refusal::OtherDepartment | Refusal::MayNotRecord | Refusal::MayNotOverbook => {
            Code::Forbidden
        }
        Refusal::NotOffered(_) => Code::SlotNotOffered,
        Refusal::HoldExpired => Code::HoldExpired,
        Refusal::TooLate => Code::LateCancellation,
        Refusal::Unknown(_) => Code::UnknownReference,
        Refusal::SlotTaken => Code::SlotTaken,
        Refusal::Duplicate(_) => Code::Duplicate,
        Refusal::Illegal(_) | Refusal::IllegalTicket(_) | Refusal::IllegalEntry(_) => Code::IllegalTransition,
    }
}
