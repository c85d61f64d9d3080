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
use hms_model::role::Requires;
use hms_problem::Problem;
use hms_service::Call;

use crate::State;

/// Who asks, by the rules of the deployment.
fn sight<R: Requires>(call: &Call<R>, state: &State) -> Result<Sight, Problem> {
    Ok(Sight::new(call.claims()?, call.reach()?, state.config.access))
}
