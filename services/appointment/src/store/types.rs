//! Appointment types.

use diesel::prelude::*;
use hms_api::{List, Page, list_filters};
use hms_db::{At, Db, Error, Json, Key, LockExt, MultiBackend, compare, like_pattern, lower};
use hms_model::id::AppointmentTypeId;

use super::{json, read_json};
use crate::domain::AppointmentType;
use crate::schema::appointment_types as table;

list_filters! {
    /// What `GET /appointment-types` can be filtered and ordered by.
    pub struct TypeFilters {
        active: bool = Set,
    }
    search: Some("name"),
    ordering: ["name", "created_at"],
}

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = table)]
struct Row {
    id: Key,
    name: String,
    active: bool,
    details: Json,
    version: i64,
    created_at: At,
    updated_at: At,
}

/// One of them.
pub fn find(db: &mut Db, id: AppointmentTypeId) -> hms_db::Result<AppointmentType> {
    let row: Row = table::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    row.try_into()
}

/// One of them, which nobody else changes until the unit of work ends.
pub fn hold(db: &mut Db, id: AppointmentTypeId) -> hms_db::Result<AppointmentType> {
    let row: Row = table::table.find(Key::from(id)).select(Row::as_select()).lock(db).get_result(db)?;
    row.try_into()
}

/// How many of these there are.
pub fn count(db: &mut Db, ids: &[AppointmentTypeId]) -> hms_db::Result<i64> {
    let keys: Vec<_> = ids.iter().map(|id| Key::from(*id)).collect();
    Ok(table::table.filter(table::id.eq_any(keys)).count().get_result(db)?)
}

/// Writes a new one.
pub fn insert(db: &mut Db, kind: &AppointmentType) -> hms_db::Result<()> {
    diesel::insert_into(table::table).values(Row::try_from(kind)?).execute(db)?;
    Ok(())
}

/// Writes the next version of one that is held.
pub fn save(db: &mut Db, next: &AppointmentType) -> hms_db::Result<bool> {
    let before = table::table.find(Key::from(next.id)).filter(table::version.eq(next.version - 1));
    Ok(diesel::update(before).set(Row::try_from(next)?).execute(db)? == 1)
}

/// One page of them.
pub fn list(db: &mut Db, list: &List<TypeFilters>) -> hms_db::Result<Page<AppointmentType>> {
    super::paged!(db, list, Row => AppointmentType, filtered(list), table::id, {
        "name" => table::name,
        "created_at" => table::created_at,
    })
}

fn filtered<'a>(list: &List<TypeFilters>) -> table::BoxedQuery<'a, MultiBackend> {
    let query = compare!(table::table.into_boxed(), table::active, &list.filters.active, |active| active);
    match list.search.as_deref() {
        Some(text) => query.filter(lower(table::name).like(like_pattern(text)).escape('\\')),
        None => query,
    }
}

impl TryFrom<&AppointmentType> for Row {
    type Error = Error;

    fn try_from(kind: &AppointmentType) -> hms_db::Result<Self> {
        Ok(Self {
            id: kind.id.into(),
            name: kind.details.name.to_string(),
            active: kind.details.active,
            details: json(&kind.details)?,
            version: kind.version,
            created_at: kind.created_at.into(),
            updated_at: kind.updated_at.into(),
        })
    }
}

impl TryFrom<Row> for AppointmentType {
    type Error = Error;

    fn try_from(row: Row) -> hms_db::Result<Self> {
        Ok(Self {
            id: row.id.into(),
            details: read_json(row.details)?,
            version: row.version,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}
