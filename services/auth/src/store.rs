//! All SQL of the service, by table.

pub mod accounts;
pub mod keys;
pub mod links;
pub mod sessions;
