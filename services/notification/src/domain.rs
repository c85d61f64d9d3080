//! What is said to whom, and what becomes of a message.

mod account_mail;
mod message;
mod patient;
mod text;
pub mod webhook;

pub use account_mail::{AccountMail, AccountMailKind, REMEMBERED};
pub use message::{ChannelKind, Kind, Letter, Mail, Message, SEND_WITHIN, SendError, Status};
pub use patient::Patient;
