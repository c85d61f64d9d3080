//! What it means to look at the audit.

mod shown;

pub use shown::{AUDIT, patients_shown};
