//! How many connections, and how long to wait for what.

use std::time::Duration;

/// The limits of a [`Database`](crate::Database).
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// Connections at the same time (16). SQLite has one writer beside at most
    /// [`SQLITE_READERS`](Self::SQLITE_READERS) readers, whatever stands here.
    pub max_connections: u32,
    /// How long a unit of work waits for a connection (5 s), and a statement for a lock, before it is refused as
    /// [`Error::Busy`](crate::Error::Busy).
    pub acquire_timeout: Duration,
    /// How long a statement may run (10 s). PostgreSQL only.
    pub statement_timeout: Duration,
}

impl PoolOptions {
    /// More readers would only wait for the same cores, and each has a cache of its own.
    pub const SQLITE_READERS: u32 = 4;
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max_connections: 16,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
        }
    }
}
