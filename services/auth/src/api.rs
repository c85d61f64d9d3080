//! The endpoints, one file each.

pub mod accounts;
pub mod auth;
pub mod jwks;
