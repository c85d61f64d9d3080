//! Bringing a database up to date.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_migrations::EmbeddedMigrations;

use crate::connect::{self, Purpose};
use crate::{
    Backend, BoxError, DatabaseUrl, Db, Error, MultiBackend, PoolOptions, Result, patience, symptom,
    transaction,
};

/// How long a replica waits while another one migrates.
const PATIENCE: Duration = Duration::from_secs(300);
/// The advisory lock of those who migrate: "HMSM".
const LOCK: i64 = 0x48_4D_53_4D;
/// How long a step waits for a table that others use, before it lets those pass who wait behind it.
const IN_THE_WAY: &str = "SET LOCAL lock_timeout = '2s'";
/// How long to wait for a file, only to look at it.
const LOOKING: Duration = Duration::from_secs(5);
/// The database that every server has.
const MAINTENANCE: &str = "postgres";

pub(crate) type Step = Box<dyn Migration<MultiBackend>>;

/// Migrations of one or several folders, one laid after the other: the shared tables first, then the service's own.
/// What was run is known by its whole name, so two folders may use the same version. One whose name ends in `_postgres` or `_sqlite` runs there only.
#[derive(Clone, Default)]
pub struct Migrations {
    folders: Vec<Arc<EmbeddedMigrations>>,
}

impl Migrations {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lays a folder after those that are there: `Migrations::new().and(FOLDER)` with
    /// `const FOLDER: EmbeddedMigrations = embed_migrations!("../../migrations/user");`.
    #[must_use]
    pub fn and(mut self, folder: EmbeddedMigrations) -> Self {
        self.folders.push(Arc::new(folder));
        self
    }

    /// The migrations for a database, in the order in which they run.
    pub(crate) fn steps(&self, backend: Backend) -> Result<Vec<Step>> {
        let mut steps: Vec<Step> = Vec::new();
        for folder in &self.folders {
            let mut own: Vec<Step> = folder.migrations().map_err(Error::Other)?;
            own.retain(|step| runs_on(&name(step), backend));
            own.sort_by_cached_key(name);
            steps.extend(own);
        }
        Ok(steps)
    }

    /// Runs what was not yet run; blocking.
    pub(crate) fn run(&self, url: &DatabaseUrl, options: &PoolOptions) -> Result<Vec<String>> {
        let steps = self.steps(url.backend())?;
        no_name_twice(&steps)?;
        match url.file() {
            Some(path) => {
                connect::prepare_file(path)?;
                let mut db = connect::sqlite(path, Purpose::Write, PATIENCE)?;
                all_or_none(&mut db, &steps)
            }
            None => {
                let mut connection = open_or_create(url, options)?;
                // The lock ends with the connection.
                lock(&mut connection)?;
                run_missing(&mut Db::Pg(connection), &steps)
            }
        }
    }
}

impl Migrations {
    /// What was not yet run, in the order in which it would be; blocking. Makes nothing.
    pub(crate) fn pending(&self, url: &DatabaseUrl, options: &PoolOptions) -> Result<Vec<String>> {
        let steps = self.steps(url.backend())?;
        no_name_twice(&steps)?;
        let mut done = HashSet::new();
        if let Some(mut db) = open_if_there(url, options)?
            && has_table(&mut db)?
        {
            done = names_of_done(&mut db)?;
        }
        Ok(steps.iter().map(name).filter(|name| !done.contains(name)).collect())
    }
}

fn open_if_there(url: &DatabaseUrl, options: &PoolOptions) -> Result<Option<Db>> {
    if let Some(path) = url.file() {
        return path.exists().then(|| connect::sqlite(path, Purpose::Read, LOOKING)).transpose();
    }
    let refused = match connect::unbounded_postgres(url, options) {
        Ok(connection) => return Ok(Some(Db::Pg(connection))),
        Err(error) => error,
    };
    let Some(name) = url.database() else { return Err(refused) };
    let Ok(mut server) = connect::unbounded_postgres(&url.with_database(MAINTENANCE), options) else {
        return Err(refused);
    };
    if exists(&mut server, &name)? { Err(refused) } else { Ok(None) }
}

fn has_table(db: &mut Db) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        there: bool,
    }
    let query = match db {
        Db::Pg(_) => "SELECT to_regclass('hms_migrations') IS NOT NULL AS there",
        Db::Sqlite(_) => "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'hms_migrations') AS there",
    };
    Ok(diesel::sql_query(query).get_result::<Row>(db)?.there)
}

fn names_of_done(db: &mut Db) -> Result<HashSet<String>> {
    Ok(hms_migrations::table.select(hms_migrations::name).load(db)?.into_iter().collect())
}

fn name(step: &Step) -> String {
    step.name().to_string()
}

fn runs_on(name: &str, backend: Backend) -> bool {
    let marked = Backend::ALL.into_iter().find(|marked| name.ends_with(&format!("_{marked}")));
    marked.is_none_or(|marked| marked == backend)
}

fn no_name_twice(steps: &[Step]) -> Result<()> {
    let mut seen = HashSet::new();
    match steps.iter().map(name).find(|name| !seen.insert(name.clone())) {
        Some(name) => Err(Error::other(format!("two migrations have the name {name}"))),
        None => Ok(()),
    }
}

diesel::table! {
    hms_migrations (name) {
        name -> Text,
    }
}

/// Not diesel's own table: that one knows a migration by its version alone, and versions of two folders may meet.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS hms_migrations (
    name TEXT PRIMARY KEY,
    run_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
)";

/// The steps follow one another in the order that is given.
fn run_missing(db: &mut Db, steps: &[Step]) -> Result<Vec<String>> {
    db.batch_execute(TABLE)?;
    let done = names_of_done(db)?;
    let mut run = Vec::new();
    for step in steps {
        let name = name(step);
        if !done.contains(&name) {
            run_one(db, step, &name)?;
            tracing::info!(migration = %name, "migrated");
            run.push(name);
        }
    }
    Ok(run)
}

/// A migration whose `metadata.toml` says `run_in_transaction = false` gets none of its own.
///
/// The others bound their wait for a table: whoever comes to that table after them waits behind them, so that a report
/// which runs for a minute would stop all requests for a minute. They step back, and try again.
fn run_one(db: &mut Db, step: &Step, name: &str) -> Result<()> {
    let run = |db: &mut Db| {
        step.run(db).map_err(failed)?;
        diesel::insert_into(hms_migrations::table).values(hms_migrations::name.eq(name)).execute(db)?;
        Ok(())
    };
    if !step.metadata().run_in_transaction() {
        return run(db);
    }
    let done = patience::retry(PATIENCE, || {
        let outcome = db.transaction(|db| {
            if let Db::Pg(connection) = db {
                connection.batch_execute(IN_THE_WAY)?;
            }
            run(db)
        });
        match outcome {
            Err(Error::Busy) => None,
            Err(error) if symptom::is_busy(&words(&error)) => None,
            outcome => Some(outcome),
        }
    });
    done.unwrap_or(Err(Error::Busy))
}

/// What an error and its sources say.
fn words(error: &Error) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        words.push_str(&error.to_string());
        source = error.source();
    }
    words
}

/// On SQLite the write transaction is the lock, so all steps run in one.
fn all_or_none(db: &mut Db, steps: &[Step]) -> Result<Vec<String>> {
    transaction::begin_on(db)?;
    let run = run_missing(db, steps)?;
    transaction::commit_on(db)?;
    Ok(run)
}

fn failed(error: BoxError) -> Error {
    match error.downcast::<diesel::result::Error>() {
        Ok(error) => Error::from(*error),
        Err(error) => Error::Other(error),
    }
}

/// Tries again and again instead of waiting in the server: a session that waits there would hold up
/// `CREATE INDEX CONCURRENTLY` in the very migration it waits for.
fn lock(connection: &mut PgConnection) -> Result<()> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        locked: bool,
    }
    let locked = patience::retry(PATIENCE, || {
        let query = diesel::sql_query("SELECT pg_try_advisory_lock($1) AS locked").bind::<BigInt, _>(LOCK);
        match query.get_result::<Row>(connection) {
            Ok(row) => row.locked.then_some(Ok(())),
            Err(error) => Some(Err(error.into())),
        }
    });
    locked.unwrap_or(Err(Error::Busy))
}

fn open_or_create(url: &DatabaseUrl, options: &PoolOptions) -> Result<PgConnection> {
    let refused = match connect::unbounded_postgres(url, options) {
        Ok(connection) => return Ok(connection),
        Err(error) => error,
    };
    let Some(name) = url.database() else { return Err(refused) };
    let Ok(mut server) = connect::unbounded_postgres(&url.with_database(MAINTENANCE), options) else {
        return Err(refused);
    };
    // Where it exists, another replica may just have made it.
    if !exists(&mut server, &name)? {
        create(&mut server, &name)?;
    }
    connect::unbounded_postgres(url, options)
}

fn exists(server: &mut PgConnection, name: &str) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    let query = diesel::sql_query("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1) AS found");
    Ok(query.bind::<Text, _>(name).get_result::<Row>(server)?.found)
}

/// Text is ordered byte by byte, as SQLite does it, and `lower` knows all letters; where the server's machine has
/// no such locale, it is made as the server would. Another replica may have been quicker.
fn create(server: &mut PgConnection, name: &str) -> Result<()> {
    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
    let forms = [
        format!(
            "CREATE DATABASE {quoted} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
        ),
        format!("CREATE DATABASE {quoted}"),
    ];
    let mut outcome = Ok(0);
    for form in forms {
        outcome = diesel::sql_query(form).execute(server);
        if outcome.is_ok() || exists(server, name)? {
            return Ok(());
        }
    }
    outcome.map(drop).map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marked_migration_runs_on_its_database_only() {
        let cases = [
            ("2026-01-01-000000_patients", true, true),
            ("2026-01-02-000000_no_overlap_postgres", false, true),
            ("2026-01-02-000000_no_overlap_sqlite", true, false),
            ("2026-01-03-000000_postgres_names", true, true),
        ];
        for (name, sqlite, postgres) in cases {
            assert_eq!(runs_on(name, Backend::Sqlite), sqlite, "{name}");
            assert_eq!(runs_on(name, Backend::Postgres), postgres, "{name}");
        }
    }
}
