//! The API of the user service as stories, each told on both back ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a test may fail by panic, and shows its seed"
)]

mod bad_input;
mod care;
mod departments;
mod idempotency;
mod patients;
mod patients_list;
mod patients_own;
mod practitioners;
mod races;
mod surroundings;
mod telling;
