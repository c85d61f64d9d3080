//! What is said to whom, and what becomes of a message.

mod about;
mod account_mail;
mod invitation;
mod kind;
mod message;
mod news;
mod outgoing;
mod patient;
mod reminder;
mod subscription;
mod template;
#[cfg(test)]
mod testing;
pub mod webhook;
mod wishes;

pub use about::{About, Bill, Manner, Offer, Visit};
pub use account_mail::{AccountMail, AccountMailKind, Purpose, REMEMBERED};
pub use invitation::{Parties, invitation, method};
pub use kind::{ChannelKind, Group, Kind, Lane, Status};
pub use message::{
    Attempt, Cause, Letter, Message, Outcome, SEND_WITHIN, is_due, is_used_up, lost_after, needs_job,
};
pub use news::news;
pub use outgoing::{Address, Calendar, CalendarMethod, Outgoing, PushTarget, Receipt, SendError};
pub use patient::Patient;
pub use reminder::{Leads, Reminder};
pub use subscription::{MOST_SUBSCRIPTIONS, Subscription};
pub use template::{Fault, Template, TemplateKey, Variable, Words};
pub use wishes::{QuietHours, Reachable, Wishes, in_full};
