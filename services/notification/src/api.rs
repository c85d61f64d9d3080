//! The endpoints, by what they are about.

pub mod notifications;
pub mod webhooks;
