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
