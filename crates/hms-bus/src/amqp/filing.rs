//! From the service's dead queue into its table of dead letters, where people read them, send them again or drop
//! them. Two ways lead into the queue: the consumer gave an event up, or the broker itself did, as when a message
//! has crashed the consumer too often. It is the safety net as well: while the database is away, letters wait there.
//!
//! A letter is acknowledged after it is in the table; a crash in between brings it again, under the same id.

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use hms_model::id::EventId;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection};

use super::letter::{ATTEMPTS, DIED_AT, REASON};
use super::topology::Names;
use super::{Fault, within};
use crate::backoff::Backoff;
use crate::context::Context;
use crate::dead_letters::{self, DeadLetter, Death, Label};

/// Letters that the broker sends ahead: they may be large, and none is urgent.
const AHEAD: u16 = 1;
/// The broker's own account of how a message died, the last time first.
const DEATHS: &str = "x-death";

pub(crate) struct Filing {
    context: Context,
    channel: Channel,
    messages: lapin::Consumer,
}

impl Filing {
    pub async fn open(context: &Context, names: &Names, connection: &Connection) -> Result<Self, Fault> {
        let channel = connection.create_channel().await?;
        channel.basic_qos(AHEAD, BasicQosOptions::default()).await?;
        let (queue, options) = (names.dead.as_str().into(), BasicConsumeOptions::default());
        let messages = channel.basic_consume(queue, "".into(), options, FieldTable::default()).await?;
        Ok(Self { context: context.clone(), channel, messages })
    }

    /// Files letters until the service stops.
    pub async fn run(mut self) -> Result<(), Fault> {
        loop {
            let message = tokio::select! {
                () = self.context.stop.told() => break,
                message = self.messages.next() => message.ok_or(Fault::Cancelled)??,
            };
            if !self.keep(read(&message, self.context.clock.now())).await {
                break;
            }
            let ack = message.ack(BasicAckOptions::default());
            within(self.context.options.confirm_within, "an acknowledgement", ack).await?;
        }
        // On the way out a refusal changes nothing: the broker takes back what is not acknowledged.
        let _ = self.channel.basic_cancel(self.messages.tag(), BasicCancelOptions::default()).await;
        Ok(())
    }

    /// As often as it takes; false when the service stops before it is done.
    async fn keep(&self, letter: DeadLetter) -> bool {
        let Context { service, database, options, stop, .. } = &self.context;
        let mut backoff = Backoff::new(options.retry_first, options.retry_most);
        loop {
            let kept = letter.clone();
            let Err(error) = database.write(move |db| dead_letters::put(db, kept)).await else { return true };
            if backoff.is_fresh() {
                tracing::error!(service, %error, event = %letter.heading.event_id, "a dead letter waits in its queue");
            }
            if !stop.pause(backoff.next()).await {
                return false;
            }
        }
    }
}

/// The letter in a message of the dead queue.
fn read(message: &Delivery, now: DateTime<Utc>) -> DeadLetter {
    let properties = &message.properties;
    let header = |name: &str| properties.headers().as_ref().and_then(|headers| headers.inner().get(name));
    let text = |value: &AMQPValue| value.as_long_string().map(ToString::to_string);
    let message_id = properties.message_id().as_ref().and_then(|id| id.as_str().parse().ok());
    let label = Label {
        // What has no id may be filed twice if we crash just here; that does no harm.
        event_id: message_id.unwrap_or_else(|| EventId::new(now)),
        kind: properties.kind().as_ref().map(ToString::to_string).unwrap_or_default(),
        subject: String::new(),
    };
    let died_at = header(DIED_AT).and_then(text).and_then(|at| at.parse().ok());
    let death = Death {
        reason: header(REASON)
            .and_then(text)
            .or_else(|| header(DEATHS).and_then(by_the_broker))
            .unwrap_or_default(),
        attempts: header(ATTEMPTS).and_then(AMQPValue::as_long_uint).map_or(0, i64::from),
        at: died_at.unwrap_or(now),
    };
    DeadLetter::new(message.data.clone(), label, death)
}

/// Why the broker gave a message up.
fn by_the_broker(deaths: &AMQPValue) -> Option<String> {
    let last = deaths.as_array()?.as_slice().first()?.as_field_table()?;
    let why = last.inner().get("reason")?.as_long_string()?;
    Some(format!("given up by RabbitMQ: {why}"))
}
