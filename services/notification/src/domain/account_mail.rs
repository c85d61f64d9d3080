//! A mail about an account. It carries a secret, so it is forgotten as soon as it is sent.

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::event::{AccountMailFacts, BreakGlassFacts};
use hms_model::id::{EventId, NotificationId};
use hms_model::{Language, coded_enum};

use super::message::{ATTEMPTS, LEASE, wait_after};
use super::{Address, Letter, Manner, Outgoing, Receipt, SendError, Status};

/// For how long it is remembered that a mail was sent.
pub const REMEMBERED: TimeDelta = TimeDelta::days(30);
/// For how long it is of use to know that somebody broke the glass.
const OF_USE: TimeDelta = TimeDelta::days(7);

coded_enum! {
    /// What a mail is for.
    pub enum AccountMailKind {
        /// To show that an address is one's own.
        Verification = "account.verification",
        /// To accept an invitation.
        Invitation = "account.invitation",
        /// To set another password.
        PasswordReset = "account.password_reset",
        /// To tell that a webhook was switched off; it has no link.
        WebhookDisabled = "webhook.disabled",
        /// To tell that somebody has reached a record that is not theirs to see; it has no link.
        GlassBroken = "access.break_glass",
    }
}

/// What a mail with a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To show that an address is one's own.
    Verification,
    /// To accept an invitation.
    Invitation,
    /// To set another password.
    PasswordReset,
}

/// A mail about an account.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountMail {
    /// Its id.
    pub id: NotificationId,
    /// Counts its changes.
    pub version: i64,
    /// The event that causes it.
    pub event_id: EventId,
    /// What it is for.
    pub kind: AccountMailKind,
    /// What has become of it.
    pub status: Status,
    /// Address and text; none any more once it has come to an end.
    pub letter: Option<Letter>,
    /// The subject line.
    pub subject: String,
    /// How often it was tried.
    pub attempts: i64,
    /// While it is pending: when to look at it next.
    pub due_at: DateTime<Utc>,
    /// Until when it is of use.
    pub expires_at: DateTime<Utc>,
    /// When the event came.
    pub created_at: DateTime<Utc>,
    /// Why it was not sent, or not yet.
    pub error: Option<String>,
}

impl AccountMail {
    /// The mail that an event calls for, in the language of the account, and else in that of the house. Its link leads to
    /// the front end at `public_url`; the secret stands behind the `#`, where no server on the way gets to see it.
    pub fn draft(
        purpose: Purpose,
        facts: &AccountMailFacts,
        (event_id, id): (EventId, NotificationId),
        (public_url, manner): (&str, &Manner),
        now: DateTime<Utc>,
    ) -> Self {
        let language = facts.language.as_deref().and_then(Language::of_tag).unwrap_or(manner.language);
        let link = format!("{public_url}/{}#token={}", purpose.page(), facts.token.expose());
        let until = language.moment(facts.expires_at, manner.zone);
        let (subject, text) = built_in(purpose, language).split_once("\n\n").unwrap_or_default();
        let body = text.trim_end().replace("{{link}}", &link).replace("{{expires_at}}", &until);
        Self {
            id,
            version: 1,
            event_id,
            kind: purpose.kind(),
            status: Status::Pending,
            letter: Some(Letter { recipient: facts.email.clone(), body }),
            subject: subject.to_owned(),
            attempts: 0,
            due_at: now,
            expires_at: facts.expires_at,
            created_at: now,
            error: None,
        }
    }

    /// Tells the one who guards privacy that somebody has broken the glass: with ids alone, since mail passes many hands.
    pub fn of_broken_glass(
        facts: &BreakGlassFacts,
        recipient: String,
        (event_id, id): (EventId, NotificationId),
        now: DateTime<Utc>,
    ) -> Self {
        let body = format!(
            "Somebody has reached the record of a patient that is not theirs to see, and gave a reason.\n\n    \
             Act: {}\n    Account: {}\n    Patient: {}\n    Until: {}\n\nThe reason stands in the list of such acts \
             (GET /api/v1/break-glass) and in the audit.\n\nThis message was sent automatically; replies to it are not \
             read.",
            facts.break_glass_id,
            facts.account_id,
            facts.patient_id,
            facts.until.format("%-d %B %Y, %H:%M UTC"),
        );
        Self {
            id,
            version: 1,
            event_id,
            kind: AccountMailKind::GlassBroken,
            status: Status::Pending,
            letter: Some(Letter { recipient, body }),
            subject: "Somebody has broken the glass".into(),
            attempts: 0,
            due_at: now,
            expires_at: now + OF_USE,
            created_at: now,
            error: None,
        }
    }

    /// What a channel is handed of it, while it is remembered.
    pub fn outgoing(&self) -> Option<Outgoing<'_>> {
        let Self { id, created_at, subject, letter, .. } = self;
        let Letter { recipient, body } = letter.as_ref()?;
        let to = Address::Email(recipient);
        Some(Outgoing { id: *id, created_at: *created_at, to, subject, body, calendar: None, urgent: true })
    }

    /// Takes up a pending mail that is due: it is then either still pending and not due again before this attempt is
    /// over, or at its end.
    #[must_use]
    pub fn taken_up(self, now: DateTime<Utc>) -> Self {
        if self.expires_at <= now {
            return self.ended(Status::Failed, Some("it could not be sent while it was of use"));
        }
        if self.attempts >= ATTEMPTS {
            return self.ended(Status::Failed, Some("no attempt came to an end"));
        }
        Self { attempts: self.attempts + 1, due_at: now + LEASE, ..self }
    }

    /// Notes how the attempt ended; see [`wait_after`] for `chance`.
    #[must_use]
    pub fn tried(self, outcome: Result<Receipt, SendError>, chance: f64, now: DateTime<Utc>) -> Self {
        match outcome {
            Ok(_) => self.ended(Status::Sent, None),
            Err(SendError::Busy { wait }) => Self { attempts: self.attempts - 1, due_at: now + wait, ..self },
            Err(SendError::Never(reason) | SendError::Gone(reason)) => {
                self.ended(Status::Failed, Some(&reason))
            }
            Err(SendError::Later { reason, retry_after }) => match wait_after(self.attempts, chance) {
                Some(wait) => {
                    let wait = retry_after.map_or(wait, |asked| asked.max(wait));
                    Self { due_at: now + wait, error: Some(reason), ..self }
                }
                None => self.ended(Status::Failed, Some(&reason)),
            },
        }
    }

    fn ended(self, status: Status, reason: Option<&str>) -> Self {
        Self { status, letter: None, error: reason.map(str::to_owned), ..self }
    }
}

/// Line by line: the subject, nothing, the text.
macro_rules! built_in {
    ($($language:ident $folder:literal),+) => {
        fn built_in(purpose: Purpose, language: Language) -> &'static str {
            match language {$(
                Language::$language => match purpose {
                    Purpose::Verification => include_str!(concat!("../../templates/", $folder, "/account.verification.txt")),
                    Purpose::Invitation => include_str!(concat!("../../templates/", $folder, "/account.invitation.txt")),
                    Purpose::PasswordReset => include_str!(concat!("../../templates/", $folder, "/account.password_reset.txt")),
                }
            ),+}
        }
    };
}
built_in!(De "de", En "en", Es "es", Fr "fr");

impl Purpose {
    fn kind(self) -> AccountMailKind {
        match self {
            Self::Verification => AccountMailKind::Verification,
            Self::Invitation => AccountMailKind::Invitation,
            Self::PasswordReset => AccountMailKind::PasswordReset,
        }
    }

    /// Where the front end takes the secret.
    fn page(self) -> &'static str {
        match self {
            Self::Verification => "account/verify",
            Self::Invitation => "account/invitation",
            Self::PasswordReset => "account/reset-password",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hms_model::id::Id;
    use hms_model::{OneTimeToken, Secret};

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-03-02T08:00:00Z".parse().unwrap()
    }

    const ALL: [Purpose; 3] = [Purpose::Verification, Purpose::Invitation, Purpose::PasswordReset];

    fn mail(purpose: Purpose, language: Option<&str>) -> AccountMail {
        let facts = AccountMailFacts {
            account_id: Id::new(now()),
            version: 1,
            email: "ann@example.org".into(),
            token: OneTimeToken::new(Secret::new("s3cret")),
            expires_at: now() + TimeDelta::minutes(30),
            language: language.map(str::to_owned),
        };
        let zone = "Europe/Berlin".parse().unwrap();
        let manner = Manner { organisation: "Clinic North".into(), zone, language: Language::En };
        let ids = (Id::new(now()), Id::new(now()));
        AccountMail::draft(purpose, &facts, ids, ("https://hms.example", &manner), now())
    }

    #[test]
    fn each_mail_has_its_link_and_says_until_when_in_its_language() {
        let untils = [
            ("de-AT", "Montag, 2. März 2026, 09:30 CET"),
            ("en", "Monday, 2 March 2026, 09:30 CET"),
            ("es", "lunes, 2 de marzo de 2026, 09:30 CET"),
            ("fr", "lundi 2 mars 2026, 09:30 CET"),
        ];
        for purpose in ALL {
            let mut subjects = BTreeSet::new();
            for (language, until) in untils {
                let mail = mail(purpose, Some(language));
                let body = mail.letter.unwrap().body;
                let link = format!("\n    https://hms.example/{}#token=s3cret\n", purpose.page());
                assert!(body.contains(&link) && body.contains(until) && !body.contains("{{"), "{body}");
                assert!(!mail.subject.is_empty() && !mail.subject.contains("s3cret"));
                subjects.insert(mail.subject);
            }
            assert_eq!(subjects.len(), untils.len(), "{subjects:?}");
            let english = mail(purpose, Some("en"));
            for other in [None, Some("tlh")] {
                assert_eq!(mail(purpose, other).subject, english.subject, "that of the house");
            }
        }
    }

    #[test]
    fn the_secret_is_forgotten_at_the_end() {
        let mail = mail(Purpose::PasswordReset, None);
        let taken = mail.clone().taken_up(now());
        assert!(taken.letter.is_some() && taken.due_at > now() && taken.attempts == 1);
        let sent = taken.clone().tried(Ok(Receipt::default()), 0.0, now());
        assert!(sent.letter.is_none() && sent.status == Status::Sent);
        let later = taken.clone().tried(Err(SendError::later("full")), 0.0, now());
        assert!(later.letter.is_some() && later.status == Status::Pending);
        let never = taken.tried(Err(SendError::never("no")), 0.0, now());
        assert!(never.letter.is_none() && never.status == Status::Failed);
        let late = mail.clone().taken_up(now() + TimeDelta::minutes(30));
        assert!(late.letter.is_none() && late.status == Status::Failed);
        let stuck = AccountMail { attempts: ATTEMPTS, ..mail }.taken_up(now());
        assert!(stuck.letter.is_none() && stuck.status == Status::Failed);
    }
}
