//! The rules of the audit: how entries are chained, signed and checked, and what it means to look at them.

pub mod chain;
mod question;
mod shown;

pub use question::{Question, Refusal, shown_to};
pub use shown::{AUDIT, patients_shown};
