//! All SQL of the audit.

pub mod chain;
pub mod directory;
pub mod entries;
pub mod keys;
pub mod walk;
