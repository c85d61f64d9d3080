//! The endpoints, by what they are about.

pub mod notifications;
pub mod preferences;
pub mod push_subscriptions;
pub mod templates;
pub mod webhooks;
