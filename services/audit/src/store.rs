//! All SQL of the audit.

pub mod chain;
pub mod entries;
pub mod keys;
pub mod walk;
