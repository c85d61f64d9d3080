//! Sends what is due. Each way has a task for what is urgent and one for the rest, so that neither a provider that is slow
//! nor a hundred thousand reminders stand in the way of a password. The rows are the queue: they are written with what
//! caused them, taken up under a lease, and shared by all replicas.

mod accounts;
mod attempt;
mod claim;
mod settle;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use hms_problem::Problem;
use hms_service::{Context, Stop, Work};
use tokio::time::sleep;

use crate::Desk;
use crate::channel::Channels;
use crate::domain::ChannelKind;
use crate::store::messages::Queue;
use crate::traces::Traces;

pub use settle::{facts, tell};

/// Messages of one queue that are under way at the same time.
const BATCH: i64 = 16;
/// How often to look although nobody asked: for messages of a process that died.
const SWEEP: Duration = Duration::from_secs(30);
/// How long to leave messages alone that are due but that another replica is just taking up.
const PAUSE: Duration = Duration::from_secs(1);
/// How long to leave the database alone after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The task that sends one queue.
pub struct Sender {
    context: Context,
    channels: Arc<Channels>,
    desk: Desk,
    queue: Queue,
}

impl Sender {
    /// Starts the tasks of all queues.
    pub fn start(context: &Context, channels: &Arc<Channels>, desk: &Desk) {
        for queue in Queue::all() {
            let (context, channels, desk) = (context.clone(), Arc::clone(channels), desk.clone());
            let (tasks, sender) = (context.tasks.clone(), Self { context, channels, desk, queue });
            tasks.spawn(|stop| sender.run(stop));
        }
    }

    /// Sends until the service stops. What is pending then goes out after the next start.
    async fn run(self, stop: Stop) {
        let Some(bell) = self.desk.bells.of(self.queue).cloned() else { return };
        while !stop.is_told() {
            // A failure was logged where it happened; the database comes back by itself.
            let rest = self.send_due(&stop).await.unwrap_or(AFTER_FAILURE);
            tokio::select! {
                () = stop.told() => {}
                () = bell.notified() => {}
                () = sleep(rest) => {}
            }
        }
    }

    /// Whether the mails about accounts stand in this queue.
    fn has_accounts(&self) -> bool {
        self.queue == Queue { channel: ChannelKind::Email, urgent: true }
    }

    /// Sends all that is due; says how long there is nothing more to do.
    async fn send_due(&self, stop: &Stop) -> Result<Duration, Problem> {
        loop {
            let (desk, queue, has_accounts) = (self.desk.clone(), self.queue, self.has_accounts());
            let claim = move |work: &mut Work<'_>| {
                let own = if has_accounts { accounts::claim(work)? } else { accounts::Claim::default() };
                Ok::<_, Problem>((claim::claim(work, queue, &desk)?, own))
            };
            let (claim, own) = self.context.write(claim).await?;
            self.desk.bells.ring_for(&claim.others);
            let events = claim.taken.iter().map(|taken| taken.message.cause.event_id);
            let events = events.chain(own.mails.iter().map(|mail| mail.event_id));
            let traces = Traces::of(&self.context, events.collect()).await;
            let messages = claim.taken.into_iter().map(|taken| {
                let span = traces.span("send message", taken.message.cause.event_id);
                async move { span.run(self.attempt(taken, &span)).await }
            });
            let mails = own.mails.into_iter().map(|mail| {
                let span = traces.span("send account mail", mail.event_id);
                async move { span.run(self.attempt_mail(mail, &span)).await }
            });
            let (messages, mails) = join(join_all(messages), join_all(mails)).await;
            let is_idle = messages.is_empty() && mails.is_empty() && !claim.more && !own.more;
            if !messages.is_empty() || !mails.is_empty() {
                let settle = move |work: &mut Work<'_>| {
                    settle::settle(work, messages)?;
                    accounts::settle(work, mails)
                };
                self.context.write(settle).await?;
            }
            if is_idle || stop.is_told() {
                let now = self.context.clock.now();
                let next = own.next.into_iter().chain(claim.next).min();
                let rest = next.and_then(|due| (due - now).to_std().ok()).unwrap_or(SWEEP);
                return Ok(rest.clamp(PAUSE, SWEEP));
            }
        }
    }
}
