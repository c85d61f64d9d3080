//! Notification as stories: from an event to the mail, who sees which messages, several senders.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a test may fail by panic, and shows what it measured"
)]

mod account_mails;
mod care;
mod causes;
mod common;
mod devices;
mod invitations;
mod jobs;
mod lanes;
mod messages;
mod reading;
mod reminders;
mod resending;
mod senders;
mod subscriptions;
mod templates;
mod together;
mod ways;
mod webhooks;
