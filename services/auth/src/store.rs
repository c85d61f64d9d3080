//! All SQL of the service, by table.

pub mod accounts;
pub mod api_keys;
pub mod challenges;
pub mod clients;
pub mod codes;
pub mod factors;
pub mod failed_attempts;
pub mod grants;
pub mod invitations;
pub mod keys;
pub mod links;
pub mod old;
pub mod one_time;
pub mod open_sessions;
pub mod revocation_feed;
pub mod revocations;
pub mod sessions;
