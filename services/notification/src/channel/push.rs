//! Push messages: to browsers and to apps.

mod encryption;
mod fcm;
mod jws;
mod vapid;
mod web;

pub use fcm::Fcm;
pub use vapid::VapidKey;
pub use web::WebPush;

use super::cut;
use crate::domain::Outgoing;

/// For how long a push service keeps a message for a device that is not reachable.
const KEPT_SECONDS: u32 = 24 * 60 * 60;
/// The longest title, in bytes of JSON.
const LONGEST_TITLE: usize = 300;
/// The longest text, in bytes of JSON: push services take four thousand for all of a message.
const LONGEST_BODY: usize = 3_000;

/// The title and the text, as far as there is room for them.
fn fitting(message: Outgoing<'_>) -> (String, String) {
    (cut(message.subject, LONGEST_TITLE, in_json), cut(message.body, LONGEST_BODY, in_json))
}

/// The bytes of a character in JSON.
fn in_json(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        control if control < ' ' => 6,
        other => other.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use hms_model::id::Id;

    use super::*;
    use crate::domain::Address;

    #[test]
    fn what_is_too_long_is_cut_to_what_push_services_take() {
        for unit in ["a", "ß", "\"", "\u{1}", "🎉", "a\n"] {
            let long = unit.repeat(5_000);
            let (id, created_at) = (Id::new(DateTime::UNIX_EPOCH), DateTime::UNIX_EPOCH);
            let to = Address::Sms("");
            let message =
                Outgoing { id, created_at, to, subject: &long, body: &long, calendar: None, urgent: false };
            let (title, body) = fitting(message);
            assert!(
                title.ends_with('…') && body.ends_with('…') && long.starts_with(body.trim_end_matches('…'))
            );
            for (text, most) in [(title, LONGEST_TITLE), (body, LONGEST_BODY)] {
                let size = serde_json::to_string(&text).unwrap().len() - 2;
                assert!((most - 10..=most).contains(&size), "{unit:?}: {size} of {most}");
            }
        }
    }
}
