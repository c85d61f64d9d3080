//! All SQL: rows to domain types and back.

mod appointments;
pub mod directory;
mod identifiers;
mod list;

pub use appointments::{Held, find, hide, hold, insert, known, save};
pub use list::{AppointmentFilters, list};
