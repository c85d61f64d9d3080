//! OAuth 2.1 and OpenID Connect: who may be given which token. The rules here know neither HTTP nor the database.

pub mod authorization;
pub mod client;
pub mod code;
pub mod error;
pub mod redirect;
pub mod scope;
