//! A message as Internet mail (RFC 5322).

use std::time::SystemTime;

use hms_model::id::NotificationId;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};

use crate::domain::{Calendar, Outgoing, SendError};

/// Why a mail cannot be written to an address.
pub const NO_ADDRESS: &str = "mail cannot be sent to this address";

/// The octets of the mail. The same message gives the same ones, with the same Message-ID, so that sending it
/// twice can be told.
pub fn compose(from: &Mailbox, to: &str, message: Outgoing<'_>) -> Result<Vec<u8>, SendError> {
    let to = to.parse().map_err(|_| SendError::never(NO_ADDRESS))?;
    // RFC 3834: no machine is to answer it.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let mail = lettre::Message::builder()
        .message_id(Some(message_id(from, message.id)))
        .date(SystemTime::from(message.created_at))
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(message.subject)
        .raw_header(HeaderValue::new(automatic, "auto-generated".into()));
    let text = SinglePart::plain(message.body.to_owned());
    let mail = match message.calendar {
        None => mail.singlepart(text),
        Some(calendar) => mail.multipart(with_calendar(message.id, text, calendar)?),
    };
    let mail = mail.map_err(|error| SendError::never(format!("the mail cannot be written: {error}")))?;
    Ok(mail.formatted())
}

/// What the message is called wherever it goes.
pub fn message_id(from: &Mailbox, id: NotificationId) -> String {
    format!("<{id}@{}>", from.email.domain())
}

/// RFC 6047: programs that know calendars offer the event beside the text (the part says what it asks for), and for all
/// others it is a file.
fn with_calendar(
    id: NotificationId,
    text: SinglePart,
    calendar: Calendar<'_>,
) -> Result<MultiPart, SendError> {
    let kind = format!("text/calendar; charset=utf-8; method={}", calendar.method.name());
    let kind = ContentType::parse(&kind).map_err(|_| SendError::never("the calendar cannot be written"))?;
    let file =
        ContentType::parse("application/ics").map_err(|_| SendError::never("the file cannot be written"))?;
    let event = SinglePart::builder().header(kind).body(calendar.text.to_owned());
    let file = Attachment::new("invite.ics".to_owned()).body(calendar.text.to_owned(), file);
    let readable = MultiPart::alternative().boundary(format!("text-{id}")).singlepart(text).singlepart(event);
    Ok(MultiPart::mixed().boundary(format!("mail-{id}")).multipart(readable).singlepart(file))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use hms_model::id::Id;

    use super::*;
    use crate::domain::{Address, CalendarMethod};

    #[test]
    fn the_same_message_gives_the_same_octets() {
        let from = "HMS <no-reply@hms.example>".parse().unwrap();
        let (id, created_at) = (Id::new(DateTime::UNIX_EPOCH), DateTime::UNIX_EPOCH);
        let calendar =
            Calendar { method: CalendarMethod::Cancel, text: "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n" };
        for calendar in [None, Some(calendar)] {
            let to = Address::Email("ann@example.org");
            let message =
                Outgoing { id, created_at, to, subject: "Hi", body: "Hello", calendar, urgent: false };
            let mail = compose(&from, "ann@example.org", message).unwrap();
            assert_eq!(mail, compose(&from, "ann@example.org", message).unwrap());
            let text = String::from_utf8(mail).unwrap();
            assert!(text.contains(&format!("Message-ID: <{id}@hms.example>\r\n")), "{text}");
            assert_eq!(text.contains("method=CANCEL"), calendar.is_some());
        }
    }
}
