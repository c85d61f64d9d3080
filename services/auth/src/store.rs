//! All SQL of the service, by table.

pub mod accounts;
pub mod api_keys;
pub mod clients;
pub mod codes;
pub mod grants;
pub mod keys;
pub mod links;
pub mod revocation_feed;
pub mod revocations;
pub mod sessions;
