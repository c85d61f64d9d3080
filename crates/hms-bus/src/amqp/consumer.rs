//! The consumer on RabbitMQ: from the service's queue into its database.
//!
//! A message is acknowledged after its effect is committed; a crash in between brings it again, and the inbox
//! knows it. What fails goes to the retry queue, whose messages come back when their time is up; what is given
//! up goes to the dead queue with the reason, and from there into the table (see `filing`). Either way the message
//! is acknowledged here only when the broker has confirmed it there.

use std::sync::Arc;
use std::time::Duration;

use hms_model::event::Envelope;
use lapin::Connection;
use lapin::message::Delivery;
use tokio::time::Instant;

use super::filing::Filing;
use super::letter::{self, Fate};
use super::line::Lines;
use super::publisher::Publisher;
use super::subscription::{self, Subscription};
use super::topology::Names;
use super::{Broker, Fault, HANDSHAKE, Outages, close, connect, within};
use crate::backoff::{self, Backoff};
use crate::board::{Half, add};
use crate::context::Context;
use crate::engine::{Engine, Verdict};
use crate::redrive::unreadable;

/// How long after its time a message of the retry queue is awaited before the later ones of its aggregate go on
/// without it.
const OVERDUE: Duration = Duration::from_secs(60);

pub(crate) struct Receiver {
    context: Context,
    broker: Broker,
    names: Names,
    engine: Engine,
}

/// One connection to the broker, from its beginning to its end.
struct Session<'a> {
    receiver: &'a Receiver,
    publisher: Publisher,
    lines: Lines,
}

/// A message that can be read.
struct Message {
    delivery: Delivery,
    envelope: Arc<Envelope>,
    /// Attempts that failed before this one.
    failures: u32,
}

impl Receiver {
    pub fn new(context: Context, broker: Broker, engine: Engine) -> Self {
        let names = Names::new(&broker.prefix, context.service);
        Self { context, broker, names, engine }
    }

    pub async fn run(self) {
        let mut outages = Outages::new(&self.context, Half::Consumer);
        while let Err(fault) = self.session(&mut outages).await
            && outages.wait(fault).await
        {}
    }

    async fn session(&self, outages: &mut Outages) -> Result<(), Fault> {
        let connection = connect(&self.broker, format!("hms-{} consumer", self.context.service)).await?;
        let (publisher, mut subscription, filing) =
            within(HANDSHAKE, "what the consumer needs", self.set_up(&connection)).await?;
        self.context.board.up(Half::Consumer);
        let mut session = Session { receiver: self, publisher, lines: Lines::default() };
        let ended = tokio::try_join!(session.consume(&mut subscription, outages), filing.run());
        close(&connection).await;
        // Not before: one that goes out of use while its channel is open is cancelled.
        drop(subscription);
        ended.map(drop)
    }

    async fn set_up(&self, connection: &Connection) -> Result<(Publisher, Subscription, Filing), Fault> {
        let Self { context, names, engine, .. } = self;
        let publisher = Publisher::open(connection, context.options.confirm_within).await?;
        names.declare_queues(&publisher.channel, &engine.kinds()).await?;
        let subscription = Subscription::open(connection, &names.queue, context.options.prefetch).await?;
        let filing = Filing::open(context, names, connection).await?;
        Ok((publisher, subscription, filing))
    }
}

impl Session<'_> {
    /// Takes messages until the service stops. What was prefetched and not taken goes back to the queue.
    async fn consume(&mut self, subscription: &mut Subscription, outages: &mut Outages) -> Result<(), Fault> {
        let Receiver { context, engine, .. } = self.receiver;
        while let Some(batch) = subscription.batch(&context.stop).await? {
            let full = batch.len() == usize::from(context.options.prefetch);
            if !self.take(batch).await? {
                break;
            }
            outages.over();
            if !full && !context.stop.pause(engine.linger()).await {
                break;
            }
        }
        subscription.end().await;
        Ok(())
    }

    /// Takes a batch; false when the service stops before it could be taken.
    async fn take(&mut self, batch: Vec<Delivery>) -> Result<bool, Fault> {
        let mut fates = Vec::new();
        let mut ready = Vec::new();
        for delivery in batch {
            let envelope = match read(&delivery) {
                Ok(envelope) => Arc::new(envelope),
                Err(reason) => {
                    fates.push(self.bury(delivery, None, reason, 1));
                    continue;
                }
            };
            let waits = self.lines.must_wait(&envelope.subject, envelope.id, Instant::now());
            let failures = letter::failures(&delivery);
            let message = Message { delivery, envelope, failures };
            if waits { fates.push(self.behind(message)) } else { ready.push(message) }
        }
        let Some(verdicts) = self.verdicts(&ready).await else { return Ok(false) };
        for (message, verdict) in ready.into_iter().zip(verdicts) {
            fates.push(self.judge(message, verdict));
        }
        let Receiver { context, names, .. } = self.receiver;
        subscription::settle(names, &self.publisher, fates, context.options.confirm_within).await?;
        Ok(true)
    }

    /// Lets the handlers work, as often as it takes while the database is away: the messages stay ours, and no
    /// attempt is counted. `None` when the service stops meanwhile.
    async fn verdicts(&self, ready: &[Message]) -> Option<Vec<Verdict>> {
        let Receiver { context, engine, .. } = self.receiver;
        let envelopes: Vec<_> = ready.iter().map(|message| Arc::clone(&message.envelope)).collect();
        let mut backoff = Backoff::new(context.options.retry_first, context.options.retry_most);
        loop {
            match engine.take(&envelopes).await {
                Ok(verdicts) => {
                    context.board.up(Half::Consumer);
                    return Some(verdicts);
                }
                Err(error) => {
                    if backoff.is_fresh() {
                        tracing::warn!(service = context.service, %error, "events wait for the database");
                    }
                    context.board.waiting(Half::Consumer, "the database is away".into());
                    if !context.stop.pause(backoff.next()).await {
                        return None;
                    }
                }
            }
        }
    }

    fn judge(&mut self, message: Message, verdict: Verdict) -> (Delivery, Fate) {
        let Context { options, board, .. } = &self.receiver.context;
        let Message { delivery, envelope, failures } = message;
        let failures_now = failures.saturating_add(1);
        match verdict {
            Verdict::Done => {
                add(&board.consumed, 1);
                self.lines.leave(&envelope.subject, envelope.id);
                (delivery, Fate::Done)
            }
            Verdict::Behind => self.behind(Message { delivery, envelope, failures }),
            Verdict::Retry(reason) if failures_now < options.attempts => {
                add(&board.retried, 1);
                let after = backoff::after(options.retry_first, options.retry_most, failures_now);
                self.lines.join(&envelope.subject, envelope.id, Instant::now() + after + OVERDUE);
                (delivery, Fate::Again { after, failures: failures_now, reason: Some(reason) })
            }
            Verdict::Retry(reason) | Verdict::Dead(reason) => {
                self.bury(delivery, Some(&envelope), reason, failures_now)
            }
        }
    }

    /// To the retry queue, behind the one that failed. No attempt is counted.
    fn behind(&mut self, message: Message) -> (Delivery, Fate) {
        let options = &self.receiver.context.options;
        let Message { delivery, envelope, failures } = message;
        let after = options.retry_first;
        self.lines.join(&envelope.subject, envelope.id, Instant::now() + after + OVERDUE);
        (delivery, Fate::Again { after, failures, reason: None })
    }

    fn bury(
        &mut self,
        delivery: Delivery,
        envelope: Option<&Envelope>,
        reason: String,
        failures: u32,
    ) -> (Delivery, Fate) {
        let context = &self.receiver.context;
        tracing::error!(
            service = context.service,
            event = envelope.map(|envelope| envelope.id.to_string()),
            kind = envelope.map(|envelope| envelope.kind.as_str()),
            attempts = failures,
            "an event is a dead letter now"
        );
        if let Some(envelope) = envelope {
            self.lines.leave(&envelope.subject, envelope.id);
        }
        add(&context.board.dead, 1);
        (delivery, Fate::Dead { failures, reason, at: context.clock.now() })
    }
}

/// The event in a message, or the job; or why there is none.
pub(super) fn read(delivery: &Delivery) -> Result<Envelope, String> {
    let read = serde_json::from_slice::<Envelope>(&delivery.data);
    let envelope = read.map_err(|error| unreadable(error).reason())?;
    let traceparent = letter::traceparent(delivery).or(envelope.traceparent);
    Ok(Envelope { traceparent, ..envelope })
}
