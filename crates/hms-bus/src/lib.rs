//! Events between services: the outbox that they are written to in the transaction of the change, the relay that
//! hands them over, the inbox that makes a second delivery do nothing, the consumers, the retries, the dead
//! letters. Over RabbitMQ between processes, or within one process; the promises are the same:
//!
//! - nothing is published that did not commit, and all that committed is published, whatever is killed when;
//! - an event may be delivered twice, its effect is there once: inbox, effect and what the handler publishes are
//!   one transaction;
//! - the events of one aggregate are published in the order of their commits (see [`outbox`]) and taken in that
//!   order, also when one of them has to be tried again. Where a crash or a dead letter breaks the order at the
//!   consumer, the envelope's `aggregateversion` tells the older from the newer;
//! - what cannot be taken is kept, with the reason, and does not stop the rest.

mod amqp;
pub mod asyncapi;
mod backoff;
mod board;
mod consumer;
mod context;
pub mod dead_letters;
mod delivery;
mod engine;
mod fail_point;
mod in_process;
mod inbox;
pub mod jobs;
mod keeper;
pub mod outbox;
mod redrive;
mod schema;
mod trace;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_db::{Database, Db};
use hms_model::event::{Envelope, consumed_by};
use hms_model::id::EventId;
use hms_model::service::SERVICES;
use hms_model::{Clock, Secret};
use hms_trace::Tracer;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

pub use board::{BusHealth, BusNumbers, BusState};
pub use consumer::{ConsumeError, Consumer};
pub use context::Relay;
pub use delivery::{AfterCommit, Deliveries, Delivery};
pub use fail_point::FailPoint;
pub use in_process::InProcess;
pub use inbox::traces_of;
pub use jobs::{GivenUp, JobNumbers, Waiting};
pub use redrive::Redriven;

use amqp::{Broker, Receiver, Sender};
use board::{Board, Half};
use context::{Context, Stop};
use engine::Engine;
use in_process::{Dispatcher, Worker};

/// The tables of the bus, for the database of every service.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/bus");

/// How events travel.
#[derive(Clone)]
pub enum Transport {
    /// Within this process.
    InProcess(InProcess),
    /// Over RabbitMQ 3.10 or later.
    Amqp {
        /// `amqp://user:password@host:port/vhost`, or `amqps://`.
        url: Secret,
        /// The first part of every name in the broker: `hms`.
        prefix: String,
    },
    /// Not at all: a service that runs alone without a broker. Events wait in the outbox, and health says so.
    None,
}

/// The limits of a bus. The defaults are for production; tests make the waits short.
#[derive(Debug, Clone)]
pub struct Options {
    /// Events that the relay hands over at a time.
    pub batch: i64,
    /// Events that a consumer takes in one transaction, and that the broker sends ahead.
    pub prefetch: u16,
    /// How long to wait for company after a batch that was not full: while many write, several events cost hardly more
    /// than one. An event after a rest waits for nothing. RabbitMQ only.
    pub linger: Duration,
    /// How often an event is tried before it is a dead letter.
    pub attempts: u32,
    /// The wait after the first failure; each further one doubles it.
    pub retry_first: Duration,
    /// The longest of those waits.
    pub retry_most: Duration,
    /// How often to look at the outbox although nobody asked: for events of a process that died after its commit.
    pub sweep: Duration,
    /// How long the broker may take to confirm a batch.
    pub confirm_within: Duration,
    /// How long the inbox remembers an event: longer than any message may take.
    pub keep_inbox: Duration,
    /// How long a stop may take.
    pub drain: Duration,
    /// The services whose queues a producer makes before it publishes anything, with the types they consume. By
    /// default what the registry of events says.
    pub subscriptions: Vec<(&'static str, Vec<&'static str>)>,
    /// Where the process shall end when it comes by: for crash tests, and nowhere by default.
    pub fail_at: Option<FailPoint>,
    /// Traces what is published and consumed; off by default.
    pub tracer: Tracer,
    /// Is told how late events have their effect; nobody by default.
    pub lag: LagObserver,
    /// Where it is noted how many jobs wait.
    pub waiting: Waiting,
}

/// Is told of each event whose effect has just been committed how many seconds lie between its change and that.
#[derive(Clone, Default)]
pub struct LagObserver(Option<Arc<dyn Fn(f64) + Send + Sync>>);

impl LagObserver {
    /// One that calls `f`, which must not take long.
    pub fn new(f: impl Fn(f64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(f)))
    }

    pub(crate) fn observe(&self, lag: TimeDelta) {
        if let Some(f) = &self.0 {
            // The clock of who published may be ahead of ours.
            f(lag.to_std().unwrap_or_default().as_secs_f64());
        }
    }
}

impl std::fmt::Debug for LagObserver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LagObserver").field(&self.0.is_some()).finish()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch: 100,
            prefetch: 32,
            linger: Duration::from_millis(2),
            attempts: 5,
            retry_first: Duration::from_millis(100),
            retry_most: Duration::from_secs(10),
            sweep: Duration::from_secs(5),
            confirm_within: Duration::from_secs(10),
            keep_inbox: Duration::from_secs(7 * 24 * 60 * 60),
            drain: Duration::from_secs(10),
            subscriptions: SERVICES.iter().map(|service| (service.name, consumed_by(service.name))).collect(),
            fail_at: None,
            tracer: Tracer::default(),
            lag: LagObserver::default(),
            waiting: Waiting::default(),
        }
    }
}

/// The bus of one service while it runs. Dropping it ends it without waiting.
pub struct RunningBus {
    relay: Relay,
    board: Arc<Board>,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    drain: Duration,
    engine: Engine,
}

/// Starts the bus of a service, inside a tokio runtime. It connects in the background and comes back by itself
/// from whatever is away; the database must have the tables of [`MIGRATIONS`] by the time events are written.
/// `relay` is what the units of work wake after their commits.
pub fn start(
    service: &'static str,
    database: Database,
    clock: Clock,
    transport: Transport,
    consumer: Consumer,
    relay: Relay,
    options: Options,
) -> RunningBus {
    let (stop, told) = Stop::new();
    let board = Arc::<Board>::default();
    let drain = options.drain;
    let context = Context {
        service,
        system: if matches!(transport, Transport::Amqp { .. }) { "rabbitmq" } else { "in_process" },
        database,
        clock,
        options: Arc::new(options),
        board: Arc::clone(&board),
        relay: relay.clone(),
        stop: told,
    };
    // Those who wait for an answer come before those whose events wait.
    let behind = Context { database: context.database.giving_way(), ..context.clone() };
    let engine = Engine::new(behind, consumer);
    let mut tasks = vec![tokio::spawn(keeper::run(context.clone(), engine.consumes()))];
    match transport {
        Transport::InProcess(hub) => tasks.extend(start_in_process(context, hub, &engine)),
        Transport::Amqp { url, prefix } => tasks.extend(start_amqp(context, Broker { url, prefix }, &engine)),
        Transport::None => {
            board.waiting(Half::Relay, "AMQP_URL is not set, events wait in the outbox".into());
            tasks.extend(start_jobs(&context, &engine));
        }
    }
    RunningBus { relay, board, stop, tasks: Mutex::new(tasks), drain, engine }
}

fn start_in_process(context: Context, hub: InProcess, engine: &Engine) -> Vec<JoinHandle<()>> {
    let mut tasks: Vec<_> = start_jobs(&context, engine).into_iter().collect();
    let mut subscriber = None;
    if engine.consumes() {
        let (worker, subscribed) = Worker::new(context.clone(), engine.clone());
        tasks.push(tokio::spawn(worker.run()));
        subscriber = Some(subscribed);
    }
    hub.join(context.service, subscriber);
    tasks.push(tokio::spawn(Dispatcher::new(context, hub).run()));
    tasks
}

/// Where there is no broker, or nothing but this process behind it, jobs are done from their table.
fn start_jobs(context: &Context, engine: &Engine) -> Option<JoinHandle<()>> {
    let runners = engine.runners();
    (!runners.is_empty()).then(|| tokio::spawn(in_process::Workers::new(context.clone(), runners).run()))
}

fn start_amqp(context: Context, broker: Broker, engine: &Engine) -> Vec<JoinHandle<()>> {
    let runners = engine.runners();
    let queues = runners.iter().map(|runner| runner.queue).collect();
    let mut tasks = vec![tokio::spawn(Sender::new(context.clone(), broker.clone(), queues).run())];
    // It files dead letters too, and jobs have those as well.
    let receives = engine.consumes() || !runners.is_empty();
    if !runners.is_empty() {
        tasks.push(tokio::spawn(amqp::Workers::new(context.clone(), broker.clone(), runners).run()));
    }
    if receives {
        tasks.push(tokio::spawn(Receiver::new(context, broker, engine.clone()).run()));
    }
    tasks
}

impl RunningBus {
    /// Whether the service consumes anything.
    pub fn consumes(&self) -> bool {
        self.engine.consumes()
    }

    /// The handle that wakes the relay, for the units of work.
    pub fn relay(&self) -> Relay {
        self.relay.clone()
    }

    /// How it is.
    pub fn health(&self) -> BusHealth {
        self.board.health(!self.tasks.lock().iter().any(JoinHandle::is_finished))
    }

    /// Takes one event past the transport, once, as a delivery of it would: for tests. Says why it was not taken.
    pub async fn deliver(&self, envelope: Envelope) -> Result<(), ConsumeError> {
        self.deliver_batch(vec![envelope]).await
    }

    /// The same of several that have come together, in their order: all of them are taken or none is.
    pub async fn deliver_batch(&self, envelopes: Vec<Envelope>) -> Result<(), ConsumeError> {
        self.engine.take_now(envelopes).await
    }

    /// Sends a dead letter again, as a part of the transaction that is open: its effect and its end are one.
    pub fn redrive(&self, db: &mut Db, id: EventId) -> hms_db::Result<(dead_letters::Heading, Redriven)> {
        redrive::redrive(&self.engine, db, id)
    }

    /// Does what a redelivery left to do after its commit.
    pub fn after_commit(&self, after: AfterCommit) {
        self.engine.after_commit(after);
    }

    /// What became of the jobs so far, by queue.
    pub fn jobs(&self) -> BTreeMap<&'static str, JobNumbers> {
        self.board.jobs()
    }

    /// What it has done so far.
    pub fn numbers(&self) -> BusNumbers {
        self.board.numbers()
    }

    /// Hands over what is in the outbox and finishes what is in hand, as far as that goes within the time for a
    /// stop. The rest is where it was: in the outbox and in the broker.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let deadline = Instant::now() + self.drain;
        let mut tasks = Abandoned(std::mem::take(&mut *self.tasks.lock()));
        for task in &mut tasks.0 {
            // One that takes too long is ended by the drop.
            let _ = timeout_at(deadline, task).await;
        }
    }
}

impl Drop for RunningBus {
    fn drop(&mut self) {
        drop(Abandoned(std::mem::take(self.tasks.get_mut())));
    }
}

/// Tasks that end when nobody waits for them any more.
struct Abandoned(Vec<JoinHandle<()>>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}
