//! All SQL: rows to domain types and back.

/// One page of a list: `$filtered` gives the boxed query, `$row` its rows, each of which is turned into a `$thing`. The rows are
/// counted only when the page does not tell their number.
macro_rules! paged {
    ($db:expr, $list:expr, $row:ty => $thing:ty, $filtered:expr, $id:expr, $orderings:tt) => {{
        let rows: Vec<$row> =
            hms_service::page!($filtered.select(<$row>::as_select()), $list, $id, $orderings).load($db)?;
        let count = if $list.must_count(rows.len()) {
            Some($filtered.count().get_result($db)?)
        } else {
            $list.count_known(rows.len())
        };
        let rows = rows.into_iter().map(<$thing>::try_from).collect::<hms_db::Result<Vec<_>>>()?;
        Ok(hms_api::Page::new($list, rows, count, |thing| thing.id.uuid()))
    }};
}

mod appointments;
pub mod directory;
pub mod holds;
pub mod holidays;
mod identifiers;
mod list;
pub mod occupancy;
pub mod plan;
pub mod queue;
pub mod resources;
pub mod schedules;
pub mod types;
pub mod waitlist;

pub use appointments::{Held, calendar_of, find, following, hide, hold, insert, known, save};
pub use list::{AppointmentFilters, list};

use hms_db::{At, Error, Json, Key, Result};
use hms_model::TimeSlot;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::Place;

use paged;

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
