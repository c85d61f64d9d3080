//! Sends what is due: woken when there is something new, asleep until the next attempt otherwise.

mod accounts;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use hms_model::event::{MessageFacts, MessageFailed, MessageSent};
use hms_problem::Problem;
use hms_service::{Context, Stop, Work};
use hms_trace::Span;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::channel::Channels;
use crate::domain::{AccountMail, Message, Outgoing, Receipt, SEND_WITHIN, SendError, Status};
use crate::store::{messages, patients};
use crate::traces::Traces;

/// Messages that are under way at the same time.
const BATCH: i64 = 16;
/// How often to look although nobody asked: for messages of a process that died.
const SWEEP: Duration = Duration::from_secs(30);
/// How long to leave messages alone that are due but that another replica is just taking up.
const PAUSE: Duration = Duration::from_secs(1);
/// How long to leave the database alone after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The task that sends.
pub struct Sender {
    context: Context,
    channels: Arc<Channels>,
    wake: Arc<Notify>,
}

/// What one look at the database found.
struct Claim {
    messages: Vec<Message>,
    /// There may be more that is due.
    more: bool,
    /// When nothing is due now: how long that holds.
    rest: Duration,
}

impl Sender {
    /// A sender that looks again whenever `wake` tells it to.
    pub fn new(context: Context, channels: Arc<Channels>, wake: Arc<Notify>) -> Self {
        Self { context, channels, wake }
    }

    /// Sends until the service stops. What is pending then goes out after the next start.
    pub async fn run(self, stop: Stop) {
        while !stop.is_told() {
            // A failure was logged where it happened; the database comes back by itself.
            let rest = self.send_due(&stop).await.unwrap_or(AFTER_FAILURE);
            tokio::select! {
                () = stop.told() => {}
                () = self.wake.notified() => {}
                () = sleep(rest) => {}
            }
        }
    }

    /// Sends all that is due; says how long there is nothing more to do.
    async fn send_due(&self, stop: &Stop) -> Result<Duration, Problem> {
        loop {
            let (claim, own) = self.context.write(|work| Ok((claim(work)?, accounts::claim(work)?))).await?;
            let events = claim.messages.iter().map(|message| message.event_id);
            let events = events.chain(own.mails.iter().map(|mail| mail.event_id));
            let traces = Traces::of(&self.context, events.collect()).await;
            let messages = claim.messages.into_iter().map(|message| {
                let span = traces.span("send message", message.event_id);
                async move { span.run(self.attempt(message, &span)).await }
            });
            let mails = own.mails.into_iter().map(|mail| {
                let span = traces.span("send account mail", mail.event_id);
                async move { span.run(self.attempt_mail(mail, &span)).await }
            });
            let (messages, mails) = (join_all(messages), join_all(mails));
            let (messages, mails) = join(messages, mails).await;
            let idle = messages.is_empty() && mails.is_empty() && !claim.more && !own.more;
            if !messages.is_empty() || !mails.is_empty() {
                let settle = move |work: &mut Work<'_>| {
                    settle(work, messages)?;
                    accounts::settle(work, mails)
                };
                self.context.write(settle).await?;
            }
            if idle || stop.is_told() {
                let now = self.context.clock.now();
                let next = own.next.map(|due| (due - now).to_std().unwrap_or_default());
                return Ok(next.map_or(claim.rest, |next| next.clamp(PAUSE, claim.rest)));
            }
        }
    }

    async fn attempt(&self, message: Message, span: &Span) -> Message {
        let outcome = self.hand_over(message.outgoing(), message.attempts, span).await;
        message.tried(outcome, self.context.clock.now())
    }

    async fn attempt_mail(&self, mail: AccountMail, span: &Span) -> AccountMail {
        let outcome = self.hand_over(mail.outgoing(), mail.attempts, span).await;
        mail.tried(outcome, self.context.clock.now())
    }

    async fn hand_over(
        &self,
        message: Option<Outgoing<'_>>,
        attempt: i64,
        span: &Span,
    ) -> Result<Receipt, SendError> {
        let message = message.ok_or_else(|| SendError::never("there is no recipient"))?;
        span.set("hms.message.attempt", attempt);
        span.set("hms.message.channel", message.to.to_string());
        let outcome = timeout(SEND_WITHIN, self.channels.send(message)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(SendError::later("the channel did not answer in time")));
        if let Err(reason) = &outcome {
            span.fail("not sent");
            tracing::warn!(notification = %message.id, channel = %message.to, attempt, %reason, "message not sent");
        }
        outcome
    }
}

/// Takes up messages that are due, so that nobody else does while they are being sent.
fn claim(work: &mut Work<'_>) -> Result<Claim, Problem> {
    let due = messages::due(work.db, work.now, BATCH)?;
    let more = i64::try_from(due.len()).is_ok_and(|count| count == BATCH);
    let mut taken = Vec::with_capacity(due.len());
    for message in due {
        let patient = match message.letter {
            None => patients::find(work.db, message.patient_id)?,
            Some(_) => None,
        };
        let message = message.taken_up(patient.as_ref(), work.now);
        if let Some(message) = messages::save(work.db, message)? {
            tell(work, &message)?;
            taken.extend(Some(message).filter(|message| message.status == Status::Pending));
        }
    }
    let next = messages::next_due(work.db)?.and_then(|due| (due - work.now).to_std().ok());
    Ok(Claim { messages: taken, more, rest: next.unwrap_or(SWEEP).clamp(PAUSE, SWEEP) })
}

/// Writes down how the attempts ended.
fn settle(work: &mut Work<'_>, tried: Vec<Message>) -> Result<(), Problem> {
    for message in tried {
        match messages::save(work.db, message)? {
            Some(message) => tell(work, &message)?,
            // It took longer than the lease, and someone else has taken the message up: theirs counts.
            None => tracing::warn!("a message was taken up by another sender meanwhile"),
        }
    }
    Ok(())
}

fn tell(work: &mut Work<'_>, message: &Message) -> Result<(), Problem> {
    let facts = || MessageFacts {
        notification_id: message.id,
        version: message.version,
        channel: message.channel.to_string(),
        reason: message.error.clone(),
    };
    match message.status {
        Status::Sent => work.publish(&MessageSent(facts())),
        Status::Failed => work.publish(&MessageFailed(facts())),
        Status::Pending | Status::Skipped => Ok(()),
    }
}
