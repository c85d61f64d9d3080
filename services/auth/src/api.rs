//! The endpoints, one file each.

pub mod accounts;
pub mod api_keys;
pub mod auth;
pub mod clients;
pub mod internal;
pub mod jwks;
pub mod oauth;
pub mod signing_keys;
pub mod well_known;
