//! Opening connections, each with its settings.

use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};

use crate::{DatabaseUrl, Db, Error, PoolOptions, Result, patience, query};

/// How a server that fell silent is noticed: without these, a unit of work would wait for minutes.
const KEEPALIVE: &[(&str, &str)] = &[
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "15000"),
];

/// How long to wait for a file that another process is just making.
const FIRST_OPENING: Duration = Duration::from_secs(5);

/// A connection to PostgreSQL whose statements and waits are bounded.
pub(crate) fn postgres(url: &DatabaseUrl, options: &PoolOptions) -> Result<Db> {
    let mut connection = unbounded_postgres(url, options)?;
    connection.batch_execute(&format!(
        "SET statement_timeout = {}; SET lock_timeout = {}",
        millis(options.statement_timeout),
        millis(options.acquire_timeout),
    ))?;
    Ok(Db::Pg(connection))
}

/// A connection to PostgreSQL without limits for its statements: migrations take the time they take.
pub(crate) fn unbounded_postgres(url: &DatabaseUrl, options: &PoolOptions) -> Result<PgConnection> {
    let seconds = options.acquire_timeout.as_secs().max(2);
    let mut defaults: Vec<_> = KEEPALIVE.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    defaults.push(("connect_timeout", seconds.to_string()));
    defaults.push(("application_name", "hms".to_owned()));
    Ok(PgConnection::establish(&url.with_defaults(&defaults).expose())?)
}

/// What a connection to SQLite is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Read,
    Write,
}

/// A connection to a file that [`prepare_file`] has made.
pub(crate) fn sqlite(path: &Path, purpose: Purpose, busy_timeout: Duration) -> Result<Db> {
    let mut connection = open_file(path, busy_timeout)?;
    query::register_lower(&mut connection)?;
    connection.batch_execute(match purpose {
        Purpose::Read => "PRAGMA query_only = ON",
        // FULL: what was acknowledged survives a loss of power. With NORMAL the last commits in the write-ahead
        // log might be lost.
        Purpose::Write => "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
    })?;
    Ok(Db::Sqlite(connection))
}

/// Makes the folder and the file, and turns on the write-ahead log, which stays with the file. It is turned on by
/// one connection before others open the file, and again and again while another process does the same: SQLite
/// does not wait in this case.
pub(crate) fn prepare_file(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Error::Unavailable(error.into()))?;
    }
    let mut connection = open_file(path, FIRST_OPENING)?;
    let done = patience::retry(FIRST_OPENING, || {
        match connection.batch_execute("PRAGMA journal_mode = WAL").map_err(Error::from) {
            Err(Error::Busy) => None,
            outcome => Some(outcome),
        }
    });
    done.unwrap_or(Err(Error::Busy))
}

fn open_file(path: &Path, busy_timeout: Duration) -> Result<SqliteConnection> {
    let path = path.to_str().ok_or_else(|| Error::other("the path of the database is not UTF-8"))?;
    let mut connection = SqliteConnection::establish(path)?;
    // A statement of many rows keeps what it needs to undo itself in a temporary file, and an image has no folder for one.
    connection.batch_execute(&format!(
        "PRAGMA busy_timeout = {}; PRAGMA temp_store = MEMORY",
        millis(busy_timeout)
    ))?;
    Ok(connection)
}

/// At least one: 0 means "no limit" to both databases.
fn millis(duration: Duration) -> u128 {
    duration.as_millis().max(1)
}
