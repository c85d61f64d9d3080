//! The table of departments.

use diesel::prelude::*;
use hms_api::List;
use hms_db::{At, Code, Db, InsertExt, Json, KeepExt, Key, LockExt, MultiBackend, compare};
use hms_model::id::DepartmentId;

use super::identifier::identifier_table;
use super::list::{identified, rows_and_count, search};
use super::searchable::searchable_table;
use super::{Unwritten, changed, read, read_json, read_optional, write_json};
use crate::api::department::DepartmentFilters;
use crate::domain::{Department, DepartmentDetails, DepartmentKind, Status};
use crate::schema::{department_identifiers, departments};

identifier_table!(department_identifiers, department_id);
searchable_table!(departments, Department);

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = departments, treat_none_as_null = true)]
struct Row {
    id: Key,
    status: Code<Status>,
    name: String,
    kind: Code<DepartmentKind>,
    phone: Option<String>,
    address: Option<Json>,
    identifiers: Json,
    version: i64,
    created_at: At,
    updated_at: At,
}

/// One department.
pub fn find(db: &mut Db, id: DepartmentId) -> hms_db::Result<Department> {
    let row: Row = departments::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    Department::try_from(row)
}

/// One department, and nobody else changes it before the end of the transaction.
pub fn lock(db: &mut Db, id: DepartmentId) -> hms_db::Result<Department> {
    let query = departments::table.find(Key::from(id)).select(Row::as_select()).lock(db);
    let row: Row = query.get_result(db)?;
    Department::try_from(row)
}

/// Writes a new department.
pub fn insert(db: &mut Db, department: &Department) -> Result<(), Unwritten> {
    let row = (Row::try_from(department)?, Searchable::of(department));
    diesel::insert_into(departments::table).values(row).execute(db)?;
    replace_identifiers(db, department.id.into(), &[], &department.details.identifiers)
}

/// Writes a department as it is `after` a change, where it still is as `before`.
pub fn update(db: &mut Db, before: &Department, after: &Department) -> Result<(), Unwritten> {
    let row = departments::table.find(Key::from(before.id));
    let as_loaded = row.filter(departments::version.eq(before.version));
    let row = (Row::try_from(after)?, Searchable::of(after));
    changed(diesel::update(as_loaded).set(row).execute(db)?)?;
    replace_identifiers(db, after.id.into(), &before.details.identifiers, &after.details.identifiers)
}

/// The departments of a list, with their number where it is known.
pub fn list(db: &mut Db, list: &List<DepartmentFilters>) -> hms_db::Result<(Vec<Department>, Option<i64>)> {
    let (rows, count) = rows_and_count!(db, list, Row, filtered(list), departments::id, {
        "created_at" => departments::created_at,
        "name" => departments::name,
    });
    let departments: hms_db::Result<_> = rows.into_iter().map(Department::try_from).collect();
    Ok((departments?, count))
}

fn filtered(list: &List<DepartmentFilters>) -> departments::BoxedQuery<'static, MultiBackend> {
    let filters = &list.filters;
    let query = departments::table.into_boxed();
    let query = compare!(query, departments::status, filters.status, |status| Code(status));
    let query = compare!(query, departments::kind, filters.kind, |kind| Code(kind));
    let query = compare!(query, departments::created_at, filters.created_at, |at| At(at));
    let query =
        identified!(query, departments::id, filters.identifier, department_identifiers, department_id);
    search!(query, departments::search_text, list.search)
}

impl TryFrom<&Department> for Row {
    type Error = hms_db::Error;

    fn try_from(department: &Department) -> hms_db::Result<Self> {
        let details = &department.details;
        Ok(Self {
            id: department.id.into(),
            status: Code(department.status),
            name: details.name.to_string(),
            kind: Code(details.kind),
            phone: details.phone.as_ref().map(ToString::to_string),
            address: details.address.as_ref().map(write_json).transpose()?,
            identifiers: write_json(&details.identifiers)?,
            version: department.version,
            created_at: At(department.created_at),
            updated_at: At(department.updated_at),
        })
    }
}

impl TryFrom<Row> for Department {
    type Error = hms_db::Error;

    fn try_from(row: Row) -> hms_db::Result<Self> {
        let details = DepartmentDetails {
            name: read(row.name)?,
            kind: row.kind.0,
            phone: read_optional(row.phone)?,
            address: row.address.map(read_json).transpose()?,
            identifiers: read_json(row.identifiers)?,
        };
        Ok(Self {
            id: row.id.into(),
            status: row.status.0,
            details,
            version: row.version,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}
