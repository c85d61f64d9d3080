//! What was counted of each day.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use hms_db::{Db, Json, Key, Result};
use hms_model::id::Id;

use super::unreadable;
use crate::domain::{Cell, Cells, Days, Place, Span};
use crate::schema::cells as table;

/// Writes what was counted of a day, in the place of what was before.
pub fn replace(db: &mut Db, day: NaiveDate, cells: &Cells, now: DateTime<Utc>) -> Result<()> {
    diesel::delete(table::table.filter(table::day.eq(day))).execute(db)?;
    for (place, cell) in cells {
        let row = (
            table::id.eq(Key::from(Id::<()>::new(now))),
            table::day.eq(day),
            table::department_id.eq(place.department_id.map(Key::from)),
            table::practitioner_id.eq(place.practitioner_id.map(Key::from)),
            table::counts.eq(Json(serde_json::to_value(cell).map_err(unreadable)?)),
        );
        diesel::insert_into(table::table).values(row).execute(db)?;
    }
    Ok(())
}

/// Forgets what was counted.
pub fn clear(db: &mut Db) -> Result<()> {
    diesel::delete(table::table).execute(db)?;
    Ok(())
}

/// What was counted of the days of a span.
pub fn within(db: &mut Db, span: Span) -> Result<Days> {
    let rows: Vec<(NaiveDate, Option<Key>, Option<Key>, Json)> = table::table
        .filter(table::day.between(span.from, span.to))
        .select((table::day, table::department_id, table::practitioner_id, table::counts))
        .load(db)?;
    let mut days = Days::default();
    for (day, department, practitioner, counts) in rows {
        let place = Place {
            department_id: department.map(Into::into),
            practitioner_id: practitioner.map(Into::into),
        };
        let cell: Cell = serde_json::from_value(counts.0).map_err(unreadable)?;
        days.entry(day).or_default().insert(place, cell);
    }
    Ok(days)
}
