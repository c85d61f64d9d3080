//! What is said to whom, and what becomes of a message.

mod message;
mod patient;
mod text;

pub use message::{ChannelKind, Kind, Letter, Message, SEND_WITHIN, SendError, Status};
pub use patient::Patient;
