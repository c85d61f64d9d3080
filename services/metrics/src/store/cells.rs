//! What was counted of each day.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use hms_db::{Db, Json, Key, PgColumn, PgRows, Result};
use hms_model::id::Id;

use super::unreadable;
use crate::domain::{Cell, Days, Place, Span};
use crate::schema::cells as table;

/// Writes what was counted of the days of a span, in the place of what was before; in one round trip each on PostgreSQL.
pub fn replace(db: &mut Db, span: Span, days: &Days, now: DateTime<Utc>) -> Result<()> {
    diesel::delete(table::table.filter(table::day.between(span.from, span.to))).execute(db)?;
    let mut rows = Vec::new();
    for (day, cells) in days {
        for (place, cell) in cells {
            rows.push((*day, *place, serde_json::to_value(cell).map_err(unreadable)?));
        }
    }
    match db {
        Db::Pg(_) if rows.is_empty() => {}
        Db::Pg(connection) => {
            let mut new = PgRows::into_table("cells", COLUMNS);
            for (day, place, counts) in rows {
                let id = Some(Id::<()>::new(now).to_string());
                let department = place.department_id.map(|id| id.to_string());
                let practitioner = place.practitioner_id.map(|id| id.to_string());
                new.push([id, Some(day.to_string()), department, practitioner, Some(counts.to_string())]);
            }
            new.execute(connection)?;
        }
        Db::Sqlite(_) => {
            for (day, place, counts) in rows {
                let row = (
                    table::id.eq(Key::from(Id::<()>::new(now))),
                    table::day.eq(day),
                    table::department_id.eq(place.department_id.map(Key::from)),
                    table::practitioner_id.eq(place.practitioner_id.map(Key::from)),
                    table::counts.eq(Json(counts)),
                );
                diesel::insert_into(table::table).values(row).execute(db)?;
            }
        }
    }
    Ok(())
}

const COLUMNS: [PgColumn; 5] = [
    ("id", "uuid"),
    ("day", "date"),
    ("department_id", "uuid"),
    ("practitioner_id", "uuid"),
    ("counts", "jsonb"),
];

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
