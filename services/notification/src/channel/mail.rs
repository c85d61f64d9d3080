//! A message as Internet mail (RFC 5322).

use std::time::SystemTime;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};

use crate::domain::{Mail, SendError};

/// The octets of the mail. The same message gives the same ones, with the same Message-ID, so that sending it
/// twice can be told.
pub fn compose(from: &Mailbox, message: Mail<'_>) -> Result<Vec<u8>, SendError> {
    let letter = message.letter.ok_or_else(|| SendError::Never("there is no recipient".into()))?;
    let to = letter
        .recipient
        .parse()
        .map_err(|_| SendError::Never("mail cannot be sent to this address".into()))?;
    // RFC 3834: no machine is to answer it.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let mail = lettre::Message::builder()
        .message_id(Some(format!("<{}@{}>", message.id, from.email.domain())))
        .date(SystemTime::from(message.created_at))
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(message.subject)
        .raw_header(HeaderValue::new(automatic, "auto-generated".into()))
        .singlepart(SinglePart::plain(letter.body.clone()))
        .map_err(|error| SendError::Never(format!("the mail cannot be written: {error}")))?;
    Ok(mail.formatted())
}
