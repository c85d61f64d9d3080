//! The table of practitioners.

use diesel::prelude::*;
use hms_api::List;
use hms_db::{At, Code, Db, InsertExt, Json, KeepExt, Key, LockExt, MultiBackend, compare};
use hms_model::id::PractitionerId;

use super::identifier::identifier_table;
use super::list::{identified, rows_and_count, search};
use super::searchable::searchable_table;
use super::{Unwritten, changed, read, read_json, read_optional, write_json};
use crate::api::practitioner::PractitionerFilters;
use crate::domain::{Gender, Practitioner, PractitionerDetails, Status};
use crate::schema::{practitioner_identifiers, practitioners};

identifier_table!(practitioner_identifiers, practitioner_id);
searchable_table!(practitioners, Practitioner);

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = practitioners, treat_none_as_null = true)]
struct Row {
    id: Key,
    status: Code<Status>,
    given_name: String,
    family_name: String,
    prefix: Option<String>,
    gender: Option<Code<Gender>>,
    specialty: Option<String>,
    department_id: Option<Key>,
    phone: Option<String>,
    email: Option<String>,
    identifiers: Json,
    account_id: Option<Key>,
    version: i64,
    created_at: At,
    updated_at: At,
}

/// One practitioner.
pub fn find(db: &mut Db, id: PractitionerId) -> hms_db::Result<Practitioner> {
    let row: Row = practitioners::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    Practitioner::try_from(row)
}

/// Those of these practitioners that there are.
pub fn find_all(db: &mut Db, keys: Vec<Key>) -> hms_db::Result<Vec<Practitioner>> {
    let these = practitioners::table.filter(practitioners::id.eq_any(keys));
    let rows: Vec<Row> = these.order(practitioners::id).select(Row::as_select()).load(db)?;
    rows.into_iter().map(Practitioner::try_from).collect()
}

/// One practitioner, and nobody else changes it before the end of the transaction.
pub fn lock(db: &mut Db, id: PractitionerId) -> hms_db::Result<Practitioner> {
    let query = practitioners::table.find(Key::from(id)).select(Row::as_select()).lock(db);
    let row: Row = query.get_result(db)?;
    Practitioner::try_from(row)
}

/// Writes a new practitioner.
pub fn insert(db: &mut Db, practitioner: &Practitioner) -> Result<(), Unwritten> {
    let row = (Row::try_from(practitioner)?, Searchable::of(practitioner));
    diesel::insert_into(practitioners::table).values(row).execute(db)?;
    replace_identifiers(db, practitioner.id.into(), &[], &practitioner.details.identifiers)
}

/// Writes a practitioner as they are `after` a change, where they still are as `before`.
pub fn update(db: &mut Db, before: &Practitioner, after: &Practitioner) -> Result<(), Unwritten> {
    let row = practitioners::table.find(Key::from(before.id));
    let as_loaded = row.filter(practitioners::version.eq(before.version));
    let row = (Row::try_from(after)?, Searchable::of(after));
    changed(diesel::update(as_loaded).set(row).execute(db)?)?;
    replace_identifiers(db, after.id.into(), &before.details.identifiers, &after.details.identifiers)
}

/// The practitioners of a list, with their number where it is known.
pub fn list(
    db: &mut Db,
    list: &List<PractitionerFilters>,
) -> hms_db::Result<(Vec<Practitioner>, Option<i64>)> {
    let (rows, count) = rows_and_count!(db, list, Row, filtered(list), practitioners::id, {
        "created_at" => practitioners::created_at,
        "family_name" => practitioners::family_name,
    });
    let practitioners: hms_db::Result<_> = rows.into_iter().map(Practitioner::try_from).collect();
    Ok((practitioners?, count))
}

fn filtered(list: &List<PractitionerFilters>) -> practitioners::BoxedQuery<'static, MultiBackend> {
    let filters = &list.filters;
    let query = practitioners::table.into_boxed();
    let query = compare!(query, practitioners::status, filters.status, |status| Code(status));
    let query = compare!(query, practitioners::gender, filters.gender, |gender| Code(gender));
    let query =
        compare!(query, practitioners::specialty, filters.specialty, |specialty| specialty.to_string());
    let query = compare!(query, practitioners::department_id, filters.department_id, |id| Key::from(id));
    let query = compare!(query, practitioners::email, filters.email, |email| email.to_string());
    let query = compare!(query, practitioners::phone, filters.phone, |phone| phone.to_string());
    let query = compare!(query, practitioners::created_at, filters.created_at, |at| At(at));
    let query =
        identified!(query, practitioners::id, filters.identifier, practitioner_identifiers, practitioner_id);
    search!(query, practitioners::search_text, list.search)
}

impl TryFrom<&Practitioner> for Row {
    type Error = hms_db::Error;

    fn try_from(practitioner: &Practitioner) -> hms_db::Result<Self> {
        let details = &practitioner.details;
        Ok(Self {
            id: practitioner.id.into(),
            status: Code(practitioner.status),
            given_name: details.given_name.to_string(),
            family_name: details.family_name.to_string(),
            prefix: details.prefix.as_ref().map(ToString::to_string),
            gender: details.gender.map(Code),
            specialty: details.specialty.as_ref().map(ToString::to_string),
            department_id: details.department_id.map(Key::from),
            phone: details.phone.as_ref().map(ToString::to_string),
            email: details.email.as_ref().map(ToString::to_string),
            identifiers: write_json(&details.identifiers)?,
            account_id: practitioner.account_id.map(Key::from),
            version: practitioner.version,
            created_at: At(practitioner.created_at),
            updated_at: At(practitioner.updated_at),
        })
    }
}

impl TryFrom<Row> for Practitioner {
    type Error = hms_db::Error;

    fn try_from(row: Row) -> hms_db::Result<Self> {
        let details = PractitionerDetails {
            given_name: read(row.given_name)?,
            family_name: read(row.family_name)?,
            prefix: read_optional(row.prefix)?,
            gender: row.gender.map(|gender| gender.0),
            specialty: read_optional(row.specialty)?,
            department_id: row.department_id.map(Into::into),
            phone: read_optional(row.phone)?,
            email: read_optional(row.email)?,
            identifiers: read_json(row.identifiers)?,
        };
        Ok(Self {
            id: row.id.into(),
            status: row.status.0,
            details,
            account_id: row.account_id.map(Into::into),
            version: row.version,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}
