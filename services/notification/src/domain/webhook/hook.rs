//! A webhook: where events go, which, and how it fares.

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::id::{AccountId, DepartmentId, EventId, NotificationId, WebhookId};
use hms_model::role::Reach;
use hms_model::{Email, coded_enum};
use url::Url;

use super::attempt::Verdict;
use super::secret::Signing;
use crate::domain::{AccountMail, AccountMailKind, Letter, Status};

/// How many webhooks there may be: each has its own places for what is under way.
pub const MOST_WEBHOOKS: i64 = 100;
/// A webhook that nothing has reached for so long is switched off.
const PATIENCE: TimeDelta = TimeDelta::days(5);
/// For how long the mail to the owner is of use.
const MAIL_OF_USE: TimeDelta = TimeDelta::days(7);

coded_enum! {
    /// Why a webhook is switched off.
    pub enum DisabledReason {
        /// Somebody did it by hand.
        ByHand = "by_hand",
        /// The receiver answered 410.
        Gone = "gone",
        /// Nothing arrived for 5 days.
        Failing = "failing",
    }
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Its id.
    pub id: WebhookId,
    /// Counts its changes.
    pub version: i64,
    /// Where deliveries go.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// The types of events that it receives.
    pub events: Vec<String>,
    /// The one department whose events it receives.
    pub department_id: Option<DepartmentId>,
    /// How deliveries are signed.
    pub signing: Signing,
    /// The key, sealed.
    pub sealed: String,
    /// The key before that one, sealed, and until when deliveries are signed with it too.
    pub previous: Option<(String, DateTime<Utc>)>,
    /// The public key of a key pair.
    pub public_key: Option<String>,
    /// Who is told by mail when it is switched off.
    pub contact_email: Option<Email>,
    /// Who made it.
    pub account_id: AccountId,
    /// Why it is switched off, and since when; none while it is on.
    pub disabled: Option<(DisabledReason, DateTime<Utc>)>,
    /// Since when every attempt has failed.
    pub failing_since: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What an attempt changes about its webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// Nothing.
    Nothing,
    /// It is reached again, or has begun to fail.
    FailingSince(Option<DateTime<Utc>>),
    /// It is to be switched off.
    Disable(DisabledReason),
}

impl Hook {
    /// Whether whoever has this reach may see and change it.
    pub fn within(&self, reach: Reach) -> bool {
        match reach {
            Reach::Everyone => true,
            Reach::Department { department_id } => self.department_id == Some(department_id),
            Reach::Own { .. } => false,
        }
    }

    /// Whether it receives events of this type and department.
    pub fn wants(&self, kind: &str, department: Option<DepartmentId>) -> bool {
        let of_department = self.department_id.is_none() || self.department_id == department;
        self.disabled.is_none() && of_department && self.events.iter().any(|event| event == kind)
    }

    /// What follows for it from an attempt.
    pub fn hears(&self, verdict: Verdict, now: DateTime<Utc>) -> Hearing {
        match (verdict, self.failing_since) {
            _ if self.disabled.is_some() => Hearing::Nothing,
            (Verdict::Gone, _) => Hearing::Disable(DisabledReason::Gone),
            (Verdict::Delivered, None) => Hearing::Nothing,
            (Verdict::Delivered, Some(_)) => Hearing::FailingSince(None),
            (Verdict::Failed, None) => Hearing::FailingSince(Some(now)),
            (Verdict::Failed, Some(since)) if now - since >= PATIENCE => {
                Hearing::Disable(DisabledReason::Failing)
            }
            (Verdict::Failed, Some(_)) => Hearing::Nothing,
        }
    }

    /// Switched off.
    #[must_use]
    pub fn off(self, reason: DisabledReason, now: DateTime<Utc>) -> Self {
        Self { disabled: Some((reason, now)), ..self.touched(now) }
    }

    /// Switched on, with a clean slate.
    #[must_use]
    pub fn on(self, now: DateTime<Utc>) -> Self {
        Self { disabled: None, failing_since: None, ..self.touched(now) }
    }

    /// Its next version.
    #[must_use]
    pub fn touched(self, now: DateTime<Utc>) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self }
    }

    /// The mail that tells its owner that it was switched off; none where nobody is to be told.
    pub fn farewell(&self, ids: (EventId, NotificationId), now: DateTime<Utc>) -> Option<AccountMail> {
        let recipient = self.contact_email.as_ref()?.as_str().to_owned();
        let (reason, at) = self.disabled?;
        let why = match reason {
            DisabledReason::Gone => "the receiver answered 410 (Gone)",
            DisabledReason::Failing => "no delivery has arrived for 5 days",
            DisabledReason::ByHand => return None,
        };
        // The path of the URL may hold a secret of the receiver's; the name of the server does not.
        let host =
            Url::parse(&self.url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let body = format!(
            "The webhook {} to {host} was switched off on {}, since {why}.\n\nIt gets no events until it is switched on \
             again (PATCH /api/v1/webhooks/{} with \"enabled\": true). What failed can then be sent again \
             (POST /api/v1/webhooks/{}/redeliver).\n\nThis message was sent automatically; replies to it are not read.",
            self.id,
            at.format("%-d %B %Y, %H:%M UTC"),
            self.id,
            self.id,
        );
        Some(AccountMail {
            id: ids.1,
            version: 1,
            event_id: ids.0,
            kind: AccountMailKind::WebhookDisabled,
            status: Status::Pending,
            letter: Some(Letter { recipient, body }),
            subject: "A webhook was switched off".into(),
            attempts: 0,
            due_at: now,
            expires_at: now + MAIL_OF_USE,
            created_at: now,
            error: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use hms_model::id::Id;

    use super::*;

    fn example(now: DateTime<Utc>) -> Hook {
        Hook {
            id: Id::new(now),
            version: 1,
            url: "https://hooks.example.org/secret-path".into(),
            description: None,
            events: vec!["patient.created".into()],
            department_id: None,
            signing: Signing::Shared,
            sealed: String::new(),
            previous: None,
            public_key: None,
            contact_email: None,
            account_id: Id::new(now),
            disabled: None,
            failing_since: None,
            created_at: now,
            updated_at: now,
        }
    }

    fn now() -> DateTime<Utc> {
        "2026-03-02T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn it_receives_its_types_of_its_department_while_it_is_on() {
        let (here, there) = (Id::new(now()), Id::new(now()));
        let all = example(now());
        let bound = Hook { department_id: Some(here), ..all.clone() };
        let off = all.clone().off(DisabledReason::ByHand, now());
        let cases = [
            (&all, "patient.created", None, true),
            (&all, "patient.created", Some(there), true),
            (&all, "patient.updated", None, false),
            (&bound, "patient.created", Some(here), true),
            (&bound, "patient.created", Some(there), false),
            (&bound, "patient.created", None, false),
            (&off, "patient.created", None, false),
        ];
        for (hook, kind, department, wanted) in cases {
            assert_eq!(hook.wants(kind, department), wanted, "{kind} {department:?}");
        }
        assert!(off.on(now()).wants("patient.created", None));
    }

    #[test]
    fn it_is_switched_off_when_it_is_gone_or_has_failed_for_five_days() {
        let ago = |days| Some(now() - TimeDelta::days(days));
        let cases = [
            (None, Verdict::Delivered, Hearing::Nothing),
            (ago(3), Verdict::Delivered, Hearing::FailingSince(None)),
            (None, Verdict::Failed, Hearing::FailingSince(Some(now()))),
            (ago(4), Verdict::Failed, Hearing::Nothing),
            (ago(5), Verdict::Failed, Hearing::Disable(DisabledReason::Failing)),
            (None, Verdict::Gone, Hearing::Disable(DisabledReason::Gone)),
        ];
        for (failing_since, verdict, expected) in cases {
            let hook = Hook { failing_since, ..example(now()) };
            assert_eq!(hook.hears(verdict, now()), expected, "{failing_since:?} {verdict:?}");
            let off = hook.off(DisabledReason::ByHand, now());
            assert_eq!(off.hears(verdict, now()), Hearing::Nothing);
        }
    }

    #[test]
    fn the_mail_to_its_owner_names_the_server_and_not_the_path() {
        let ids = (Id::new(now()), Id::new(now()));
        let hook = Hook { contact_email: Some("it@example.org".parse().unwrap()), ..example(now()) };
        assert!(hook.farewell(ids, now()).is_none());
        let mail = hook.clone().off(DisabledReason::Failing, now()).farewell(ids, now()).unwrap();
        let letter = mail.letter.unwrap();
        assert!(
            letter.body.contains("to hooks.example.org was switched off on 2 March 2026"),
            "{}",
            letter.body
        );
        assert!(!letter.body.contains("secret-path"));
        assert!(hook.off(DisabledReason::ByHand, now()).farewell(ids, now()).is_none());
    }
}
