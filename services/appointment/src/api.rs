//! The routes: one file for each endpoint, with its request, its answer and its handler.

pub mod appointment_types;
pub mod appointments;
pub mod holidays;
pub mod placing;
pub mod practitioners;
pub mod queue;
mod refusal;
pub mod resources;
pub mod schedules;
pub mod slots;
pub mod waitlist;

use hms_care::Sight;
use hms_model::id::DepartmentId;
use hms_model::role::{Reach, Requires};
use hms_problem::Problem;
use hms_service::Call;

use crate::State;
use crate::domain::Refusal;

/// Who asks, by the rules of the deployment.
fn sight<R: Requires>(call: &Call<R>, state: &State) -> Result<Sight, Problem> {
    Ok(Sight::new(call.claims()?, call.reach()?, state.config.access))
}

/// Access that is bound to a department reaches what is that department's; what has none is the whole organisation's.
fn here(reach: Reach, department: impl Into<Option<DepartmentId>>) -> Result<(), Refusal> {
    match reach {
        Reach::Department { department_id } if department.into() != Some(department_id) => {
            Err(Refusal::OtherDepartment)
        }
        _ => Ok(()),
    }
}
