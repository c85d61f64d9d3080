//! Does the jobs `send_email`, `send_sms` and `send_push`. Each way has a queue for what is urgent, one for what somebody is
//! told at once and one for what goes to many, so that neither a provider that is slow nor a hundred thousand reminders stand
//! in the way of a password. A job wakes whichever replica is free; what is true is the row, which it takes up under a lease.

mod accounts;
mod attempt;
mod claim;
mod keeper;
mod settle;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::{join, join_all};
use hms_bus::{ConsumeError, Consumer, Deliveries, Delivery, GivenUp};
use hms_model::id::{EventId, NotificationId};
use hms_model::job::SendMessage;
use hms_problem::Problem;
use hms_service::{Context, Work, undone};

use crate::Desk;
use crate::channel::Channels;
use crate::domain::{Message, Status};
use crate::renewing::renew;
use crate::store::messages::{self, Queue};
use crate::traces::Traces;

pub use accounts::{ACCOUNT_MAILS, job as job_of};
pub use keeper::run as keep;
pub use settle::{facts, tell};

/// Messages of one queue that are under way at the same time.
const AT_ONCE: u16 = 16;

/// Sends the messages of one queue; clones are the same.
#[derive(Clone)]
pub struct Sender {
    context: Context,
    channels: Arc<Channels>,
    desk: Desk,
}

impl Sender {
    /// One that hands messages to these channels.
    pub fn new(context: &Context, channels: &Arc<Channels>, desk: &Desk) -> Self {
        Self { context: context.giving_way(), channels: Arc::clone(channels), desk: desk.clone() }
    }

    /// Takes the jobs of all queues.
    pub fn consume(&self, consumer: Consumer) -> Consumer {
        Queue::all().fold(consumer, |consumer, queue| {
            let (sender, desk) = (self.clone(), self.desk.clone());
            let run = move |jobs: Vec<SendMessage>| {
                let sender = sender.clone();
                async move { sender.send(queue, jobs).await.map_err(undone) }
            };
            let again = move |delivery: &mut Delivery<'_>, job| send_again(delivery, &desk, job);
            consumer.jobs((queue.name(), AT_ONCE), run, again)
        })
    }

    /// Sends what these jobs are about, as far as it is still to be sent.
    async fn send(&self, queue: Queue, jobs: Vec<SendMessage>) -> Result<Vec<GivenUp>, Problem> {
        let ids: Vec<NotificationId> = jobs.into_iter().map(|job| job.notification_id).collect();
        let desk = self.desk.clone();
        let claim = move |work: &mut Work<'_>| {
            let messages = claim::claim(work, queue, &ids, &desk)?;
            Ok::<_, Problem>((messages, accounts::claim(work, queue, &ids)?))
        };
        let (claim, own) = self.context.write(claim).await?;
        let events = claim.taken.iter().map(|taken| taken.message.cause.event_id);
        let events = events.chain(own.mails.iter().map(|mail| mail.event_id));
        let traces = Traces::of(&self.context, events.collect()).await;
        let tried = claim.taken.into_iter().map(|taken| {
            let span = traces.span("send message", taken.message.cause.event_id);
            async move { span.run(self.attempt(taken, &span)).await }
        });
        let mails = own.mails.into_iter().map(|mail| {
            let span = traces.span("send account mail", mail.event_id);
            async move { span.run(self.attempt_mail(mail, &span)).await }
        });
        let (tried, mails) = join(join_all(tried), join_all(mails)).await;
        let mut given_up = [claim.given_up, own.given_up].concat();
        if !tried.is_empty() || !mails.is_empty() {
            let settle = move |work: &mut Work<'_>| {
                Ok::<_, Problem>([settle::settle(work, tried)?, accounts::settle(work, mails)?].concat())
            };
            given_up.extend(self.context.write(settle).await?);
        }
        // What was put off is due at another time than before.
        self.desk.bells.keeper.notify_one();
        Ok(given_up)
    }
}

/// A job that is a dead letter.
fn given_up(id: NotificationId, attempts: i64, error: Option<String>) -> GivenUp {
    let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
    GivenUp { id: EventId::from_uuid(id.uuid()), reason: error.unwrap_or_default(), attempts }
}

/// Puts the job of a message into its queue, if it is due by now.
pub fn enqueue(work: &mut Work<'_>, message: &Message) -> Result<(), Problem> {
    match job(message, work.now) {
        Some((queue, job)) => work.enqueue(queue, &job),
        None => Ok(()),
    }
}

/// The same of several while the events are taken that they follow from.
pub fn enqueue_each(deliveries: &mut Deliveries<'_>, all: &[Message]) -> Result<(), ConsumeError> {
    let now = deliveries.now;
    deliveries.enqueue_each(all.iter().filter_map(|message| {
        let (queue, job) = job(message, now)?;
        Some((message.cause.event_id, queue, job))
    }))
}

fn job(message: &Message, now: DateTime<Utc>) -> Option<(&'static str, SendMessage)> {
    let is_due = message.status == Status::Pending && message.due_at <= now;
    is_due.then(|| (Queue::of(message).name(), SendMessage { notification_id: message.id }))
}

/// A dead letter is sent again: its message goes out as if somebody had asked for it to be sent again.
fn send_again(delivery: &mut Delivery<'_>, desk: &Desk, dead: SendMessage) -> Result<(), ConsumeError> {
    let found = messages::hold_all(delivery.db, &[dead.notification_id])?.pop();
    let Some(message) = found else {
        return Err(ConsumeError::Reject("address and text of a mail about an account are forgotten".into()));
    };
    if message.status != Status::Failed {
        return Ok(());
    }
    match renew(delivery.db, &desk.house, message, delivery.now)? {
        Some(message) => match job(&message, delivery.now) {
            Some((queue, job)) => delivery.enqueue(queue, &job),
            None => Ok(()),
        },
        None => Err(ConsumeError::Reject("there is nowhere to send it, or no use in it".into())),
    }
}
