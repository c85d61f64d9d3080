//! What the stories share: a small platform of services with a bus between them, in process on SQLite, over
//! RabbitMQ on PostgreSQL.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod effects;

use std::sync::Arc;
use std::time::Duration;

use diesel::sql_types::Text;
use diesel::{QueryDsl, RunQueryDsl};
use hms_bus::dead_letters::{self, DeadLetter};
use hms_bus::{Consumer, InProcess, Options, Redriven, Relay, RunningBus, Transport, Waiting, outbox};
use hms_db::{Backend, Database, Db, Key, Migrations, PoolOptions};
use hms_model::Clock;
use hms_model::event::{DepartmentFacts, DepartmentUpdated, Envelope, Event};
use hms_model::id::{DepartmentId, EventId, Id};
use hms_testkit::broker::TestBroker;
use hms_testkit::database::TestDatabase;

/// Long enough for a machine with other work, short enough to notice.
pub const SECONDS: u64 = 60;

pub struct World {
    pub backend: Backend,
    pub broker: Option<TestBroker>,
    hub: InProcess,
}

/// One service.
pub struct Node {
    pub database: Database,
    pub bus: Arc<RunningBus>,
    pub waiting: Waiting,
    service: &'static str,
    _own: Option<TestDatabase>,
}

impl World {
    pub fn new(backend: Backend, services: &[&'static str]) -> Self {
        match backend {
            Backend::Sqlite => Self::in_process(backend, services),
            Backend::Postgres => Self::over_rabbitmq(backend),
        }
    }

    pub fn in_process(backend: Backend, services: &[&'static str]) -> Self {
        Self { backend, broker: None, hub: InProcess::new(services.iter().copied()) }
    }

    pub fn over_rabbitmq(backend: Backend) -> Self {
        Self { backend, broker: Some(TestBroker::new()), hub: InProcess::new([]) }
    }

    pub fn broker(&self) -> &TestBroker {
        self.broker.as_ref().unwrap()
    }

    pub fn transport(&self) -> Transport {
        match &self.broker {
            Some(broker) => broker.transport(),
            None => Transport::InProcess(self.hub.clone()),
        }
    }

    /// Starts a service on a database of its own.
    pub async fn start(&self, service: &'static str, consumer: Consumer) -> Node {
        let own = database(self.backend, service).await;
        let database = Database::new(own.url.clone(), PoolOptions::default());
        let mut node = self.start_on(service, database, consumer).await;
        node._own = Some(own);
        node
    }

    /// Starts a service on a database that is there.
    pub async fn start_on(&self, service: &'static str, database: Database, consumer: Consumer) -> Node {
        let waiting = Waiting::default();
        let does_jobs = consumer.queues().next().is_some();
        let bus = hms_bus::start(
            service,
            database.clone(),
            Clock::system(),
            self.transport(),
            consumer,
            Relay::default(),
            Options { waiting: waiting.clone(), ..quick() },
        );
        if does_jobs {
            hms_testkit::until("the queues of jobs", SECONDS, async || waiting.is_known().then_some(()))
                .await;
        }
        if let Some(broker) = &self.broker
            && bus.consumes()
        {
            broker.await_queue(service).await;
        }
        Node { database, bus: Arc::new(bus), waiting, service, _own: None }
    }
}

pub async fn database(backend: Backend, service: &str) -> TestDatabase {
    TestDatabase::new(backend, service, &Migrations::new().and(hms_bus::MIGRATIONS).and(effects::MIGRATIONS))
        .await
}

/// The limits of production with short waits.
pub fn quick() -> Options {
    Options {
        subscriptions: Vec::new(),
        retry_first: Duration::from_millis(20),
        retry_most: Duration::from_millis(200),
        sweep: Duration::from_millis(500),
        ..Options::default()
    }
}

impl Node {
    /// Ends it without a word; what is given must live as long as anybody else uses its database.
    pub fn kill(self) -> Option<TestDatabase> {
        self._own
    }

    /// Commits events of this service, each in a transaction of its own, as units of work do.
    pub async fn publish<E: Event>(&self, events: &[E]) -> Vec<Envelope> {
        let mut envelopes = Vec::new();
        for event in events {
            let envelope = wrap(self.service, event);
            self.commit(vec![envelope.clone()]).await;
            envelopes.push(envelope);
        }
        envelopes
    }

    /// Sends a message to the consumers of a type, whatever is in it: past the checks of the outbox.
    pub async fn send_raw(&self, world: &World, kind: &'static str, body: &[u8]) {
        if let Some(broker) = &world.broker {
            return broker.send(kind, body).await;
        }
        let body = String::from_utf8(body.to_vec()).unwrap();
        let insert = move |db: &mut Db| {
            let row = "INSERT INTO outbox (position, event_id, kind, subject, body, created_at) \
                       SELECT coalesce(max(position), 0) + 1, ?, ?, '', ?, '2026-03-02T08:00:00.000000Z' FROM outbox";
            let id: EventId = Id::new(Clock::system().now());
            let row = diesel::sql_query(row)
                .bind::<hms_db::sql::Uid, _>(Key::from(id))
                .bind::<Text, _>(kind)
                .bind::<Text, _>(body);
            Ok::<_, hms_db::Error>(row.execute(db)?)
        };
        self.database.write(insert).await.unwrap();
        self.bus.relay().wake();
    }

    /// Commits envelopes together.
    pub async fn commit(&self, envelopes: Vec<Envelope>) {
        self.database.write(move |db| outbox::append(db, &envelopes)).await.unwrap();
        self.bus.relay().wake();
    }

    /// Waits until the service has so many dead letters.
    pub async fn letters(&self, count: usize) -> Vec<DeadLetter> {
        hms_testkit::until(&format!("{count} dead letters"), SECONDS, async || {
            let letters = self.all_letters().await;
            (letters.len() >= count).then_some(letters)
        })
        .await
    }

    /// The dead letters that the service has now.
    pub async fn all_letters(&self) -> Vec<DeadLetter> {
        let all = |db: &mut Db| {
            let headings = dead_letters::headings(db, dead_letters::letters::table.into_boxed())?;
            headings.iter().map(|heading| dead_letters::find(db, heading.event_id)).collect()
        };
        self.database.read::<_, hms_db::Error>(all).await.unwrap()
    }

    /// Sends a dead letter again.
    pub async fn redrive(&self, id: EventId) -> hms_db::Result<Redriven> {
        let bus = Arc::clone(&self.bus);
        self.database.write(move |db| bus.redrive(db, id)).await.map(|(_, outcome)| outcome)
    }

    pub async fn outbox_depth(&self) -> i64 {
        self.database.read(outbox::depth).await.unwrap().0
    }
}

pub fn wrap<E: Event>(service: &str, event: &E) -> Envelope {
    let now = Clock::system().now();
    Envelope::of(service, event, Id::new(now), now).unwrap()
}

pub fn department() -> DepartmentId {
    Id::new(Clock::system().now())
}

/// A change of a department: the event that the stories are about.
pub fn change(department_id: DepartmentId, version: i64) -> DepartmentUpdated {
    DepartmentUpdated(DepartmentFacts { department_id, version, name: "Radiology".into(), active: true })
}
