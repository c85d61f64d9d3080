//! All SQL of the service: rows to domain types and back.

pub mod broken_glass;
pub mod department;
mod found;
mod identifier;
mod list;
pub mod patient;
pub mod practitioner;
mod searchable;
pub mod untold;

use std::error::Error as StdError;
use std::str::FromStr;

use hms_db::{Error, Json};
use hms_model::id::PatientId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// Why a record was not written. On PostgreSQL the transaction is of no more use after `Failed`; after the others it
/// is.
#[derive(Debug)]
pub enum Unwritten {
    /// One of the identifiers is this one's.
    Taken(Uuid),
    /// The account has this patient already.
    HasPatient(PatientId),
    /// The medical record number is another one's by chance.
    MrnTaken,
    /// The record is not as it was loaded.
    Stale,
    /// The database did not do it.
    Failed(Error),
}

impl From<Error> for Unwritten {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<diesel::result::Error> for Unwritten {
    fn from(error: diesel::result::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Reads a value that was checked before it was written.
fn read<T: FromStr<Err: StdError + Send + Sync + 'static>>(text: String) -> hms_db::Result<T> {
    text.parse().map_err(|error: T::Err| Error::Other(error.into()))
}

/// The same for a column that may be null.
fn read_optional<T: FromStr<Err: StdError + Send + Sync + 'static>>(
    text: Option<String>,
) -> hms_db::Result<Option<T>> {
    text.map(read).transpose()
}

fn read_json<T: DeserializeOwned>(json: Json) -> hms_db::Result<T> {
    serde_json::from_value(json.0).map_err(|error| Error::Other(error.into()))
}

fn write_json<T: Serialize>(value: &T) -> hms_db::Result<Json> {
    serde_json::to_value(value).map(Json).map_err(|error| Error::Other(error.into()))
}

/// One row must have been changed: 0 means that it is no longer as it was loaded.
fn changed(rows: usize) -> Result<(), Unwritten> {
    if rows == 1 { Ok(()) } else { Err(Unwritten::Stale) }
}
