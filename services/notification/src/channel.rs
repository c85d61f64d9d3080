//! The ways that messages go. Each is chosen by its URL alone; where there is none, messages are files.

mod folder;
mod mail;

use hms_service::Context;

use crate::config::MailSettings;
use crate::domain::{Outgoing, Receipt, SendError};

use folder::Folder;

/// All ways. To send the same message again must do no harm: whoever sends may die before it is known that it was
/// sent.
pub struct Channels {
    folder: Folder,
}

impl Channels {
    /// The ways that the settings choose.
    pub fn open(context: &Context) -> anyhow::Result<Self> {
        let MailSettings { from, folder } = MailSettings::read(&context.settings, &context.own.data_dir)?;
        Ok(Self { folder: Folder::new(from, folder) })
    }

    /// Hands a message over.
    pub async fn send(&self, message: Outgoing<'_>) -> Result<Receipt, SendError> {
        self.folder.send(message).await
    }
}
