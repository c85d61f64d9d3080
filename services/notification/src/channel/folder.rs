//! The embedded default: each mail is a file, for a person to read or for another program to send on.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use lettre::message::Mailbox;

use super::{Channel, mail};
use crate::config::MailSettings;
use crate::domain::{Mail, SendError};

/// Writes `<folder>/<created time>-<id>.eml`.
pub struct MailFolder {
    from: Mailbox,
    folder: PathBuf,
}

impl MailFolder {
    /// The folder of these settings; it is made with the first mail.
    pub fn new(settings: MailSettings) -> Self {
        Self { from: settings.from, folder: settings.folder }
    }
}

impl Channel for MailFolder {
    async fn send(&self, message: Mail<'_>) -> Result<(), SendError> {
        let octets = mail::compose(&self.from, message)?;
        let name = format!("{}-{}.eml", message.created_at.format("%Y%m%dT%H%M%SZ"), message.id);
        let (folder, file) = (self.folder.clone(), name.clone());
        let written = tokio::task::spawn_blocking(move || write_whole(&folder, &file, &octets)).await;
        let written = written.map_err(|_| SendError::Later("the writing was broken off".into()))?;
        written.map_err(|error| SendError::Later(format!("the mail folder cannot be written: {error}")))?;
        tracing::info!(notification = %message.id, file = name, "mail written");
        Ok(())
    }
}

/// Nobody sees half a file: it gets its name when it is complete. A second time, it takes the place of the first.
/// Mail is personal, so only the owner may read it.
fn write_whole(folder: &Path, name: &str, octets: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let unfinished = folder.join(format!(".{name}.part"));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(unfinished, folder.join(name))
}
