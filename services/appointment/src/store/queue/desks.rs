//! The desks that people are called to.

use diesel::prelude::*;
use hms_api::{List, Page, list_filters};
use hms_db::{At, Db, Error, Key, MultiBackend, compare};
use hms_model::id::{DepartmentId, DeskId};
use hms_service::page;

use crate::domain::Desk;
use crate::schema::queue_desks as table;
use crate::store::unreadable;

list_filters! {
    /// What `GET /queue/desks` can be filtered and ordered by.
    pub struct DeskFilters {
        department_id: DepartmentId = Set,
    }
    search: None,
    ordering: ["name", "created_at"],
}

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = table)]
struct Row {
    id: Key,
    department_id: Key,
    name: String,
    created_at: At,
}

impl TryFrom<Row> for Desk {
    type Error = Error;

    fn try_from(row: Row) -> hms_db::Result<Self> {
        Ok(Self {
            id: row.id.into(),
            department_id: row.department_id.into(),
            name: row.name.try_into().map_err(unreadable)?,
            created_at: row.created_at.into(),
        })
    }
}

/// Writes a new one; a name is there once in a department.
pub fn open_desk(db: &mut Db, desk: &Desk) -> hms_db::Result<()> {
    let row = Row {
        id: desk.id.into(),
        department_id: desk.department_id.into(),
        name: desk.name.to_string(),
        created_at: desk.created_at.into(),
    };
    diesel::insert_into(table::table).values(row).execute(db)?;
    Ok(())
}

/// Takes one away.
pub fn close_desk(db: &mut Db, id: DeskId) -> hms_db::Result<()> {
    diesel::delete(table::table.find(Key::from(id))).execute(db)?;
    Ok(())
}

/// The desk of this id.
pub fn find_desk(db: &mut Db, id: DeskId) -> hms_db::Result<Option<Desk>> {
    let row: Option<Row> = table::table.find(Key::from(id)).select(Row::as_select()).first(db).optional()?;
    row.map(Desk::try_from).transpose()
}

/// How many a department has.
pub fn count_desks(db: &mut Db, department: DepartmentId) -> hms_db::Result<i64> {
    Ok(table::table.filter(table::department_id.eq(Key::from(department))).count().get_result(db)?)
}

fn filtered<'a>(filters: &DeskFilters) -> table::BoxedQuery<'a, MultiBackend> {
    let query = table::table.into_boxed();
    compare!(query, table::department_id, &filters.department_id, |id| Key::from(id))
}

/// One page of them.
pub fn list_desks(db: &mut Db, list: &List<DeskFilters>) -> hms_db::Result<Page<Desk>> {
    let query = page!(filtered(&list.filters).select(Row::as_select()), list, table::id, {
        "name" => table::name,
        "created_at" => table::created_at,
    });
    let rows: Vec<Row> = query.load(db)?;
    let count = if list.must_count(rows.len()) {
        Some(filtered(&list.filters).count().get_result(db)?)
    } else {
        list.count_known(rows.len())
    };
    let desks = rows.into_iter().map(Desk::try_from).collect::<hms_db::Result<Vec<_>>>()?;
    Ok(Page::new(list, desks, count, |desk| desk.id.uuid()))
}
