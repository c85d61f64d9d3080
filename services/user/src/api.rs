//! The endpoints: one file each, named by its verb.

pub mod break_glass;
pub mod department;
pub mod patient;
pub mod practitioner;
mod refusal;
