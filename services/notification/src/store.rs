//! The tables.

pub mod messages;
pub mod patients;
