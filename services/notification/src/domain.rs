//! What is said to whom, and what becomes of a message.

mod account_mail;
mod message;
mod outgoing;
mod patient;
mod text;
pub mod webhook;

pub use account_mail::{AccountMail, AccountMailKind, REMEMBERED};
pub use message::{ChannelKind, Kind, Letter, Message, SEND_WITHIN, Status};
#[cfg(test)]
pub use outgoing::CalendarMethod;
pub use outgoing::{Address, Calendar, Outgoing, PushTarget, Receipt, SendError};
pub use patient::Patient;
