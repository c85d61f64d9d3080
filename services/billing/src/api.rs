//! The routes: one file for each endpoint, with its request, its answer and its handler.

pub mod accounts;
pub mod catalogue;
pub mod claims;
pub mod coverages;
pub mod dunning;
pub mod entries;
pub mod internal;
pub mod invoices;
pub mod payers;
pub mod payments;
pub mod periods;
mod refusal;
pub mod reports;

use hms_model::role::{Reach, Requires};
use hms_problem::{Code, Problem};
use hms_service::Call;

/// The books are of the whole organisation: whoever is bound to one department does not reach them.
fn of_the_whole<R: Requires>(call: &Call<R>) -> Result<(), Problem> {
    if call.reach()? == Reach::Everyone {
        Ok(())
    } else {
        Err(Problem::new(Code::Forbidden).message("This belongs to the organisation, not to a department."))
    }
}
