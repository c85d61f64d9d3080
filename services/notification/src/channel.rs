//! The ways that messages go.

mod folder;
mod mail;

pub use folder::MailFolder;

use crate::domain::{Mail, SendError};

/// A way for messages to go. To send the same message again must do no harm: whoever sends may die before it is
/// known that it was sent.
pub trait Channel: Send + Sync + 'static {
    /// Hands the message over.
    fn send(&self, message: Mail<'_>) -> impl Future<Output = Result<(), SendError>> + Send;
}
