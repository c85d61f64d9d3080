//! Connections that are kept. A permit bounds how many are out; whoever holds one, on a blocking thread, takes an
//! idle connection or opens a new one there. So a database that is away is told at once, and the pool needs no
//! threads of its own.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use diesel::RunQueryDsl;
use diesel::connection::{Connection, DebugQuery, Instrumentation, InstrumentationEvent, TransactionManager};
use hms_trace::{Kind, Span};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Db, Error, Result, symptom};

/// A connection that lay idle for longer is asked whether it still lives before it is used.
const TRUSTED: Duration = Duration::from_secs(15);
/// A connection that lay idle for longer is closed.
const KEPT: Duration = Duration::from_secs(300);

/// What is going on in a pool, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// How many units of work can run at the same time.
    pub max: u32,
    /// How many do.
    pub in_use: u32,
    /// How many wait for their turn.
    pub waiting: u32,
}

/// What a connection was heard doing; see [`Database::listen`](crate::Database::listen).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A statement goes out: its text, without values.
    Statement(&'a str),
    /// This statement is prepared and kept by its connection, so that the next time costs no parsing and no round trip
    /// for it.
    Kept(&'a str),
}

type Listener = dyn Fn(Heard<'_>) + Send + Sync;

/// Whoever listens to the connections of a database. Nobody does, but tests.
#[derive(Clone, Default)]
pub(crate) struct Ear(Arc<OnceLock<Box<Listener>>>);

impl Ear {
    /// The first listener stays.
    pub(crate) fn give(&self, listener: Box<Listener>) {
        let _first = self.0.set(listener);
    }

    fn hear_statement(&self, query: &dyn DebugQuery) {
        if let Some(listener) = self.0.get() {
            listener(Heard::Statement(text_of(&query.to_string())));
        }
    }

    fn hear_kept(&self, sql: &str) {
        if let Some(listener) = self.0.get() {
            listener(Heard::Kept(sql));
        }
    }
}

type Open = dyn Fn() -> Result<Db> + Send + Sync;

pub(crate) struct Pool {
    open: Box<Open>,
    idle: Mutex<VecDeque<Pooled>>,
    permits: Arc<Semaphore>,
    max: u32,
    waiting: AtomicU32,
    acquire_timeout: Duration,
    ear: Ear,
}

impl Pool {
    pub(crate) fn new(
        max: u32,
        acquire_timeout: Duration,
        ear: Ear,
        open: impl Fn() -> Result<Db> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let max = max.max(1);
        Arc::new(Self {
            open: Box::new(open),
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(usize::try_from(max).unwrap_or(Semaphore::MAX_PERMITS))),
            max,
            waiting: AtomicU32::new(0),
            acquire_timeout,
            ear,
        })
    }

    /// Waits for a turn, first come, first served.
    pub(crate) async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let _waiting = Waiting::new(&self.waiting);
        match tokio::time::timeout(self.acquire_timeout, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Error::Busy),
        }
    }

    /// Does some work with a connection, blocking. A panic in it drops the connection.
    pub(crate) fn run<R>(
        &self,
        _permit: OwnedSemaphorePermit,
        work: impl FnOnce(&Self, &mut Pooled) -> R,
    ) -> Result<R> {
        let mut connection = match self.take_idle() {
            Some(connection) => connection,
            None => self.open()?,
        };
        let result = work(self, &mut connection);
        self.give_back(connection);
        Ok(result)
    }

    /// A new connection.
    pub(crate) fn open(&self) -> Result<Pooled> {
        let mut db = (self.open)()?;
        let watch = Arc::new(Watch::default());
        let system = match &db {
            Db::Pg(_) => "postgresql",
            Db::Sqlite(_) => "sqlite",
        };
        db.set_instrumentation(Watcher {
            watch: Arc::clone(&watch),
            ear: self.ear.clone(),
            system,
            statement: Span::default(),
        });
        Ok(Pooled { db, watch, idle_since: None })
    }

    /// Closes all idle connections: when one was lost, so were most likely the others.
    pub(crate) fn forget_idle(&self) {
        let forgotten = std::mem::take(&mut *self.idle.lock());
        drop(forgotten);
    }

    pub(crate) fn status(&self) -> PoolStatus {
        let free = u32::try_from(self.permits.available_permits()).unwrap_or(self.max);
        PoolStatus {
            max: self.max,
            in_use: self.max.saturating_sub(free),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }

    fn take_idle(&self) -> Option<Pooled> {
        let mut connection = self.idle.lock().pop_back()?;
        if connection.idle_for() > TRUSTED
            && diesel::sql_query("SELECT 1").execute(&mut connection.db).is_err()
        {
            self.forget_idle();
            return None;
        }
        Some(connection)
    }

    fn give_back(&self, mut connection: Pooled) {
        if connection.is_lost() {
            self.forget_idle();
            return;
        }
        if connection.is_spoilt() {
            return;
        }
        connection.watch.failed.store(false, Ordering::Relaxed);
        connection.idle_since = Some(Instant::now());
        let mut idle = self.idle.lock();
        idle.push_back(connection);
        let old = idle.iter().take_while(|connection| connection.idle_for() > KEPT).count();
        let closed: Vec<_> = idle.drain(..old).collect();
        drop(idle);
        drop(closed);
    }
}

/// A connection of a pool, and what was seen of it.
pub(crate) struct Pooled {
    pub(crate) db: Db,
    watch: Arc<Watch>,
    idle_since: Option<Instant>,
}

impl Pooled {
    /// Whether it comes from an earlier unit of work.
    pub(crate) fn is_used(&self) -> bool {
        self.idle_since.is_some()
    }

    /// Whether the database has hung up.
    pub(crate) fn is_lost(&self) -> bool {
        self.watch.lost.load(Ordering::Relaxed)
    }

    /// Whether any statement has failed since the connection was taken.
    pub(crate) fn has_failed(&self) -> bool {
        self.watch.failed.load(Ordering::Relaxed)
    }

    /// Whether it is left in a transaction, or in an unknown state.
    fn is_spoilt(&mut self) -> bool {
        <Db as Connection>::TransactionManager::is_broken_transaction_manager(&mut self.db)
    }

    fn idle_for(&self) -> Duration {
        self.idle_since.map(|since| since.elapsed()).unwrap_or_default()
    }
}

/// What the statements of a connection came to, whatever the unit of work makes of their errors.
#[derive(Default)]
struct Watch {
    failed: AtomicBool,
    lost: AtomicBool,
}

struct Watcher {
    watch: Arc<Watch>,
    ear: Ear,
    /// What the database is called in a trace.
    system: &'static str,
    /// The statement that is under way, where it is traced.
    statement: Span,
}

impl Instrumentation for Watcher {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                self.ear.hear_statement(query);
                self.statement = statement(self.system, query);
            }
            InstrumentationEvent::CacheQuery { sql, .. } => self.ear.hear_kept(sql),
            InstrumentationEvent::FinishQuery { error, .. } => {
                let span = std::mem::take(&mut self.statement);
                if let Some(error) = error {
                    span.fail("refused");
                    self.watch.failed.store(true, Ordering::Relaxed);
                    if symptom::is_lost(error) {
                        self.watch.lost.store(true, Ordering::Relaxed);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The span of a statement: its text, never its values.
fn statement(system: &'static str, query: &dyn DebugQuery) -> Span {
    let span = Span::child("statement", Kind::Client);
    if span.is_recorded() {
        let text = query.to_string();
        let text = text_of(&text);
        let operation = text.split_ascii_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        span.rename(operation.clone());
        span.set("db.system.name", system);
        span.set("db.operation.name", operation);
        span.set("db.query.text", text.to_owned());
    }
    span
}

/// The values come after the text, and may be personal data.
fn text_of(query: &str) -> &str {
    query.split(" -- binds:").next().unwrap_or_default()
}

/// Counts one who waits, also when the waiting is given up.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
