//! What we have in the broker. All of it is durable and declared at each start: declaring what is there already
//! changes nothing, and what is there with other arguments is a fault with its name.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{Channel, ErrorKind, ExchangeKind};

use super::Fault;

/// AMQP's code for "it exists, and differs".
const PRECONDITION_FAILED: u16 = 406;

/// Deliveries of one message that ended without an answer, such as by a crash of the consumer. The broker then
/// takes it to be what crashes us, and puts it to the dead letters.
const CRASHES: i64 = 20;

/// The same for the dead queue, behind which there is none: what is in it must never be given up. Without a number
/// RabbitMQ 4 takes 20; it has no word for "no limit" that 3.10 knows too.
const NEVER: i64 = 1 << 40;

/// The exchange of all events.
pub(crate) fn events_exchange(prefix: &str) -> String {
    format!("{prefix}.events")
}

/// The name of a queue of jobs.
pub(crate) fn work_queue(prefix: &str, queue: &str) -> String {
    format!("{prefix}.{queue}")
}

/// The names of a service's things in the broker.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// All events of the platform, by type: `hms.events`.
    pub events: String,
    /// What nobody could take, by service: `hms.dead`.
    pub dead_exchange: String,
    /// What the service consumes: `hms.user`.
    pub queue: String,
    /// What it tries again later: `hms.user.retry`.
    pub retry: String,
    /// What it gave up, on the way to its table of dead letters: `hms.user.dead`.
    pub dead: String,
    /// The routing key to that.
    pub service: &'static str,
    prefix: String,
}

impl Names {
    pub fn new(prefix: &str, service: &'static str) -> Self {
        Self {
            events: events_exchange(prefix),
            dead_exchange: format!("{prefix}.dead"),
            queue: format!("{prefix}.{service}"),
            retry: format!("{prefix}.{service}.retry"),
            dead: format!("{prefix}.{service}.dead"),
            service,
            prefix: prefix.to_owned(),
        }
    }

    /// A queue of jobs: `hms.jobs.send_email`.
    pub fn work_queue(&self, queue: &str) -> String {
        work_queue(&self.prefix, queue)
    }

    /// What a relay needs.
    pub async fn declare_events(&self, channel: &Channel) -> Result<(), Fault> {
        exchange(channel, &self.events, ExchangeKind::Topic).await
    }

    /// What a consumer needs: its queue bound for exactly its types, and the two that stand behind it.
    pub async fn declare_queues(&self, channel: &Channel, kinds: &[&'static str]) -> Result<(), Fault> {
        self.declare_events(channel).await?;
        self.declare_dead(channel).await?;
        queue(channel, &self.queue, &self.queue_arguments()).await?;
        queue(channel, &self.retry, &dead_lettering("", &self.queue)).await?;
        for kind in kinds {
            bind(channel, &self.queue, &self.events, kind).await?;
        }
        Ok(())
    }

    /// What both those who make jobs and those who do them need; says how many jobs wait in each.
    pub async fn declare_work_queues(
        &self,
        channel: &Channel,
        queues: &[&'static str],
    ) -> Result<Vec<(&'static str, u32)>, Fault> {
        self.declare_dead(channel).await?;
        let mut waiting = Vec::with_capacity(queues.len());
        for name in queues {
            let mut arguments = dead_lettering(&self.dead_exchange, self.service);
            arguments.push(("x-delivery-limit", AMQPValue::LongLongInt(CRASHES)));
            waiting.push((*name, queue(channel, &self.work_queue(name), &arguments).await?));
        }
        Ok(waiting)
    }

    async fn declare_dead(&self, channel: &Channel) -> Result<(), Fault> {
        exchange(channel, &self.dead_exchange, ExchangeKind::Direct).await?;
        queue(channel, &self.dead, &[("x-delivery-limit", AMQPValue::LongLongInt(NEVER))]).await?;
        bind(channel, &self.dead, &self.dead_exchange, self.service).await
    }

    /// One active consumer at a time keeps the order of the queue; another replica takes over when it goes.
    fn queue_arguments(&self) -> Vec<(&'static str, AMQPValue)> {
        let mut arguments = dead_lettering(&self.dead_exchange, self.service);
        arguments.push(("x-single-active-consumer", AMQPValue::Boolean(true)));
        arguments.push(("x-delivery-limit", AMQPValue::LongLongInt(CRASHES)));
        arguments
    }
}

/// At-least-once dead-lettering: the message leaves this queue when the other one has confirmed it. It asks for
/// quorum queues that refuse rather than drop.
fn dead_lettering(exchange: &str, key: &str) -> Vec<(&'static str, AMQPValue)> {
    vec![
        ("x-dead-letter-exchange", text(exchange)),
        ("x-dead-letter-routing-key", text(key)),
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
    ]
}

async fn exchange(channel: &Channel, name: &str, kind: ExchangeKind) -> Result<(), Fault> {
    let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
    let declared = channel.exchange_declare(name.into(), kind, options, FieldTable::default()).await;
    declared.map_err(|error| clash(error, name))
}

/// Says how many messages wait in it.
async fn queue(channel: &Channel, name: &str, arguments: &[(&'static str, AMQPValue)]) -> Result<u32, Fault> {
    let mut table = FieldTable::default();
    table.insert("x-queue-type".into(), text("quorum"));
    for (key, value) in arguments {
        table.insert(ShortString::from(*key), value.clone());
    }
    let declared = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), table).await;
    declared.map(|queue| queue.message_count()).map_err(|error| clash(error, name))
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), Fault> {
    let options = QueueBindOptions::default();
    channel.queue_bind(queue.into(), exchange.into(), key.into(), options, FieldTable::default()).await?;
    Ok(())
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}

fn clash(error: lapin::Error, name: &str) -> Fault {
    match error.kind() {
        ErrorKind::ProtocolError(refusal) if refusal.get_id() == PRECONDITION_FAILED => {
            Fault::Clash(name.to_owned())
        }
        _ => Fault::Broker(error),
    }
}
