//! The embedded default: each message is a file, for a person to read or for another program to send on.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use lettre::message::Mailbox;
use ring::digest::{SHA256, digest};
use serde_json::json;

use super::mail;
use crate::domain::{Address, Outgoing, PushTarget, Receipt, SendError};

/// Writes `<folder>/<created time>-<id>.eml`; `.txt` for a text message, and a push message to each device as
/// `-<id>-<device>.json`.
pub struct Folder {
    from: Mailbox,
    folder: PathBuf,
}

impl Folder {
    /// The folder of these settings; it is made with the first message.
    pub fn new(from: Mailbox, folder: PathBuf) -> Self {
        Self { from, folder }
    }

    /// Writes a message.
    pub async fn send(&self, message: Outgoing<'_>) -> Result<Receipt, SendError> {
        let (octets, ending) = match message.to {
            Address::Email(to) => (mail::compose(&self.from, to, message)?, ".eml".to_owned()),
            Address::Sms(to) => (format!("To: {to}\n\n{}\n", message.body).into_bytes(), ".txt".to_owned()),
            Address::Push(target) => (notice(target, message), format!("-{}.json", mark(target))),
        };
        let name = format!("{}-{}{ending}", message.created_at.format("%Y%m%dT%H%M%SZ"), message.id);
        let (folder, file) = (self.folder.clone(), name.clone());
        let written = tokio::task::spawn_blocking(move || write_whole(&folder, &file, &octets)).await;
        let written = written.map_err(|_| SendError::later("the writing was broken off"))?;
        written.map_err(|error| SendError::later(format!("the folder cannot be written: {error}")))?;
        tracing::info!(notification = %message.id, file = name, "message written");
        Ok(Receipt { provider_id: Some(name) })
    }
}

fn notice(target: &PushTarget, message: Outgoing<'_>) -> Vec<u8> {
    let to = match target {
        PushTarget::Web { endpoint, .. } => json!({ "endpoint": endpoint.expose() }),
        PushTarget::Fcm { token } => json!({ "token": token.expose() }),
    };
    let notice = json!({ "to": to, "title": message.subject, "body": message.body });
    format!("{notice:#}\n").into_bytes()
}

/// Tells the devices of one message apart, the same at each attempt, without saying where they are.
fn mark(target: &PushTarget) -> String {
    let digest = digest(&SHA256, target.address().expose().as_bytes());
    digest.as_ref().iter().take(4).map(|octet| format!("{octet:02x}")).collect()
}

/// Nobody sees half a file: it gets its name when it is complete. A second time, it takes the place of the first.
/// Messages are personal, so only the owner may read them.
fn write_whole(folder: &Path, name: &str, octets: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let unfinished = folder.join(format!(".{name}.part"));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(unfinished, folder.join(name))
}

#[cfg(test)]
mod tests {
    use hms_model::Secret;
    use hms_model::id::Id;

    use super::*;

    #[tokio::test]
    async fn each_channel_has_its_kind_of_file() {
        let folder = hms_testkit::Folder::new();
        let out = folder.path().join("outgoing");
        let files = Folder::new("x@y.example".parse().unwrap(), out.clone());
        let device = PushTarget::Fcm { token: Secret::new("t0ken") };
        let cases = [
            (Address::Email("ann@example.org"), ".eml", "To: ann@example.org"),
            (Address::Sms("+14155552671"), ".txt", "To: +14155552671\n\nHello"),
            (Address::Push(&device), "-b46c0967.json", "\"token\": \"t0ken\""),
        ];
        for (to, ending, part) in cases {
            let created_at = chrono::DateTime::UNIX_EPOCH;
            let id = Id::new(created_at);
            let message =
                Outgoing { id, created_at, to, subject: "Hi", body: "Hello", calendar: None, urgent: false };
            let name = files.send(message).await.unwrap().provider_id.unwrap();
            assert_eq!(name, format!("19700101T000000Z-{id}{ending}"));
            let text = fs::read_to_string(out.join(name)).unwrap();
            assert!(text.contains(part), "{text}");
        }
    }
}
