//! The entries of the audit.

pub mod export;
pub mod get;
pub mod keys;
pub mod list;
