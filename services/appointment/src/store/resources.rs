//! Rooms and equipment.

use diesel::prelude::*;
use hms_api::{List, Page, list_filters};
use hms_db::{At, Code, Db, Error, Key, LockExt, MultiBackend, compare, like_pattern, lower};
use hms_model::id::{DepartmentId, ResourceId};

use super::unreadable;
use crate::domain::{Resource, ResourceDetails, ResourceKind};
use crate::schema::resources as table;

list_filters! {
    /// What `GET /resources` can be filtered and ordered by.
    pub struct ResourceFilters {
        department_id: DepartmentId = Set,
        kind: ResourceKind = Set,
        category: String = Set,
        active: bool = Set,
    }
    search: Some("name"),
    ordering: ["name", "created_at"],
}

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = table)]
pub(super) struct Row {
    id: Key,
    department_id: Key,
    kind: Code<ResourceKind>,
    category: String,
    name: String,
    active: bool,
    version: i64,
    created_at: At,
    updated_at: At,
}

/// One of them.
pub fn find(db: &mut Db, id: ResourceId) -> hms_db::Result<Resource> {
    let row: Row = table::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    row.try_into()
}

/// One of them, which nobody else changes or books until the unit of work ends.
pub fn hold(db: &mut Db, id: ResourceId) -> hms_db::Result<Resource> {
    let row: Row = table::table.find(Key::from(id)).select(Row::as_select()).lock(db).get_result(db)?;
    row.try_into()
}

/// Writes a new one.
pub fn insert(db: &mut Db, resource: &Resource) -> hms_db::Result<()> {
    diesel::insert_into(table::table).values(Row::from(resource)).execute(db)?;
    Ok(())
}

/// Writes the next version of one that is held.
pub fn save(db: &mut Db, next: &Resource) -> hms_db::Result<bool> {
    let before = table::table.find(Key::from(next.id)).filter(table::version.eq(next.version - 1));
    Ok(diesel::update(before).set(Row::from(next)).execute(db)? == 1)
}

/// One page of them.
pub fn list(db: &mut Db, list: &List<ResourceFilters>) -> hms_db::Result<Page<Resource>> {
    super::paged!(db, list, Row => Resource, filtered(list), table::id, {
        "name" => table::name,
        "created_at" => table::created_at,
    })
}

fn filtered<'a>(list: &List<ResourceFilters>) -> table::BoxedQuery<'a, MultiBackend> {
    let (query, filters) = (table::table.into_boxed(), &list.filters);
    let query = compare!(query, table::department_id, &filters.department_id, |id| Key::from(id));
    let query = compare!(query, table::kind, &filters.kind, |kind| Code(kind));
    let query = compare!(query, table::category, &filters.category, |category| category);
    let query = compare!(query, table::active, &filters.active, |active| active);
    match list.search.as_deref() {
        Some(text) => query.filter(lower(table::name).like(like_pattern(text)).escape('\\')),
        None => query,
    }
}

impl From<&Resource> for Row {
    fn from(resource: &Resource) -> Self {
        let details = &resource.details;
        Self {
            id: resource.id.into(),
            department_id: details.department_id.into(),
            kind: details.kind.into(),
            category: details.category.to_string(),
            name: details.name.to_string(),
            active: details.active,
            version: resource.version,
            created_at: resource.created_at.into(),
            updated_at: resource.updated_at.into(),
        }
    }
}

impl TryFrom<Row> for Resource {
    type Error = Error;

    fn try_from(row: Row) -> hms_db::Result<Self> {
        Ok(Self {
            id: row.id.into(),
            details: ResourceDetails {
                department_id: row.department_id.into(),
                kind: row.kind.0,
                category: row.category.try_into().map_err(unreadable)?,
                name: row.name.try_into().map_err(unreadable)?,
                active: row.active,
            },
            version: row.version,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}
