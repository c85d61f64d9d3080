//! The entries of the audit.

pub mod get;
pub mod list;
