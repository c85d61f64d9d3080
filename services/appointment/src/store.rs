//! All SQL: rows to domain types and back.

mod appointments;
pub mod directory;
pub mod holds;
pub mod holidays;
mod identifiers;
mod list;
pub mod occupancy;
pub mod plan;
pub mod resources;
pub mod schedules;
pub mod types;

pub use appointments::{Held, find, following, hide, hold, insert, known, save};
pub use list::{AppointmentFilters, list};

use hms_db::{At, Error, Json, Key, Result};
use hms_model::TimeSlot;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::Place;

/// What stands in a row and cannot be read is a fault of ours.
fn unreadable(error: impl Into<hms_db::BoxError>) -> Error {
    Error::Other(error.into())
}

fn json(value: &impl Serialize) -> Result<Json> {
    serde_json::to_value(value).map(Json).map_err(unreadable)
}

fn read_json<T: DeserializeOwned>(json: Json) -> Result<T> {
    serde_json::from_value(json.0).map_err(unreadable)
}

/// How an appointment or a hold lies in the calendar, of the columns that say so.
fn place(start: Option<At>, end: Option<At>, session: Option<Key>, seat: i64, seats: i64) -> Place {
    let busy = start.zip(end).and_then(|(start, end)| TimeSlot::new(start.into(), end.into()).ok());
    Place { busy, session: session.map(|key| key.0), seat, seats }
}
