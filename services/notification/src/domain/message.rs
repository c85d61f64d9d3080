//! A message from the event that causes it to the end of all attempts.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::coded_enum;
use hms_model::event::AppointmentFacts;
use hms_model::id::{EventId, NotificationId, PatientId};
use serde::{Deserialize, Serialize};

use super::{Address, Outgoing, Patient, Receipt, SendError, text};

/// How often a message is tried, at the most.
pub(super) const ATTEMPTS: i64 = 5;
/// The waits after the attempts that fail.
const WAITS: [TimeDelta; 4] =
    [TimeDelta::seconds(30), TimeDelta::minutes(2), TimeDelta::minutes(10), TimeDelta::hours(1)];
/// How long a message waits for word of its patient.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);
/// How long one attempt may take.
pub const SEND_WITHIN: Duration = Duration::from_secs(20);
/// How long nobody else takes up a message that someone is sending: well longer than an attempt may take.
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(60);

coded_enum! {
    /// What a message is about.
    pub enum Kind {
        /// An appointment was booked.
        Confirmation = "appointment.confirmation",
        /// An appointment was moved.
        Rescheduled = "appointment.rescheduled",
        /// An appointment was called off.
        Cancelled = "appointment.cancelled",
    }
}

coded_enum! {
    /// The way a message goes.
    pub enum ChannelKind {
        /// By e-mail.
        Email = "email",
    }
}

coded_enum! {
    /// What has become of a message.
    pub enum Status {
        /// It is to be sent.
        Pending = "pending",
        /// It was handed over.
        Sent = "sent",
        /// It could not be sent, and is not tried any more.
        Failed = "failed",
        /// There was nowhere to send it.
        Skipped = "skipped",
    }
}

/// What a message tells of an appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// With whom.
    pub practitioner_name: String,
    /// From.
    pub start: DateTime<Utc>,
    /// Up to, not including.
    pub end: DateTime<Utc>,
}

/// What goes out to whom: what can only be said when it is known who the patient is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The address.
    pub recipient: String,
    /// The text.
    pub body: String,
}

impl Letter {
    /// What a channel is handed: an e-mail.
    pub(super) fn outgoing<'a>(
        &'a self,
        id: NotificationId,
        created_at: DateTime<Utc>,
        subject: &'a str,
    ) -> Outgoing<'a> {
        let (to, body) = (Address::Email(&self.recipient), self.body.as_str());
        Outgoing { id, created_at, to, subject, body, calendar: None, urgent: false }
    }
}

/// A message to a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: NotificationId,
    /// Counts its changes.
    pub version: i64,
    /// The event that causes it.
    pub event_id: EventId,
    /// What it is about.
    pub kind: Kind,
    /// The way it goes.
    pub channel: ChannelKind,
    /// What has become of it.
    pub status: Status,
    /// To whom.
    pub patient_id: PatientId,
    /// What it tells.
    pub appointment: Appointment,
    /// The subject line.
    pub subject: String,
    /// Address and text, once it is known who the patient is.
    pub letter: Option<Letter>,
    /// How often it was tried.
    pub attempts: i64,
    /// While it is pending: when to look at it next.
    pub due_at: DateTime<Utc>,
    /// When the event came.
    pub created_at: DateTime<Utc>,
    /// When it was handed over.
    pub sent_at: Option<DateTime<Utc>>,
    /// Why it was not, or not yet.
    pub error: Option<String>,
}

/// The wait after so many attempts that failed; none after the last one.
pub(super) fn wait_after(attempts: i64) -> Option<TimeDelta> {
    let failed = usize::try_from(attempts).unwrap_or(usize::MAX);
    WAITS.get(failed.saturating_sub(1)).copied()
}

impl Message {
    /// What a channel is handed of it; none while it is not known who the patient is.
    pub fn outgoing(&self) -> Option<Outgoing<'_>> {
        let Self { id, created_at, subject, letter, .. } = self;
        let letter = letter.as_ref()?;
        Some(letter.outgoing(*id, *created_at, subject))
    }

    /// The message that an event of an appointment calls for; none where the appointment only records what took
    /// place. A patient who is not known yet is waited for.
    pub fn draft(
        kind: Kind,
        facts: AppointmentFacts,
        event_id: EventId,
        patient: Option<&Patient>,
        id: NotificationId,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        if facts.recorded {
            return None;
        }
        let AppointmentFacts { patient_id, practitioner_name, start, end, .. } = facts;
        let appointment = Appointment { practitioner_name, start, end };
        let message = Self {
            id,
            version: 1,
            event_id,
            kind,
            channel: ChannelKind::Email,
            status: Status::Pending,
            patient_id,
            subject: text::subject(kind, &appointment),
            appointment,
            letter: None,
            attempts: 0,
            due_at: now + PATIENCE,
            created_at: now,
            sent_at: None,
            error: None,
        };
        Some(match patient {
            Some(patient) => Self { due_at: now, ..message.addressed(patient) },
            None => message,
        })
    }

    fn addressed(mut self, patient: &Patient) -> Self {
        match &patient.email {
            _ if !patient.active => self.ended(Status::Skipped, "the record of the patient is not in use"),
            None => self.ended(Status::Skipped, "the patient has no e-mail address"),
            Some(email) => {
                let body = text::body(self.kind, &self.appointment, &patient.name);
                self.letter = Some(Letter { recipient: email.clone(), body });
                self
            }
        }
    }

    /// Takes up a pending message that is due: it is then either still pending, addressed and not due again before
    /// this attempt is over, or at its end.
    #[must_use]
    pub fn taken_up(mut self, patient: Option<&Patient>, now: DateTime<Utc>) -> Self {
        if self.letter.is_none() {
            self = match patient {
                Some(patient) => self.addressed(patient),
                None => self.ended(Status::Failed, "unknown patient"),
            };
        }
        // Whoever had it before never came back, five times: the message may be what ends them.
        if self.attempts >= ATTEMPTS {
            self = self.ended(Status::Failed, "no attempt came to an end");
        }
        if self.status == Status::Pending {
            self.attempts += 1;
            self.due_at = now + LEASE;
        }
        self
    }

    /// Notes how the attempt ended.
    #[must_use]
    pub fn tried(self, outcome: Result<Receipt, SendError>, now: DateTime<Utc>) -> Self {
        match outcome {
            Ok(_) => Self { status: Status::Sent, sent_at: Some(now), error: None, ..self },
            Err(SendError::Busy { wait }) => Self { attempts: self.attempts - 1, due_at: now + wait, ..self },
            Err(SendError::Never(reason) | SendError::Gone(reason)) => self.ended(Status::Failed, &reason),
            Err(SendError::Later { reason, retry_after }) => match wait_after(self.attempts) {
                Some(wait) => {
                    let wait = retry_after.map_or(wait, |asked| asked.max(wait));
                    Self { due_at: now + wait, error: Some(reason), ..self }
                }
                None => self.ended(Status::Failed, &reason),
            },
        }
    }

    fn ended(self, status: Status, reason: &str) -> Self {
        Self { status, error: Some(reason.to_owned()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use hms_model::id::Id;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-03-02T08:00:00Z".parse().unwrap()
    }

    fn patient(email: Option<&str>, active: bool) -> Patient {
        Patient {
            id: Id::from_uuid(Id::<()>::new(now()).uuid()),
            version: 1,
            name: "Ann Lee".into(),
            email: email.map(str::to_owned),
            phone: None,
            active,
        }
    }

    fn draft(patient: Option<&Patient>, recorded: bool) -> Option<Message> {
        let facts = AppointmentFacts {
            appointment_id: Id::new(now()),
            version: 1,
            patient_id: Id::new(now()),
            practitioner_id: Id::new(now()),
            practitioner_name: "Dr. Mia Chen".into(),
            department_id: None,
            start: now() + TimeDelta::hours(1),
            end: now() + TimeDelta::hours(2),
            status: "booked".into(),
            reason: None,
            recorded,
            appointment_type_id: None,
            zone: None,
            series_id: None,
            late_cancellation: false,
        };
        Message::draft(Kind::Confirmation, facts, Id::new(now()), patient, Id::new(now()), now())
    }

    fn outcome(message: &Message) -> (Status, Option<&str>, Option<&str>) {
        let recipient = message.letter.as_ref().map(|letter| letter.recipient.as_str());
        (message.status, recipient, message.error.as_deref())
    }

    #[test]
    fn a_message_goes_to_an_active_patient_with_an_address() {
        let (ann, silent, gone) = (
            patient(Some("ann@example.org"), true),
            patient(None, true),
            patient(Some("ann@example.org"), false),
        );
        let cases = [
            (Some(&ann), (Status::Pending, Some("ann@example.org"), None)),
            (Some(&silent), (Status::Skipped, None, Some("the patient has no e-mail address"))),
            (Some(&gone), (Status::Skipped, None, Some("the record of the patient is not in use"))),
            (None, (Status::Pending, None, None)),
        ];
        for (patient, expected) in cases {
            assert_eq!(outcome(&draft(patient, false).unwrap()), expected, "{patient:?}");
        }
        assert_eq!(draft(Some(&ann), true), None, "what took place elsewhere");
    }

    #[test]
    fn an_unknown_patient_is_waited_for() {
        let ann = patient(Some("ann@example.org"), true);
        let waiting = draft(None, false).unwrap();
        assert_eq!(waiting.due_at, now() + PATIENCE);
        let known = waiting.clone().taken_up(Some(&ann), now());
        assert_eq!(outcome(&known), (Status::Pending, Some("ann@example.org"), None));
        assert!(known.letter.unwrap().body.starts_with("Dear Ann Lee,"));
        let unknown = waiting.taken_up(None, now());
        assert_eq!(outcome(&unknown), (Status::Failed, None, Some("unknown patient")));
    }

    #[test]
    fn the_waits_grow_until_it_is_given_up() {
        let mut message = draft(Some(&patient(Some("ann@example.org"), true)), false).unwrap();
        let mut waits = Vec::new();
        for _ in 0..4 {
            message = message.taken_up(None, now());
            assert_eq!(message.due_at, now() + LEASE);
            message = message.tried(Err(SendError::later("full")), now());
            assert_eq!(message.status, Status::Pending);
            waits.push(message.due_at - now());
        }
        assert_eq!(waits, WAITS);
        message = message.taken_up(None, now()).tried(Err(SendError::later("full")), now());
        assert_eq!(
            (message.status, message.attempts, message.error.as_deref()),
            (Status::Failed, 5, Some("full"))
        );
    }

    #[test]
    fn one_attempt_may_be_enough() {
        let message =
            draft(Some(&patient(Some("ann@example.org"), true)), false).unwrap().taken_up(None, now());
        let sent = message.clone().tried(Ok(Receipt::default()), now());
        assert_eq!((sent.status, sent.sent_at, sent.error), (Status::Sent, Some(now()), None));
        let wait = TimeDelta::minutes(7);
        let asked = SendError::Later { reason: "slow down".into(), retry_after: Some(wait) };
        assert_eq!(message.clone().tried(Err(asked), now()).due_at, now() + wait);
        let busy = message.clone().tried(Err(SendError::Busy { wait }), now());
        assert_eq!((busy.due_at, busy.attempts, busy.error), (now() + wait, 0, None));
        let never = message.tried(Err(SendError::never("no such address")), now());
        assert_eq!((never.status, never.error.as_deref()), (Status::Failed, Some("no such address")));
    }

    #[test]
    fn what_ends_every_sender_is_given_up() {
        let mut message = draft(Some(&patient(Some("ann@example.org"), true)), false).unwrap();
        for _ in 0..5 {
            message = message.taken_up(None, now());
            assert_eq!(message.status, Status::Pending);
        }
        message = message.taken_up(None, now());
        assert_eq!((message.status, message.attempts), (Status::Failed, 5));
    }
}
