//! All SQL: rows to domain types and back.

pub mod cells;
pub mod changed;
pub mod directory;
pub mod facts;
pub mod hours;
pub mod jobs;
pub mod read;
pub mod rebuilds;

use hms_db::Error;

/// What a row has that cannot be read: somebody else wrote it.
fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Other(Box::new(error))
}
