//! The database of a service, and the units of work that run on it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::RunQueryDsl;
use hms_trace::{Kind, Span};
use parking_lot::Mutex;

use crate::connect::{self, Purpose};
use crate::pool::{Ear, Heard, Pool, Pooled};
use crate::threads::Threads;
use crate::{Backend, DatabaseUrl, Db, Error, Migrations, PoolOptions, PoolStatus, Result, transaction};

/// A database: its place and its connections. Clones share them.
///
/// diesel blocks, so each unit of work runs whole on a blocking thread; before, it waits for a connection without
/// holding a thread.
#[derive(Clone)]
pub struct Database {
    url: DatabaseUrl,
    options: PoolOptions,
    readers: Arc<Pool>,
    writers: Arc<Pool>,
    writes: Arc<AtomicU64>,
    ear: Ear,
    threads: Threads,
}

impl Database {
    /// Connects to nothing yet: a service may start while its database is away.
    pub fn new(url: DatabaseUrl, options: PoolOptions) -> Database {
        let ear = Ear::default();
        let (readers, writers) = match url.file() {
            Some(path) => sqlite_pools(path.to_owned(), &options, &ear),
            None => postgres_pool(&url, &options, &ear),
        };
        Self { url, options, readers, writers, writes: Arc::default(), ear, threads: Threads::Own }
    }

    /// The same database for work that nobody waits for: its units run on threads that give way to those of requests, as far as
    /// the processor goes. On SQLite, where all who write wait for each other, nothing gives way.
    #[must_use]
    pub fn giving_way(&self) -> Self {
        let threads = match self.backend() {
            Backend::Sqlite => Threads::Own,
            Backend::Postgres => Threads::GivingWay,
        };
        Self { threads, ..self.clone() }
    }

    /// Brings the database up to date and names the migrations that were run. On PostgreSQL a missing database is
    /// made, and of several replicas one does the work while the others wait; on SQLite the folder is made.
    pub async fn migrate(&self, migrations: &Migrations) -> Result<Vec<String>> {
        let (url, options, migrations) = (self.url.clone(), self.options.clone(), migrations.clone());
        blocking(self.threads, move || migrations.run(&url, &options)).await
    }

    /// Names the migrations that [`migrate`](Self::migrate) would run; makes nothing, not even the database.
    pub async fn pending(&self, migrations: &Migrations) -> Result<Vec<String>> {
        let (url, options, migrations) = (self.url.clone(), self.options.clone(), migrations.clone());
        blocking(self.threads, move || migrations.pending(&url, &options)).await
    }

    /// Runs a unit of work that only reads. It is no transaction: each statement sees what is committed then.
    pub async fn read<T, E>(
        &self,
        work: impl FnOnce(&mut Db) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.unit("read", &self.readers, |_, connection| work(&mut connection.db)).await
    }

    /// Runs a unit of work as one transaction: committed when it succeeds, rolled back when it fails. It runs to its
    /// end even when nobody waits for it any more.
    ///
    /// A statement that fails spoils the transaction on PostgreSQL: to go on after it, use
    /// [`or_ignore`](crate::InsertExt::or_ignore), or a nested `db.transaction(…)`, which is a savepoint.
    pub async fn write<T, E>(
        &self,
        work: impl FnOnce(&mut Db) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let writes = Arc::clone(&self.writes);
        let counted = move |pool: &Pool, connection: &mut Pooled| {
            let done = transaction::write(pool, connection, work);
            writes.fetch_add(u64::from(done.is_ok()), Ordering::Release);
            done
        };
        self.unit("write", &self.writers, counted).await
    }

    /// The same for books that are kept beside what people are shown, such as those of the bus: [`writes`](Self::writes) does
    /// not count it.
    pub async fn write_apart<T, E>(
        &self,
        work: impl FnOnce(&mut Db) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.unit("write", &self.writers, |pool, connection| transaction::write(pool, connection, work)).await
    }

    /// How many units of work have been [written](Self::write) by this process: as long as it is the same, what was read
    /// before has not been changed from here.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Acquire)
    }

    /// Runs a unit of work that is one statement on PostgreSQL, which needs neither BEGIN nor COMMIT for it; on SQLite,
    /// where those cost nothing, it is a transaction as any other. Where the server has hung up since the connection was
    /// used the last time, it runs once more on a new one: so it must do no harm when it is done twice. As
    /// [`write_apart`](Self::write_apart) it is not counted.
    pub async fn write_at_once<T, E>(
        &self,
        work: impl Fn(&mut Db) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match self.backend() {
            Backend::Sqlite => self.write_apart(work).await,
            Backend::Postgres => {
                self.unit("write", &self.writers, move |pool, connection| {
                    transaction::at_once(pool, connection, &work)
                })
                .await
            }
        }
    }

    /// Lets somebody hear what goes to the database from now on: for tests that count statements. There is one listener,
    /// the first.
    pub fn listen(&self, listener: impl Fn(Heard<'_>) + Send + Sync + 'static) {
        self.ear.give(Box::new(listener));
    }

    /// Asks whether the database answers: how long that took, the wait for a connection included.
    pub async fn ping(&self) -> Result<Duration> {
        let started = Instant::now();
        self.read(|db| diesel::sql_query("SELECT 1").execute(db).map_err(Error::from)).await?;
        Ok(started.elapsed())
    }

    /// Which database it is.
    pub fn backend(&self) -> Backend {
        self.url.backend()
    }

    /// How busy the connections are.
    pub fn status(&self) -> PoolStatus {
        let writers = self.writers.status();
        if Arc::ptr_eq(&self.readers, &self.writers) {
            return writers;
        }
        let readers = self.readers.status();
        PoolStatus {
            max: readers.max + writers.max,
            in_use: readers.in_use + writers.in_use,
            waiting: readers.waiting + writers.waiting,
        }
    }

    async fn unit<T, E>(
        &self,
        name: &'static str,
        pool: &Arc<Pool>,
        work: impl FnOnce(&Pool, &mut Pooled) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        // It begins with the wait for a connection.
        let span = Span::child(name, Kind::Internal);
        let permit = pool.permit().await.inspect_err(|_| span.fail("no connection"))?;
        let pool = Arc::clone(pool);
        blocking(self.threads, move || {
            let _entered = span.enter();
            // A refusal by a rule is no failure of the database.
            pool.run(permit, work)?.inspect_err(|_| span.set("hms.unit.outcome", "given up"))
        })
        .await
    }
}

fn postgres_pool(url: &DatabaseUrl, options: &PoolOptions, ear: &Ear) -> (Arc<Pool>, Arc<Pool>) {
    let (url, limits) = (url.clone(), options.clone());
    let pool = Pool::new(options.max_connections, options.acquire_timeout, ear.clone(), move || {
        connect::postgres(&url, &limits)
    });
    (Arc::clone(&pool), pool)
}

/// One writer, so that writes queue up in order here and not in SQLite's busy loop.
fn sqlite_pools(path: PathBuf, options: &PoolOptions, ear: &Ear) -> (Arc<Pool>, Arc<Pool>) {
    let wait = options.acquire_timeout;
    let file = Arc::new((path, Mutex::new(false)));
    let pool = |max, purpose| {
        let file = Arc::clone(&file);
        Pool::new(max, wait, ear.clone(), move || {
            let (path, prepared) = &*file;
            let mut prepared = prepared.lock();
            if !*prepared {
                connect::prepare_file(path)?;
                *prepared = true;
            }
            drop(prepared);
            connect::sqlite(path, purpose, wait)
        })
    };
    let readers = options.max_connections.min(PoolOptions::SQLITE_READERS);
    (pool(readers, Purpose::Read), pool(1, Purpose::Write))
}

/// Runs `work` on a blocking thread, within the span of the caller.
async fn blocking<T, E>(
    threads: Threads,
    work: impl FnOnce() -> std::result::Result<T, E> + Send + 'static,
) -> std::result::Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let span = tracing::Span::current();
    match threads.run(move || span.in_scope(work)).await {
        Ok(outcome) => outcome,
        // The text of the panic may hold values; it is on the standard error already.
        Err(error) if error.is_panic() => Err(Error::other("the unit of work panicked").into()),
        Err(error) => Err(Error::Unavailable(error.into()).into()),
    }
}
