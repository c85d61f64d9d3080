//! A message from the event that causes it to the end of all attempts.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::coded_enum;
use hms_model::id::{EventId, NotificationId, PatientId, PushSubscriptionId};

use super::{About, Address, Calendar, ChannelKind, Kind, Lane, Outgoing, Receipt, SendError, Status, Words};

/// How often a message is tried, at the most.
pub(super) const ATTEMPTS: i64 = 5;
/// The waits after the attempts that fail, before chance adds up to a fifth.
const WAITS: [TimeDelta; 4] =
    [TimeDelta::seconds(30), TimeDelta::minutes(2), TimeDelta::minutes(10), TimeDelta::hours(1)];
/// How long a message waits for word of its patient.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);
/// How long one attempt may take.
pub const SEND_WITHIN: Duration = Duration::from_secs(20);
/// How long nobody else takes up a message that someone is sending: well longer than an attempt may take.
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How far the clocks of two machines may be apart; well less than is left of a lease when an attempt is over.
const CLOCKS: TimeDelta = TimeDelta::seconds(5);
/// How long a job is waited for before it may be a lost one.
const LOST_AFTER: TimeDelta = TimeDelta::minutes(5);

/// What an event calls for, before it is known by which ways it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// The event.
    pub event_id: EventId,
    /// Tells several messages of one kind that follow from one event: how many minutes before an appointment.
    pub occasion: String,
    /// What it is about.
    pub kind: Kind,
    /// To whom.
    pub patient_id: PatientId,
    /// What it tells.
    pub about: About,
}

/// Address and text: what can only be said when it is known who the patient is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The address; empty where the way needs none.
    pub recipient: String,
    /// The text.
    pub body: String,
}

/// A message to a patient.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: NotificationId,
    /// Counts its changes.
    pub version: i64,
    /// What it follows from.
    pub cause: Cause,
    /// The way it goes.
    pub channel: ChannelKind,
    /// What has become of it.
    pub status: Status,
    /// The subject line.
    pub subject: String,
    /// Address and text, once it is known who the patient is.
    pub letter: Option<Letter>,
    /// How often it was tried.
    pub attempts: i64,
    /// While it is pending: when to look at it next.
    pub due_at: DateTime<Utc>,
    /// While it is pending: when to give it a job (anew).
    pub job_at: DateTime<Utc>,
    /// When it is of no use any more.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the event came.
    pub created_at: DateTime<Utc>,
    /// When it was handed over; of several devices, to the first.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was read.
    pub read_at: Option<DateTime<Utc>>,
    /// Why it was not handed over, or not yet.
    pub error: Option<String>,
    /// Of a push message that was tried: the devices that may still take it.
    pub devices: Option<Vec<PushSubscriptionId>>,
}

coded_enum! {
    /// How an attempt ended.
    pub enum Outcome {
        /// The channel has it.
        Sent = "sent",
        /// It is tried again.
        Later = "later",
        /// The channel will never take it.
        Refused = "refused",
        /// Nothing is to be sent to this address any more.
        Gone = "gone",
    }
}

/// One attempt at a message, to one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The message.
    pub message_id: NotificationId,
    /// Which attempt; several go to several devices.
    pub number: i64,
    /// When it began.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub took_ms: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// What the provider calls it.
    pub provider_id: Option<String>,
    /// Why it did not arrive.
    pub reason: Option<String>,
    /// The device, of a push message.
    pub subscription_id: Option<PushSubscriptionId>,
}

/// Whether a job finds something to do: the row is to be sent, and nobody has it in hand.
pub fn is_due(status: Status, due_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    status == Status::Pending && due_at <= now + CLOCKS
}

/// Whether all attempts were made in vain.
pub fn is_used_up(status: Status, attempts: i64) -> bool {
    status == Status::Failed && attempts >= ATTEMPTS
}

/// Until when what has a job since `now` is not given another one.
pub fn lost_after(now: DateTime<Utc>) -> DateTime<Utc> {
    now + LOST_AFTER
}

/// Whether a row whose time for a job has come gets one: it has had none since it became due, or its queue is empty, so that
/// it must have lost the one it had.
pub fn needs_job(due_at: DateTime<Utc>, job_at: DateTime<Utc>, is_queue_empty: bool) -> bool {
    job_at <= due_at || is_queue_empty
}

/// The wait after so many attempts that failed; none after the last one. `chance`, from 0 to 1, spreads the messages that
/// failed together, so that they do not all come again at one moment.
pub(super) fn wait_after(attempts: i64, chance: f64) -> Option<TimeDelta> {
    let failed = usize::try_from(attempts).unwrap_or(usize::MAX);
    let wait = WAITS.get(failed.saturating_sub(1)).copied()?;
    let more = wait.to_std().ok()?.mul_f64(chance.clamp(0.0, 1.0) / 5.0);
    TimeDelta::from_std(more).ok().map(|more| wait + more)
}

impl Cause {
    /// What it goes before.
    pub fn lane(&self) -> Lane {
        self.kind.lane()
    }

    fn message(self, channel: ChannelKind, id: NotificationId, now: DateTime<Utc>) -> Message {
        let expires_at = self.about.expires_at(self.kind == Kind::Reminder);
        Message {
            id,
            version: 1,
            cause: self,
            channel,
            status: Status::Pending,
            subject: String::new(),
            letter: None,
            attempts: 0,
            due_at: now,
            job_at: lost_after(now),
            expires_at,
            created_at: now,
            sent_at: None,
            read_at: None,
            error: None,
            devices: None,
        }
    }

    /// The message that waits for word of a patient who is not known yet. It stands for those of all ways.
    pub fn waiting(self, subject: String, id: NotificationId, now: DateTime<Utc>) -> Message {
        Message { subject, ..self.message(ChannelKind::Email, id, now) }.put_off(now + PATIENCE)
    }

    /// The message that goes nowhere.
    pub fn skipped(self, subject: String, reason: &str, id: NotificationId, now: DateTime<Utc>) -> Message {
        Message { subject, ..self.message(ChannelKind::Email, id, now) }.ended(Status::Skipped, reason)
    }

    /// The message that goes by one way. One that is only to be read is there with that.
    pub fn addressed(
        self,
        channel: ChannelKind,
        (recipient, words): (String, Words),
        id: NotificationId,
        now: DateTime<Utc>,
    ) -> Message {
        let Words { subject, body } = words;
        let letter = Some(Letter { recipient, body });
        let message = Message { subject, letter, ..self.message(channel, id, now) };
        match channel {
            ChannelKind::InApp => Message { status: Status::Sent, sent_at: Some(now), ..message },
            ChannelKind::Email | ChannelKind::Sms | ChannelKind::Push => message,
        }
    }
}

impl Message {
    /// What a channel is handed of it.
    pub fn outgoing<'a>(&'a self, to: Address<'a>, calendar: Option<Calendar<'a>>) -> Option<Outgoing<'a>> {
        let Self { id, created_at, subject, letter, .. } = self;
        let urgent = self.cause.lane() == Lane::Urgent;
        let body = letter.as_ref()?.body.as_str();
        Some(Outgoing { id: *id, created_at: *created_at, to, subject, body, calendar, urgent })
    }

    /// Takes the place of a message that waited: the same one, with what is known now.
    #[must_use]
    pub fn in_place_of(self, waiting: &Message) -> Self {
        let Message { id, version, created_at, .. } = *waiting;
        Self { id, version, created_at, attempts: waiting.attempts, ..self }
    }

    /// Whether it waits for word of its patient.
    pub fn is_waiting(&self) -> bool {
        self.status == Status::Pending && self.letter.is_none()
    }

    /// Nothing was heard of the patient in time.
    #[must_use]
    pub fn given_up(self) -> Self {
        self.ended(Status::Failed, "unknown patient")
    }

    /// Put off without an attempt.
    #[must_use]
    pub fn put_off(self, until: DateTime<Utc>) -> Self {
        Self { due_at: until, job_at: until, ..self }
    }

    /// Takes up a pending message that is due: it is then either still pending and not due again before this attempt is
    /// over, or at its end.
    #[must_use]
    pub fn taken_up(self, now: DateTime<Utc>) -> Self {
        if self.expires_at.is_some_and(|end| end <= now) {
            return self.ended(Status::Skipped, "it would be of no use any more");
        }
        // Whoever had it before never came back, five times: the message may be what ends them.
        if self.attempts >= ATTEMPTS {
            return self.ended(Status::Failed, "no attempt came to an end");
        }
        Self { attempts: self.attempts + 1, ..self }.put_off(now + LEASE)
    }

    /// Notes how the attempt ended; see [`wait_after`] for `chance`.
    #[must_use]
    pub fn tried(self, outcome: Result<Receipt, SendError>, chance: f64, now: DateTime<Utc>) -> Self {
        match outcome {
            Ok(_) => Self { status: Status::Sent, sent_at: Some(now), error: None, ..self },
            Err(SendError::Busy { wait }) => Self { attempts: self.attempts - 1, ..self }.put_off(now + wait),
            Err(SendError::Never(reason) | SendError::Gone(reason)) => self.ended(Status::Failed, &reason),
            Err(SendError::Later { reason, retry_after }) => match wait_after(self.attempts, chance) {
                Some(wait) => {
                    let wait = retry_after.map_or(wait, |asked| asked.max(wait));
                    Self { error: Some(reason), ..self }.put_off(now + wait)
                }
                None => self.ended(Status::Failed, &reason),
            },
        }
    }

    /// The same for a push message, of which each device is a delivery of its own: those that may still take it are tried
    /// again, and no other.
    #[must_use]
    pub fn tried_at_devices(
        self,
        answers: Vec<(PushSubscriptionId, Result<Receipt, SendError>)>,
        chance: f64,
        now: DateTime<Utc>,
    ) -> Self {
        let is_taken = answers.iter().any(|(_, answer)| answer.is_ok());
        let message = Self { sent_at: self.sent_at.or(is_taken.then_some(now)), ..self };
        let is_open = |(_, answer): &(_, Result<Receipt, SendError>)| {
            matches!(answer, Err(SendError::Later { .. } | SendError::Busy { .. }))
        };
        let (open, closed): (Vec<_>, Vec<_>) = answers.into_iter().partition(is_open);
        if open.is_empty() && message.sent_at.is_some() {
            return message.sent();
        }
        let devices = open.iter().map(|(device, _)| *device).collect::<Vec<_>>();
        let decisive = if open.is_empty() { closed } else { open };
        let answer = together(decisive.into_iter().map(|(_, answer)| answer));
        Self { devices: Some(devices), ..message }.tried(answer, chance, now)
    }

    /// Whether this device is still to be tried.
    pub fn is_for(&self, device: PushSubscriptionId) -> bool {
        self.devices.as_ref().is_none_or(|devices| devices.contains(&device))
    }

    /// To be sent once more, as if it were new.
    #[must_use]
    pub fn again(self, now: DateTime<Utc>) -> Self {
        let (due_at, job_at) = (now, lost_after(now));
        let pending = Self { status: Status::Pending, attempts: 0, due_at, job_at, ..self };
        Self { sent_at: None, error: None, devices: None, ..pending }
    }

    /// What one device has is sent, whatever becomes of the others.
    fn ended(self, status: Status, reason: &str) -> Self {
        match self.sent_at {
            Some(_) => self.sent(),
            None => Self { status, error: Some(reason.to_owned()), devices: None, ..self },
        }
    }

    fn sent(self) -> Self {
        Self { status: Status::Sent, error: None, devices: None, ..self }
    }
}

impl Outcome {
    /// How an attempt ended that gave this answer; none where nothing was tried.
    pub fn of(answer: &Result<Receipt, SendError>) -> Option<Self> {
        match answer {
            Ok(_) => Some(Self::Sent),
            Err(SendError::Busy { .. }) => None,
            Err(SendError::Later { .. }) => Some(Self::Later),
            Err(SendError::Never(_)) => Some(Self::Refused),
            Err(SendError::Gone(_)) => Some(Self::Gone),
        }
    }
}

/// Of several answers the one by which it goes on: it is tried again as long as one device may take it.
fn together(answers: impl Iterator<Item = Result<Receipt, SendError>>) -> Result<Receipt, SendError> {
    let rank = |answer: &Result<Receipt, SendError>| match answer {
        Ok(_) => 0,
        Err(SendError::Later { .. }) => 1,
        Err(SendError::Busy { .. }) => 2,
        Err(SendError::Never(_)) => 3,
        Err(SendError::Gone(_)) => 4,
    };
    let best = answers.min_by_key(rank);
    best.unwrap_or_else(|| Err(SendError::never("no browser and no device of the patient asks for messages")))
}

#[cfg(test)]
mod tests;
