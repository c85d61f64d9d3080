//! The tables.

pub mod account_mails;
pub mod messages;
pub mod patients;
pub mod webhooks;
