//! A database for one test, and units of work that wait for a sign.

use std::sync::mpsc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_db::{Backend, Database, DatabaseUrl, Db, Error, Migrations, PoolOptions, Result};
use hms_model::Clock;
use hms_model::id::{AccountId, Id};
use hms_settings::Settings;
use tokio::task::JoinHandle;

/// Makes a test of each function, on both databases.
macro_rules! both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() { crate::support::on(hms_db::Backend::Sqlite, super::$name).await; })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() { crate::support::on(hms_db::Backend::Postgres, super::$name).await; })+
        }
    };
}
pub(crate) use both;

/// Runs a test with an empty database, unless its back end is left out.
pub async fn on<F: Future<Output = ()>>(backend: Backend, test: impl FnOnce(Scratch) -> F) {
    let wanted = setting("HMS_TEST_BACKENDS", "sqlite,postgres");
    if wanted.split(',').any(|name| name.trim() == backend.name()) {
        test(Scratch::new(backend)).await;
    } else {
        println!("left out: {backend} is not in HMS_TEST_BACKENDS");
    }
}

fn setting(name: &str, default: &str) -> String {
    Settings::from_environment().get(name).unwrap_or_else(|| default.to_owned())
}

/// A place for a database that does not exist yet; removed at the end.
pub struct Scratch {
    pub url: DatabaseUrl,
}

impl Scratch {
    fn new(backend: Backend) -> Self {
        let name = format!("hms_db_{}", new_id().uuid().simple());
        let url = match backend {
            Backend::Sqlite => DatabaseUrl::sqlite(std::env::temp_dir().join(&name).join("below/test.db")),
            Backend::Postgres => server().with_database(&name),
        };
        Self { url }
    }

    pub fn backend(&self) -> Backend {
        self.url.backend()
    }

    pub fn is_sqlite(&self) -> bool {
        self.backend() == Backend::Sqlite
    }

    /// Another set of connections to it.
    pub fn open(&self, options: PoolOptions) -> Database {
        Database::new(self.url.clone(), options)
    }

    /// Migrated, with patience.
    pub async fn ready(&self) -> Database {
        let database = self.open(patient());
        database.migrate(&all()).await.unwrap();
        database
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(file) = self.url.file() {
            let folder = file.ancestors().nth(2).unwrap();
            let _ = std::fs::remove_dir_all(folder);
            return;
        }
        let name = self.url.expose().rsplit('/').next().unwrap().to_owned();
        let mut connection = PgConnection::establish(&server().expose()).unwrap();
        connection.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).unwrap();
    }
}

fn server() -> DatabaseUrl {
    setting("HMS_TEST_POSTGRES_URL", "postgres://hms:hms@127.0.0.1:55432/postgres").parse().unwrap()
}

pub const PEOPLE: EmbeddedMigrations = embed_migrations!("tests/migrations/people");
const HOUSE: EmbeddedMigrations = embed_migrations!("tests/migrations/house");
const LATER: EmbeddedMigrations = embed_migrations!("tests/migrations/later");
const BROKEN: EmbeddedMigrations = embed_migrations!("tests/migrations/broken");

pub fn people() -> Migrations {
    Migrations::new().and(PEOPLE)
}

pub fn all() -> Migrations {
    people().and(HOUSE)
}

/// People, with a column that came later.
pub fn later() -> Migrations {
    people().and(LATER)
}

pub fn broken() -> Migrations {
    people().and(BROKEN)
}

pub fn new_id() -> AccountId {
    Id::new(Clock::system().now())
}

/// For tests in which nothing should have to be refused.
pub fn patient() -> PoolOptions {
    PoolOptions { acquire_timeout: Duration::from_secs(30), ..PoolOptions::default() }
}

/// One connection, and hardly any waiting.
pub fn narrow() -> PoolOptions {
    PoolOptions { max_connections: 1, acquire_timeout: Duration::from_millis(100), ..PoolOptions::default() }
}

/// A unit of work that has done its work and waits to be let go.
pub struct Held {
    release: mpsc::Sender<()>,
    task: JoinHandle<Result<()>>,
}

impl Held {
    pub async fn read(database: &Database) -> Self {
        let database = database.clone();
        Self::start(|step| async move { database.read(step(Box::new(|_| Ok(())))).await }).await
    }

    pub async fn write(
        database: &Database,
        work: impl FnOnce(&mut Db) -> Result<()> + Send + 'static,
    ) -> Self {
        let database = database.clone();
        Self::start(|step| async move { database.write(step(Box::new(work))).await }).await
    }

    async fn start<F: Future<Output = Result<()>> + Send + 'static>(run: impl FnOnce(Step) -> F) -> Self {
        let (release, released) = mpsc::channel();
        let (reach, reached) = tokio::sync::oneshot::channel();
        let step: Step = Box::new(move |work| {
            Box::new(move |db| {
                work(db)?;
                let _ = reach.send(());
                let _ = released.recv();
                Ok(())
            })
        });
        let task = tokio::spawn(run(step));
        reached.await.unwrap();
        Self { release, task }
    }

    pub async fn let_go(self) -> Result<()> {
        self.release.send(()).unwrap();
        self.task.await.unwrap()
    }

    /// Lets go without anybody waiting for the outcome.
    pub async fn abandon(self) {
        self.task.abort();
        let _ = self.task.await;
        self.release.send(()).unwrap();
    }
}

type Work = Box<dyn FnOnce(&mut Db) -> Result<()> + Send>;
type Step = Box<dyn FnOnce(Work) -> Work + Send>;

/// Asks again until the answer is yes.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let asking = async {
        while !ask().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), asking).await.is_ok(), "in vain: {what}");
}

pub fn is_busy<T>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(Error::Busy))
}
