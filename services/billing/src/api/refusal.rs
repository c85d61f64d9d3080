//! How a refusal is shown to a client.

use hms_model::Coded;
use hms_problem::{Code, Problem};

use crate::domain::Refusal;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let problem = Problem::new(code(&refusal)).message(refusal.to_string());
        match refusal {
            Refusal::Illegal(status) => moves(problem, status.code(), status.moves()),
            Refusal::IllegalPayment(status) => moves(problem, status.code(), status.moves()),
            Refusal::IllegalClaim(status) => moves(problem, status.code(), status.moves()),
            Refusal::NoLines | Refusal::TooManyLines | Refusal::Line(_) | Refusal::NoPrice { .. } => {
                problem.detail("field", "lines")
            }
            Refusal::Field(field, _) | Refusal::Unknown(field) => problem.detail("field", field),
            Refusal::Currency(_) => problem.detail("field", "currency"),
            Refusal::TooMuch(most) => problem.detail("field", "amount").detail("most", most.amount),
            Refusal::NoAmount | Refusal::Money(_) => problem.detail("field", "amount"),
            Refusal::Unbalanced(_) | Refusal::NoPostings => problem.detail("field", "postings"),
            Refusal::CreditNote
            | Refusal::Settled
            | Refusal::NoCredit
            | Refusal::Reversed
            | Refusal::NotClosable => problem,
        }
    }
}

fn moves<T: Coded>(problem: Problem, status: &'static str, allowed: &[T]) -> Problem {
    let allowed: Vec<_> = allowed.iter().map(|status| status.code()).collect();
    problem.detail("status", status).detail("allowed", allowed)
}

fn code(refusal: &Refusal) -> Code {
    match refusal {
        Refusal::Illegal(_)
        | Refusal::IllegalPayment(_)
        | Refusal::IllegalClaim(_)
        | Refusal::CreditNote
        | Refusal::Settled
        | Refusal::Reversed
        | Refusal::NotClosable => Code::IllegalTransition,
        Refusal::Unknown(_) => Code::UnknownReference,
        _ => Code::Unprocessable,
    }
}
