//! Holidays.

use chrono::NaiveDate;
use diesel::prelude::*;
use hms_api::{List, Page, list_filters};
use hms_db::{At, Db, Error, Key, MultiBackend, compare};
use hms_model::id::{DepartmentId, HolidayId};

use super::unreadable;
use crate::domain::{Holiday, HolidayDetails};
use crate::schema::holidays as table;

list_filters! {
    /// What `GET /holidays` can be filtered and ordered by.
    pub struct HolidayFilters {
        department_id: DepartmentId = Set,
        date: NaiveDate = Range,
    }
    search: None,
    ordering: ["date", "created_at"],
}

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = table)]
struct Row {
    id: Key,
    department_id: Option<Key>,
    day: NaiveDate,
    name: String,
    created_at: At,
}

/// Writes a new one.
pub fn insert(db: &mut Db, holiday: &Holiday) -> hms_db::Result<()> {
    let row = Row {
        id: holiday.id.into(),
        department_id: holiday.details.department_id.map(Key::from),
        day: holiday.details.date,
        name: holiday.details.name.to_string(),
        created_at: holiday.created_at.into(),
    };
    diesel::insert_into(table::table).values(row).execute(db)?;
    Ok(())
}

/// The holiday of this id.
pub fn find(db: &mut Db, id: HolidayId) -> hms_db::Result<Holiday> {
    let row: Row = table::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    row.try_into()
}

/// Takes one away; false when there is none.
pub fn delete(db: &mut Db, id: HolidayId) -> hms_db::Result<bool> {
    Ok(diesel::delete(table::table.find(Key::from(id))).execute(db)? == 1)
}

/// Those from one day to another, both included, of all places.
pub(super) fn between(db: &mut Db, from: NaiveDate, to: NaiveDate) -> hms_db::Result<Vec<Holiday>> {
    let rows: Vec<Row> =
        table::table.filter(table::day.between(from, to)).select(Row::as_select()).load(db)?;
    rows.into_iter().map(Holiday::try_from).collect()
}

/// One page of them.
pub fn list(db: &mut Db, list: &List<HolidayFilters>) -> hms_db::Result<Page<Holiday>> {
    super::paged!(db, list, Row => Holiday, filtered(list), table::id, {
        "date" => table::day,
        "created_at" => table::created_at,
    })
}

fn filtered<'a>(list: &List<HolidayFilters>) -> table::BoxedQuery<'a, MultiBackend> {
    let (query, filters) = (table::table.into_boxed(), &list.filters);
    let query = compare!(query, table::department_id, &filters.department_id, |id| Some(Key::from(id)));
    compare!(query, table::day, &filters.date, |day| day)
}

impl TryFrom<Row> for Holiday {
    type Error = Error;

    fn try_from(row: Row) -> hms_db::Result<Self> {
        Ok(Self {
            id: row.id.into(),
            details: HolidayDetails {
                department_id: row.department_id.map(Into::into),
                date: row.day,
                name: row.name.try_into().map_err(unreadable)?,
            },
            created_at: row.created_at.into(),
        })
    }
}
