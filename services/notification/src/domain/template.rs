//! The words of messages: text with names in double braces, which stand for what differs from one message to the next.
//! A subject line is seen by others than the patient (on a locked screen, by mail servers on the way): the words that
//! come with the service name nobody in it, nor in what goes to telephones and devices.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use hms_model::id::{AccountId, NotificationTemplateId};
use hms_model::{Coded as _, Language, coded_enum};

use super::{ChannelKind, Kind};

/// The longest subject line that may be written.
const SUBJECT_MOST: usize = 200;
/// The longest text.
const BODY_MOST: usize = 10_000;

coded_enum! {
    /// What the words of a message can refer to.
    pub enum Variable {
        /// The name of the patient.
        PatientName = "patient_name",
        /// The name of the organisation.
        Organisation = "organisation",
        /// The name of the practitioner.
        PractitionerName = "practitioner_name",
        /// When it begins.
        Start = "start",
        /// From when to when.
        Period = "period",
        /// The name of the department; empty where there is none.
        Department = "department",
        /// Until when an offer stands.
        ExpiresAt = "expires_at",
        /// The number of an invoice.
        InvoiceNumber = "invoice_number",
        /// What an invoice comes to.
        InvoiceTotal = "invoice_total",
        /// Until when an invoice is to be paid; empty where there is no such day.
        DueOn = "due_on",
    }
}

/// What the variables stand for in one message.
pub type Values = BTreeMap<Variable, String>;

/// Which words: of what, for which way, in which language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TemplateKey {
    /// What the message is about.
    pub kind: Kind,
    /// The way it goes.
    pub channel: ChannelKind,
    /// The language.
    pub language: Language,
}

/// The words of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The subject line; the title of a push message. A text message has none.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// One version of the words, written by somebody. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its id.
    pub id: NotificationTemplateId,
    /// Which words.
    pub key: TemplateKey,
    /// Counts from 1; 0 stands for the words that come with the service.
    pub version: i64,
    /// The words.
    pub words: Words,
    /// Who wrote them.
    pub author: AccountId,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Why words were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No message of this kind has it.
    #[error("there is no {{{{{name}}}}} here; there is: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Braces that open and never close.
    #[error("{{{{ is not closed")]
    Unclosed,
    /// A way that needs a subject line, or has none.
    #[error("{0}")]
    Subject(&'static str),
    /// More than there is room for.
    #[error("must have 1 to {0} characters")]
    Length(usize),
}

impl Variable {
    /// Those that messages of this kind have.
    pub fn of(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::Confirmation | Kind::Rescheduled | Kind::Cancelled | Kind::Reminder => &[
                Self::PatientName,
                Self::Organisation,
                Self::PractitionerName,
                Self::Start,
                Self::Period,
                Self::Department,
            ],
            Kind::Offer => &[
                Self::PatientName,
                Self::Organisation,
                Self::PractitionerName,
                Self::Start,
                Self::Period,
                Self::Department,
                Self::ExpiresAt,
            ],
            Kind::Invoice => {
                &[Self::PatientName, Self::Organisation, Self::InvoiceNumber, Self::InvoiceTotal, Self::DueOn]
            }
        }
    }
}

impl Words {
    /// The words that come with the service.
    pub fn built_in(key: TemplateKey) -> Self {
        let text = built_in(key.kind, key.language);
        let mut lines = text.splitn(4, '\n');
        let [subject, short, _empty, long] = std::array::from_fn(|_| lines.next().unwrap_or_default());
        let body = match key.channel {
            ChannelKind::Email | ChannelKind::InApp => long,
            ChannelKind::Sms | ChannelKind::Push => short,
        };
        let subject = if key.channel == ChannelKind::Sms { "" } else { subject };
        Self { subject: subject.to_owned(), body: body.trim_end().to_owned() }
    }

    /// Refuses words that a message of this kind could not be made of.
    pub fn check(&self, key: TemplateKey) -> Result<(), Fault> {
        match (key.channel, self.subject.is_empty()) {
            (ChannelKind::Sms, false) => return Err(Fault::Subject("a text message has no subject")),
            (ChannelKind::Email | ChannelKind::Push | ChannelKind::InApp, true) => {
                return Err(Fault::Subject("there must be a subject"));
            }
            _ => {}
        }
        if self.subject.chars().count() > SUBJECT_MOST {
            return Err(Fault::Length(SUBJECT_MOST));
        }
        if !(1..=BODY_MOST).contains(&self.body.chars().count()) {
            return Err(Fault::Length(BODY_MOST));
        }
        for text in [&self.subject, &self.body] {
            for name in names(text)? {
                let is_known =
                    Variable::from_code(name).is_some_and(|it| Variable::of(key.kind).contains(&it));
                if !is_known {
                    let known: Vec<_> = Variable::of(key.kind).iter().map(|it| it.code()).collect();
                    return Err(Fault::Unknown { name: name.to_owned(), known: known.join(", ") });
                }
            }
        }
        Ok(())
    }

    /// The words of one message. The subject is one line; a line of the text that consists of empty values is left out.
    pub fn fill(&self, values: &Values) -> Self {
        let lines = self.body.lines().filter_map(|line| {
            let filled = fill(line, values);
            let is_hollow = filled.trim().is_empty() && !line.trim().is_empty();
            (!is_hollow).then_some(filled)
        });
        let body = lines.collect::<Vec<_>>().join("\n");
        Self { subject: one_line(&fill(&self.subject, values)), body }
    }
}

/// The names in double braces, in their order.
fn names(text: &str) -> Result<Vec<&str>, Fault> {
    let mut parts = text.split("{{");
    let _before = parts.next();
    parts.map(|part| part.split_once("}}").map(|(name, _)| name.trim()).ok_or(Fault::Unclosed)).collect()
}

fn fill(text: &str, values: &Values) -> String {
    let mut parts = text.split("{{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // What was written was checked: each is closed and known.
        let (name, rest) = part.split_once("}}").unwrap_or(("", part));
        let value = Variable::from_code(name.trim()).and_then(|variable| values.get(&variable));
        filled.push_str(value.map(String::as_str).unwrap_or_default());
        filled.push_str(rest);
    }
    filled
}

/// A name may hold line breaks; in a message it must not make a line of its own.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Line by line: the subject, the short text, nothing, the long text.
macro_rules! built_in {
    ($($language:ident $folder:literal),+) => {
        fn built_in(kind: Kind, language: Language) -> &'static str {
            match language {$(
                Language::$language => match kind {
                    Kind::Confirmation => include_str!(concat!("../../templates/", $folder, "/appointment.confirmation.txt")),
                    Kind::Rescheduled => include_str!(concat!("../../templates/", $folder, "/appointment.rescheduled.txt")),
                    Kind::Cancelled => include_str!(concat!("../../templates/", $folder, "/appointment.cancelled.txt")),
                    Kind::Reminder => include_str!(concat!("../../templates/", $folder, "/appointment.reminder.txt")),
                    Kind::Offer => include_str!(concat!("../../templates/", $folder, "/waitlist.offer.txt")),
                    Kind::Invoice => include_str!(concat!("../../templates/", $folder, "/billing.invoice.txt")),
                }
            ),+}
        }
    };
}
built_in!(De "de", En "en", Es "es", Fr "fr");

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: Kind, channel: ChannelKind) -> TemplateKey {
        TemplateKey { kind, channel, language: Language::En }
    }

    fn words(subject: &str, body: &str) -> Words {
        Words { subject: subject.into(), body: body.into() }
    }

    #[test]
    fn the_words_that_come_with_the_service_are_in_order_and_name_nobody_on_a_locked_screen() {
        for kind in Kind::ALL {
            for channel in ChannelKind::ALL {
                for language in Language::ALL {
                    let key = TemplateKey { kind: *kind, channel: *channel, language: *language };
                    let words = Words::built_in(key);
                    words.check(key).unwrap_or_else(|fault| panic!("{key:?}: {fault}"));
                    let mut seen = words.subject.clone();
                    if matches!(channel, ChannelKind::Sms | ChannelKind::Push) {
                        seen.push_str(&words.body);
                    }
                    assert!(!seen.contains("name"), "{key:?}: {seen}");
                }
            }
        }
    }

    #[test]
    fn words_that_no_message_could_be_made_of_are_refused() {
        let (mail, text) =
            (key(Kind::Confirmation, ChannelKind::Email), key(Kind::Confirmation, ChannelKind::Sms));
        let long = "x".repeat(BODY_MOST + 1);
        let cases = [
            (mail, words("At {{ start }}", "{{period}}"), Ok(())),
            (text, words("", "{{start}}"), Ok(())),
            (text, words("Hello", "{{start}}"), Err("a text message has no subject")),
            (mail, words("", "{{start}}"), Err("there must be a subject")),
            (mail, words("Hello", ""), Err("must have 1 to 10000 characters")),
            (mail, words("Hello", &long), Err("must have 1 to 10000 characters")),
            (mail, words("Hello", "{{start"), Err("{{ is not closed")),
            (
                mail,
                words("{{invoice_total}}", "x"),
                Err("there is no {{invoice_total}} here; there is: patient_name,"),
            ),
            (mail, words("Hello", "{{password}}"), Err("there is no {{password}} here")),
            (mail, words("Hello", "{{}}"), Err("there is no {{}} here")),
        ];
        for (key, words, expected) in cases {
            match (words.check(key), expected) {
                (Ok(()), Ok(())) => {}
                (Err(fault), Err(reason)) => assert!(fault.to_string().starts_with(reason), "{fault}"),
                (found, expected) => panic!("{words:?}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn values_take_the_places_of_their_names() {
        let values = Values::from([
            (Variable::PatientName, "Ann {{start}}".to_owned()),
            (Variable::Start, "Monday\r\nBcc: x".to_owned()),
            (Variable::Department, String::new()),
        ]);
        let words = words("On {{start}}!", "Dear {{ patient_name }},\n\n    {{department}}\nbye");
        assert_eq!(
            words.fill(&values),
            Words { subject: "On Monday Bcc: x!".into(), body: "Dear Ann {{start}},\n\nbye".into() }
        );
    }
}
