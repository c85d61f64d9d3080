//! Schedules.

use diesel::prelude::*;
use hms_api::{List, Page, list_filters};
use hms_db::{At, Db, Error, Json, Key, LockExt, MultiBackend, compare};
use hms_model::id::{DepartmentId, PractitionerId, ScheduleId};

use super::{json, read_json};
use crate::domain::Schedule;
use crate::schema::{departments, practitioners, schedules as table};

list_filters! {
    /// What `GET /schedules` can be filtered and ordered by.
    pub struct ScheduleFilters {
        practitioner_id: PractitionerId = Set,
        department_id: DepartmentId = Set,
        active: bool = Set,
    }
    search: None,
    ordering: ["created_at"],
}

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = table)]
pub(super) struct Row {
    id: Key,
    practitioner_id: Key,
    department_id: Key,
    active: bool,
    terms: Json,
    version: i64,
    created_at: At,
    updated_at: At,
}

/// One of them.
pub fn find(db: &mut Db, id: ScheduleId) -> hms_db::Result<Schedule> {
    let row: Row = table::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    row.try_into()
}

/// One of them, which nobody else changes until the unit of work ends.
pub fn hold(db: &mut Db, id: ScheduleId) -> hms_db::Result<Schedule> {
    let row: Row = table::table.find(Key::from(id)).select(Row::as_select()).lock(db).get_result(db)?;
    row.try_into()
}

/// Whether the practitioner is known, and holds their row: whoever books waits until the schedule is written.
pub fn knows_practitioner(db: &mut Db, id: PractitionerId) -> hms_db::Result<bool> {
    let query = practitioners::table.find(Key::from(id)).select(practitioners::id).lock(db);
    let found: Option<Key> = query.get_result(db).optional()?;
    Ok(found.is_some())
}

/// Whether the place is known.
pub fn knows_department(db: &mut Db, id: DepartmentId) -> hms_db::Result<bool> {
    let found: Option<Key> =
        departments::table.find(Key::from(id)).select(departments::id).first(db).optional()?;
    Ok(found.is_some())
}

/// Writes a new one.
pub fn insert(db: &mut Db, schedule: &Schedule) -> hms_db::Result<()> {
    diesel::insert_into(table::table).values(Row::try_from(schedule)?).execute(db)?;
    Ok(())
}

/// Writes the next version of one that is held.
pub fn save(db: &mut Db, next: &Schedule) -> hms_db::Result<bool> {
    let before = table::table.find(Key::from(next.id)).filter(table::version.eq(next.version - 1));
    Ok(diesel::update(before).set(Row::try_from(next)?).execute(db)? == 1)
}

/// One page of them.
pub fn list(db: &mut Db, list: &List<ScheduleFilters>) -> hms_db::Result<Page<Schedule>> {
    super::paged!(db, list, Row => Schedule, filtered(list), table::id, {
        "created_at" => table::created_at,
    })
}

fn filtered<'a>(list: &List<ScheduleFilters>) -> table::BoxedQuery<'a, MultiBackend> {
    let (query, filters) = (table::table.into_boxed(), &list.filters);
    let query = compare!(query, table::practitioner_id, &filters.practitioner_id, |id| Key::from(id));
    let query = compare!(query, table::department_id, &filters.department_id, |id| Key::from(id));
    compare!(query, table::active, &filters.active, |active| active)
}

impl TryFrom<&Schedule> for Row {
    type Error = Error;

    fn try_from(schedule: &Schedule) -> hms_db::Result<Self> {
        Ok(Self {
            id: schedule.id.into(),
            practitioner_id: schedule.details.practitioner_id.into(),
            department_id: schedule.details.department_id.into(),
            active: schedule.details.active,
            terms: json(&schedule.details)?,
            version: schedule.version,
            created_at: schedule.created_at.into(),
            updated_at: schedule.updated_at.into(),
        })
    }
}

impl TryFrom<Row> for Schedule {
    type Error = Error;

    fn try_from(row: Row) -> hms_db::Result<Self> {
        Ok(Self {
            id: row.id.into(),
            details: read_json(row.terms)?,
            version: row.version,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}
