//! The entries of the audit.

pub mod export;
pub mod get;
pub mod keys;
pub mod list;

use hms_care::{NotInCare, Sight};
use hms_model::role::Requires;
use hms_problem::{Code, Problem};
use hms_service::Call;

use crate::State;
use crate::domain::Refusal;

/// Who asks, by the rules of the deployment.
fn sight<R: Requires>(call: &Call<R>, state: &State) -> Result<Sight, Problem> {
    Ok(Sight::new(call.claims()?, call.reach()?, state.access))
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TooWide => Problem::new(Code::Forbidden).message(refusal.to_string()),
            Refusal::NotInCare => NotInCare.into(),
        }
    }
}
