//! One attempt: hands a message to its channel and notes what came of it.

use futures_util::future::join_all;
use hms_model::id::PushSubscriptionId;
use hms_trace::Span;
use tokio::time::{Instant, timeout};

use super::Sender;
use super::claim::Taken;
use crate::domain::{
    AccountMail, Address, Attempt, Calendar, ChannelKind, Message, Outcome, Outgoing, Parties, Receipt,
    SEND_WITHIN, SendError, Subscription, invitation, method,
};

/// What came of it.
pub struct Tried {
    /// The message after it.
    pub message: Message,
    /// What was tried.
    pub attempts: Vec<Attempt>,
    /// An address to which nothing is to be sent any more.
    pub dead_address: Option<String>,
}

impl Sender {
    /// Tries a message at all places where it goes.
    pub(super) async fn attempt(&self, taken: Taken, span: &Span) -> Tried {
        let Taken { message, devices } = taken;
        if message.channel == ChannelKind::Push {
            return self.attempt_at_devices(message, &devices, span).await;
        }
        let recipient = message.letter.as_ref().map(|letter| letter.recipient.clone()).unwrap_or_default();
        let calendar = self.calendar(&message, &recipient);
        let calendar = calendar.as_ref().map(|(method, text)| Calendar { method: *method, text });
        let to = match message.channel {
            ChannelKind::Sms => Address::Sms(&recipient),
            ChannelKind::Email | ChannelKind::InApp | ChannelKind::Push => Address::Email(&recipient),
        };
        let (answer, attempt) = self.at(&message, to, calendar, None).await;
        let is_gone = matches!(answer, Err(SendError::Gone(_)));
        note(span, message.channel, message.attempts, answer.is_ok());
        let message = message.tried(answer, fastrand::f64(), self.context.clock.now());
        let dead_address = is_gone.then_some(recipient);
        Tried { message, attempts: attempt.into_iter().collect(), dead_address }
    }

    /// Tries a push message at each device that may take it.
    async fn attempt_at_devices(&self, message: Message, devices: &[Subscription], span: &Span) -> Tried {
        let each = devices
            .iter()
            .map(|device| self.at(&message, Address::Push(&device.target), None, Some(device.id)));
        let (answers, attempts): (Vec<_>, Vec<_>) = join_all(each).await.into_iter().unzip();
        note(span, message.channel, message.attempts, answers.iter().any(Result::is_ok));
        let answers = devices.iter().map(|device| device.id).zip(answers).collect();
        let message = message.tried_at_devices(answers, fastrand::f64(), self.context.clock.now());
        Tried { message, attempts: attempts.into_iter().flatten().collect(), dead_address: None }
    }

    /// Tries a mail about an account.
    pub(super) async fn attempt_mail(&self, mail: AccountMail, span: &Span) -> AccountMail {
        let answer = self.hand_over(mail.outgoing(), mail.attempts).await;
        note(span, ChannelKind::Email, mail.attempts, answer.is_ok());
        mail.tried(answer, fastrand::f64(), self.context.clock.now())
    }

    /// What calendars read of it, where it goes by mail and is about an appointment.
    fn calendar(&self, message: &Message, attendee: &str) -> Option<(crate::domain::CalendarMethod, String)> {
        if message.channel != ChannelKind::Email {
            return None;
        }
        let method = method(message.cause.kind)?;
        let parties = Parties {
            organisation: &self.desk.house.manner.organisation,
            organizer: self.channels.sender(),
            attendee,
        };
        let text = invitation(message.cause.about.visit()?, method, parties, message.created_at)?;
        Some((method, text))
    }

    async fn at<'a>(
        &'a self,
        message: &'a Message,
        to: Address<'a>,
        calendar: Option<Calendar<'a>>,
        device: Option<PushSubscriptionId>,
    ) -> (Result<Receipt, SendError>, Option<Attempt>) {
        let (at, began) = (self.context.clock.now(), Instant::now());
        let answer = self.hand_over(message.outgoing(to, calendar), message.attempts).await;
        let took_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let attempt = Outcome::of(&answer).map(|outcome| Attempt {
            message_id: message.id,
            number: message.attempts,
            at,
            took_ms,
            outcome,
            provider_id: answer.as_ref().ok().and_then(|receipt| receipt.provider_id.clone()),
            reason: answer.as_ref().err().map(ToString::to_string),
            subscription_id: device,
        });
        (answer, attempt)
    }

    async fn hand_over(&self, message: Option<Outgoing<'_>>, attempt: i64) -> Result<Receipt, SendError> {
        let message = message.ok_or_else(|| SendError::never("there is no recipient"))?;
        let answer = timeout(SEND_WITHIN, self.channels.send(message)).await;
        let answer = answer.unwrap_or_else(|_| Err(SendError::later("the channel did not answer in time")));
        if let Err(reason) = &answer {
            tracing::warn!(notification = %message.id, channel = %message.to, attempt, %reason, "message not sent");
        }
        answer
    }
}

/// Notes which attempt it was and how it ended, without a word of the reason, in which an address may stand.
fn note(span: &Span, channel: ChannelKind, attempt: i64, is_sent: bool) {
    span.set("hms.message.attempt", attempt);
    span.set("hms.message.channel", channel.to_string());
    if !is_sent {
        span.fail("not sent");
    }
}
