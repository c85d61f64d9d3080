//! How fast events travel: the relay beside a bare loop that publishes the same messages to the same queue, and the
//! time from a commit to the effect in the consumer.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hms_bus::{Consumer, Options, Relay, RunningBus, Transport, outbox};
use hms_db::{Database, DatabaseUrl, Migrations, PoolOptions};
use hms_model::event::{DepartmentFacts, DepartmentUpdated, Envelope};
use hms_model::id::{EventId, Id};
use hms_model::{Clock, Secret};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueuePurgeOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

const PRODUCER: &str = "user";
const CONSUMER: &str = "appointment";
/// AMQP's code for "write it to disk".
const PERSISTENT: u8 = 2;
/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Events under way at the same time where as many are committed as can be.
const UNDER_WAY: usize = 64;
/// How often it is looked whether all has arrived.
const LOOK: Duration = Duration::from_millis(5);

/// Where the events travel.
#[derive(Debug, Clone)]
pub struct Road {
    /// The database with the outbox; made when it is missing.
    pub producer: DatabaseUrl,
    /// The database with the inbox; the same.
    pub consumer: DatabaseUrl,
    /// The broker.
    pub amqp: String,
    /// The first part of all names in it.
    pub prefix: String,
}

/// What was seen.
#[derive(Debug, Clone)]
pub struct Report {
    /// Events a second from the outbox to the confirm.
    pub relayed: f64,
    /// The same messages a second by the bare loop.
    pub bare: f64,
    /// Events a second from a full outbox to the effect.
    pub consumed: f64,
    /// Commits of one event each, with their effects, a second at the most.
    pub commits: f64,
    /// From commit to effect, at half of those.
    pub p50: Duration,
    /// The same.
    pub p99: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { relayed, bare, consumed, commits, p50, p99 } = self;
        let millis = |time: &Duration| time.as_secs_f64() * 1_000.0;
        write!(
            f,
            "relay_per_s={relayed:.0} bare_per_s={bare:.0} ratio={:.2} consumed_per_s={consumed:.0} \
             commits_per_s={commits:.0} effect_p50_ms={:.1} effect_p99_ms={:.1}",
            relayed / bare.max(1.0),
            millis(p50),
            millis(p99)
        )
    }
}

/// Who waits for the effect of which event.
type Awaited = Arc<Mutex<HashMap<EventId, Arc<Notify>>>>;

/// Sends so many events each way, and then measures the time of single ones for so long.
pub async fn measure(road: &Road, events: usize, measured: Duration) -> anyhow::Result<Report> {
    let producer = database(&road.producer).await?;
    let consumer = database(&road.consumer).await?;
    let connection = Connection::connect(&road.amqp, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let queue = format!("{}.{CONSUMER}", road.prefix);

    // Once for the queues, and to warm up.
    relayed(road, &producer, events / 10).await?;
    let bodies = bodies(events / 10)?;
    bare(road, &channel, &bodies).await?;
    channel.queue_purge(queue.as_str().into(), QueuePurgeOptions::default()).await?;

    let relayed = relayed(road, &producer, events).await?;
    channel.queue_purge(queue.as_str().into(), QueuePurgeOptions::default()).await?;
    let bodies = self::bodies(events)?;
    let bare = bare(road, &channel, &bodies).await?;
    channel.queue_purge(queue.as_str().into(), QueuePurgeOptions::default()).await?;
    connection.close(200, "done".into()).await?;

    let awaited = Awaited::default();
    let sending = start(PRODUCER, road, &producer, Consumer::new(PRODUCER));
    let taking = start(CONSUMER, road, &consumer, noticing(&awaited));
    let consumed = consumed(&producer, &sending, &taking, events).await?;
    let commits = at_most(&producer, &sending, &awaited, measured).await?;
    let mut times = at_rate(&producer, &sending, &awaited, commits / 2.0, measured).await?;
    sending.stop().await;
    taking.stop().await;
    times.sort_unstable();
    let rank = |part: usize| times.get(times.len() * part / 100).copied().context("no event had an effect");
    Ok(Report { relayed, bare, consumed, commits, p50: rank(50)?, p99: rank(99)? })
}

async fn database(url: &DatabaseUrl) -> anyhow::Result<Database> {
    let database = Database::new(url.clone(), PoolOptions::default());
    database.migrate(&Migrations::new().and(hms_bus::MIGRATIONS)).await?;
    Ok(database)
}

fn start(service: &'static str, road: &Road, database: &Database, consumer: Consumer) -> RunningBus {
    let transport = Transport::Amqp { url: Secret::new(road.amqp.clone()), prefix: road.prefix.clone() };
    let subscriptions = vec![(CONSUMER, vec!["department.updated"])];
    let options = Options { subscriptions, ..Options::default() };
    hms_bus::start(service, database.clone(), Clock::system(), transport, consumer, Relay::default(), options)
}

/// The effect is the row in the inbox; whoever waits is told when it is committed.
fn noticing(awaited: &Awaited) -> Consumer {
    let awaited = Arc::clone(awaited);
    Consumer::new(CONSUMER).on(move |delivery, _: DepartmentUpdated| {
        if let Some(notify) = awaited.lock().get(&delivery.envelope.id).cloned() {
            delivery.wake_after_commit(&notify);
        }
        Ok(())
    })
}

fn event() -> anyhow::Result<Envelope> {
    let now = Clock::system().now();
    let name = "Radiology".repeat(30);
    let facts = DepartmentFacts { department_id: Id::new(now), version: 1, name, active: true };
    Ok(Envelope::of(PRODUCER, &DepartmentUpdated(facts), Id::new(now), now)?)
}

fn bodies(count: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    (0..count).map(|_| Ok(serde_json::to_vec(&event()?)?)).collect()
}

async fn fill(producer: &Database, count: usize) -> anyhow::Result<()> {
    let events = (0..count).map(|_| event()).collect::<anyhow::Result<Vec<_>>>()?;
    producer.write(move |db| outbox::append(db, &events)).await?;
    Ok(())
}

/// The relay alone, from a full outbox to an empty one.
async fn relayed(road: &Road, producer: &Database, count: usize) -> anyhow::Result<f64> {
    fill(producer, count).await?;
    let begun = Instant::now();
    let bus = start(PRODUCER, road, producer, Consumer::new(PRODUCER));
    let mut first = None;
    let all = async {
        loop {
            let published = usize::try_from(bus.numbers().published).unwrap_or(usize::MAX);
            // From the first batch on: the connection and the queues are not what is measured.
            let (since, before) = *first.get_or_insert((begun, 0));
            if published > 0 && before == 0 {
                first = Some((Instant::now(), published));
            } else if published >= count {
                return per_second(published - before, since);
            }
            sleep(LOOK).await;
        }
    };
    let rate = timeout(PATIENCE, all).await.context("the relay did not come to its end")?;
    bus.stop().await;
    Ok(rate)
}

/// Publishes as the relay does, a batch at a time, and does nothing else.
async fn bare(road: &Road, channel: &Channel, bodies: &[Vec<u8>]) -> anyhow::Result<f64> {
    let exchange = format!("{}.events", road.prefix);
    let size = usize::try_from(Options::default().batch)?;
    let begun = Instant::now();
    for batch in bodies.chunks(size) {
        let mut confirms = Vec::with_capacity(batch.len());
        for body in batch {
            let options = BasicPublishOptions { mandatory: true, ..Default::default() };
            let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
            let (exchange, key) = (exchange.as_str().into(), "department.updated".into());
            confirms.push(channel.basic_publish(exchange, key, options, body, properties).await?);
        }
        for confirm in confirms {
            ensure!(matches!(confirm.await?, Confirmation::Ack(None)), "the broker refused a message");
        }
    }
    Ok(per_second(bodies.len(), begun))
}

/// From the outbox to the effect, as fast as it goes.
async fn consumed(
    producer: &Database,
    sending: &RunningBus,
    taking: &RunningBus,
    count: usize,
) -> anyhow::Result<f64> {
    let begun = Instant::now();
    fill(producer, count).await?;
    sending.relay().wake();
    let all = async {
        while usize::try_from(taking.numbers().consumed).unwrap_or(0) < count {
            sleep(LOOK).await;
        }
        per_second(count, begun)
    };
    timeout(PATIENCE, all).await.context("the events did not arrive")
}

/// Commits single events as fast as their effects follow.
async fn at_most(
    producer: &Database,
    sending: &RunningBus,
    awaited: &Awaited,
    measured: Duration,
) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let commit = async || {
        let mut count = 0;
        while begun.elapsed() < measured {
            one(producer.clone(), sending.relay(), Arc::clone(awaited)).await?;
            count += 1;
        }
        Ok::<usize, anyhow::Error>(count)
    };
    let all = futures_util::future::try_join_all((0..UNDER_WAY).map(|_| commit()));
    let counts = timeout(PATIENCE, all).await.context("an event did not arrive")??;
    Ok(per_second(counts.into_iter().sum(), begun))
}

/// Commits single events at a steady rate; gives the time from each commit to its effect.
async fn at_rate(
    producer: &Database,
    sending: &RunningBus,
    awaited: &Awaited,
    rate: f64,
    measured: Duration,
) -> anyhow::Result<Vec<Duration>> {
    // A timer is no finer than this: several events at each tick where more are wanted.
    let tick = Duration::from_millis(2);
    let mut ticks = interval(tick);
    let (begun, mut sent) = (Instant::now(), 0.0);
    let mut under_way = JoinSet::new();
    while begun.elapsed() < measured {
        ticks.tick().await;
        while sent < begun.elapsed().as_secs_f64() * rate {
            sent += 1.0;
            under_way.spawn(one(producer.clone(), sending.relay(), Arc::clone(awaited)));
        }
    }
    let mut times = Vec::new();
    while let Some(time) =
        timeout(PATIENCE, under_way.join_next()).await.context("an event did not arrive")?
    {
        times.push(time??);
    }
    Ok(times)
}

async fn one(producer: Database, relay: Relay, awaited: Awaited) -> anyhow::Result<Duration> {
    let event = event()?;
    let (id, effect) = (event.id, Arc::new(Notify::new()));
    awaited.lock().insert(id, Arc::clone(&effect));
    producer.write_at_once(move |db| outbox::append(db, std::slice::from_ref(&event))).await?;
    let committed = Instant::now();
    relay.wake();
    effect.notified().await;
    awaited.lock().remove(&id);
    Ok(committed.elapsed())
}

fn per_second(count: usize, since: Instant) -> f64 {
    u32::try_from(count).map_or(0.0, f64::from) / since.elapsed().as_secs_f64()
}
