//! The two databases, and the connection that is one of them.

use std::fmt;

use diesel::{PgConnection, SqliteConnection};

pub use connection::{Db, MultiBackend};

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backend {
    /// SQLite: a file, embedded in the process.
    Sqlite,
    /// PostgreSQL: a server.
    Postgres,
}

impl Backend {
    /// Both of them.
    pub const ALL: [Backend; 2] = [Backend::Sqlite, Backend::Postgres];

    /// Which database a connection goes to.
    pub const fn of(db: &Db) -> Self {
        match db {
            Db::Pg(_) => Backend::Postgres,
            Db::Sqlite(_) => Backend::Sqlite,
        }
    }

    /// Its name: `sqlite` or `postgres`. A migration whose name ends in `_` and this runs there only.
    pub const fn name(self) -> &'static str {
        match self {
            Backend::Sqlite => "sqlite",
            Backend::Postgres => "postgres",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A module of its own, since the derive brings many names with it.
#[expect(missing_docs, reason = "what the derive makes has no documentation")]
mod connection {
    use super::{PgConnection, SqliteConnection};

    /// A connection to either database. Queries are written against it and compiled once.
    #[derive(diesel::MultiConnection)]
    pub enum Db {
        /// To PostgreSQL.
        Pg(PgConnection),
        /// To SQLite.
        Sqlite(SqliteConnection),
    }
}
