//! The table of patients.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use hms_api::{Cmp, List};
use hms_care::{Carer, in_care};
use hms_db::{At, Code, Db, InsertExt, Json, KeepExt, Key, LockExt, MultiBackend, compare, each};
use hms_model::id::{AccountId, PatientId};
use hms_model::role::Reach;
use hms_service::Known;

use super::found::{self, Page};
use super::identifier::identifier_table;
use super::list::{any_of, boxed, identified, search};
use super::searchable::searchable_table;
use super::{Unwritten, changed, read, read_json, read_optional, write_json};
use crate::api::patient::PatientFilters;
use crate::domain::{Gender, Patient, PatientDetails, PatientStatus, last_birth_date, words};
use crate::schema::{patient_identifiers, patients};

identifier_table!(patient_identifiers, patient_id);
searchable_table!(patients, Patient);

hms_care::held_to_care!(patients);

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = patients, treat_none_as_null = true)]
struct Row {
    id: Key,
    mrn: String,
    status: Code<PatientStatus>,
    given_name: String,
    family_name: String,
    birth_date: NaiveDate,
    gender: Code<Gender>,
    phone: Option<String>,
    email: Option<String>,
    language: Option<String>,
    address: Option<Json>,
    identifiers: Json,
    deceased_at: Option<At>,
    account_id: Option<Key>,
    version: i64,
    created_at: At,
    updated_at: At,
}

/// Those of these patients who are there.
pub fn find_all(db: &mut Db, ids: &[PatientId]) -> hms_db::Result<HashMap<PatientId, Patient>> {
    let keys: Vec<Key> = ids.iter().map(|id| Key::from(*id)).collect();
    // On PostgreSQL `eq_any` is one array, and the statement the same for any number; not so through the derived backend.
    let rows: Vec<Row> = each!(db, connection => {
        patients::table.filter(patients::id.eq_any(keys)).select(Row::as_select()).load(connection)
    })?;
    let patients = rows.into_iter().map(|row| Patient::try_from(row).map(|patient| (patient.id, patient)));
    patients.collect()
}

/// One patient.
pub fn find(db: &mut Db, id: PatientId) -> hms_db::Result<Patient> {
    let row: Row = patients::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    Patient::try_from(row)
}

/// The patient of an account.
pub fn find_of_account(db: &mut Db, account_id: AccountId) -> hms_db::Result<Patient> {
    let own = patients::table.filter(patients::account_id.eq(Key::from(account_id)));
    let row: Row = own.select(Row::as_select()).first(db)?;
    Patient::try_from(row)
}

/// One patient, and nobody else changes it before the end of the transaction.
pub fn lock(db: &mut Db, id: PatientId) -> hms_db::Result<Patient> {
    let query = patients::table.find(Key::from(id)).select(Row::as_select()).lock(db);
    let row: Row = query.get_result(db)?;
    Patient::try_from(row)
}

/// Writes a new patient.
pub fn insert(db: &mut Db, patient: &Patient) -> Result<(), Unwritten> {
    let row = (Row::try_from(patient)?, Searchable::of(patient));
    if diesel::insert_into(patients::table).values(row).or_ignore().kept().execute(db)? == 0 {
        return Err(clash(db, patient)?);
    }
    replace_identifiers(db, patient.id.into(), &[], &patient.details.identifiers)
}

/// A new id is no other's, so it is the account or the number.
fn clash(db: &mut Db, patient: &Patient) -> Result<Unwritten, Unwritten> {
    let Some(account_id) = patient.account_id else { return Ok(Unwritten::MrnTaken) };
    let own = patients::table.filter(patients::account_id.eq(Key::from(account_id)));
    let id: Option<Key> = own.select(patients::id).first(db).optional()?;
    Ok(id.map_or(Unwritten::MrnTaken, |id| Unwritten::HasPatient(id.into())))
}

/// Writes a patient as they are `after` a change, where they still are as `before`.
pub fn update(db: &mut Db, before: &Patient, after: &Patient) -> Result<(), Unwritten> {
    let as_loaded = patients::table.find(Key::from(before.id)).filter(patients::version.eq(before.version));
    let row = (Row::try_from(after)?, Searchable::of(after));
    changed(diesel::update(as_loaded).set(row).execute(db)?)?;
    replace_identifiers(db, after.id.into(), &before.details.identifiers, &after.details.identifiers)
}

/// The patients of a list that the caller may see, with their number where it is known; what was `known` a moment ago is not
/// counted, nor passed over, again. Ages are those of today.
pub fn list(
    db: &mut Db,
    list: &List<PatientFilters>,
    whose: Whose<'_>,
    now: DateTime<Utc>,
    known: Known,
) -> hms_db::Result<(Vec<Patient>, Option<i64>)> {
    let (rows, count) = match words(list.search.as_deref().unwrap_or_default()).as_slice() {
        [] => {
            let rows = page(db, list, filtered(list, whose, now), known)?;
            let count = count(db, list, rows.len(), known.count, || filtered(list, whose, now))?;
            (rows, count)
        }
        words => found(db, list, (words, whose), known, || filtered(list, whose, now))?,
    };
    let patients: hms_db::Result<_> = rows.into_iter().map(Patient::try_from).collect();
    Ok((patients?, count))
}

/// A page of those who have these words, in the cheapest way that finds them all.
fn found(
    db: &mut Db,
    list: &List<PatientFilters>,
    (words, whose): (&[String], Whose<'_>),
    known: Known,
    all: impl Fn() -> Query,
) -> hms_db::Result<(Vec<Row>, Option<i64>)> {
    if !found::is_few(known.count)
        && let Some(newest) = found::newest(db, list)?
    {
        let rows = page(db, list, all().filter(patients::id.ge(newest)), known)?;
        if is_full(list, &rows) {
            let count = count(db, list, rows.len(), known.count, all)?;
            return Ok((rows, count));
        }
    }
    let told = if is_all(list, whose) { found::page(db, list, words)? } else { Page::Untold };
    let few = match told {
        Page::Found { ids, count: number } => {
            let rows = by_ids(db, ids)?;
            let count = count(db, list, rows.len(), Some(number), all)?;
            return Ok((rows, count));
        }
        Page::Many => None,
        Page::Untold => found::few(db, words)?,
    };
    let all = || match &few {
        Some(few) => all().filter(patients::id.eq_any(few.clone())),
        None => all(),
    };
    let rows = page(db, list, all(), known)?;
    let count = count(db, list, rows.len(), known.count, all)?;
    Ok((rows, count))
}

/// Whether nothing but the words narrows the list, and the newest come first.
fn is_all(list: &List<PatientFilters>, (reach, carer): Whose<'_>) -> bool {
    list.order.is_none()
        && list.filters == PatientFilters::default()
        && reach == Reach::Everyone
        && carer.is_none()
}

fn is_full(list: &List<PatientFilters>, rows: &[Row]) -> bool {
    i64::try_from(rows.len()).is_ok_and(|rows| rows == list.paging.limit())
}

fn page(db: &mut Db, list: &List<PatientFilters>, query: Query, known: Known) -> hms_db::Result<Vec<Row>> {
    let mut query = hms_service::page!(query, list, patients::id, {
        "created_at" => patients::created_at,
        "family_name" => patients::family_name,
        "birth_date" => patients::birth_date,
    });
    let mut passed_over = list.paging.offset();
    if let Some(near) = known.near {
        passed_over -= near.offset;
        query = query.filter(patients::id.le(Key(near.id))).offset(passed_over);
    }
    if passed_over <= list.paging.limit() {
        return Ok(query.select(Row::as_select()).load(db)?);
    }
    // An index alone has the ids: what is passed over is not read, nor sorted, in its whole width.
    let ids: Vec<Key> = query.select(patients::id).load(db)?;
    by_ids(db, ids)
}

/// The rows of these, in their order.
fn by_ids(db: &mut Db, ids: Vec<Key>) -> hms_db::Result<Vec<Row>> {
    let wanted = ids.clone();
    let rows: Vec<Row> = each!(db, connection => {
        patients::table.filter(patients::id.eq_any(wanted)).select(Row::as_select()).load(connection)
    })?;
    let mut rows: HashMap<Key, Row> = rows.into_iter().map(|row| (row.id, row)).collect();
    Ok(ids.into_iter().filter_map(|id| rows.remove(&id)).collect())
}

/// The number of all of them: as the page tells it, as it was counted a moment ago, or counted.
fn count(
    db: &mut Db,
    list: &List<PatientFilters>,
    rows: usize,
    counted: Option<i64>,
    all: impl Fn() -> Query,
) -> hms_db::Result<Option<i64>> {
    if !list.must_count(rows) {
        return Ok(list.count_known(rows));
    }
    Ok(Some(match counted {
        Some(count) => count,
        None => all().count().get_result(db)?,
    }))
}

type Query = patients::BoxedQuery<'static, MultiBackend>;

/// What a caller reaches, and who it is when they see only those in their care.
pub type Whose<'a> = (Reach, Option<&'a Carer>);

fn filtered(list: &List<PatientFilters>, (reach, carer): Whose<'_>, now: DateTime<Utc>) -> Query {
    let (filters, today) = (&list.filters, now.date_naive());
    let query = within(patients::table.into_boxed(), reach);
    let query = match carer {
        Some(carer) => {
            let own = patients::account_id.eq(Some(Key::from(carer.account_id())));
            query.filter(in_care!(patients::id, carer, now).or(own))
        }
        None => query,
    };
    let query = compare!(query, patients::status, filters.status, |status| Code(status));
    let query = compare!(query, patients::gender, filters.gender, |gender| Code(gender));
    let query = compare!(query, patients::birth_date, filters.birth_date, |birth| birth.date());
    let query = aged(query, &filters.age, today);
    let query = compare!(query, patients::email, filters.email, |email| email.to_string());
    let query = compare!(query, patients::phone, filters.phone, |phone| phone.to_string());
    let query = compare!(query, patients::created_at, filters.created_at, |at| At(at));
    let query = identified!(query, patients::id, filters.identifier, patient_identifiers, patient_id);
    search!(query, patients::search_text, list.search)
}

/// What `Patient::visible_to` says of one record, for many.
fn within(query: Query, reach: Reach) -> Query {
    match reach {
        Reach::Everyone => query,
        Reach::Own { account_id, patient_id: None } => {
            query.filter(patients::account_id.eq(Key::from(account_id)))
        }
        Reach::Own { account_id, patient_id: Some(id) } => {
            let owner = patients::account_id.eq(Some(Key::from(account_id)));
            query.filter(patients::id.nullable().eq(Some(Key::from(id))).or(owner))
        }
        // A patient's record belongs to no department.
        Reach::Department { .. } => query.filter(patients::id.ne(patients::id)),
    }
}

/// The older, the earlier born.
fn aged(mut query: Query, ages: &Cmp<u16>, today: NaiveDate) -> Query {
    let last = |age: u16| last_birth_date(today, age);
    let older = |age: u16| last_birth_date(today, age.saturating_add(1));
    if let Some(age) = ages.gt {
        query = query.filter(patients::birth_date.le(older(age)));
    }
    if let Some(age) = ages.gte {
        query = query.filter(patients::birth_date.le(last(age)));
    }
    if let Some(age) = ages.lt {
        query = query.filter(patients::birth_date.gt(last(age)));
    }
    if let Some(age) = ages.lte {
        query = query.filter(patients::birth_date.gt(older(age)));
    }
    for any in ages.eq.iter().map(|age| vec![*age]).chain(ages.r#in.clone()) {
        let of_age = |age| boxed(patients::birth_date.gt(older(age)).and(patients::birth_date.le(last(age))));
        if let Some(condition) = any_of(any.into_iter().map(of_age)) {
            query = query.filter(condition);
        }
    }
    query
}

impl TryFrom<&Patient> for Row {
    type Error = hms_db::Error;

    fn try_from(patient: &Patient) -> hms_db::Result<Self> {
        let details = &patient.details;
        Ok(Self {
            id: patient.id.into(),
            mrn: patient.mrn.clone(),
            status: Code(patient.status),
            given_name: details.given_name.to_string(),
            family_name: details.family_name.to_string(),
            birth_date: details.birth_date.date(),
            gender: Code(details.gender),
            phone: details.phone.as_ref().map(ToString::to_string),
            email: details.email.as_ref().map(ToString::to_string),
            language: details.language.as_ref().map(ToString::to_string),
            address: details.address.as_ref().map(write_json).transpose()?,
            identifiers: write_json(&details.identifiers)?,
            deceased_at: details.deceased_at.map(At),
            account_id: patient.account_id.map(Key::from),
            version: patient.version,
            created_at: At(patient.created_at),
            updated_at: At(patient.updated_at),
        })
    }
}

impl TryFrom<Row> for Patient {
    type Error = hms_db::Error;

    fn try_from(row: Row) -> hms_db::Result<Self> {
        let details = PatientDetails {
            given_name: read(row.given_name)?,
            family_name: read(row.family_name)?,
            birth_date: row.birth_date.into(),
            gender: row.gender.0,
            phone: read_optional(row.phone)?,
            email: read_optional(row.email)?,
            language: read_optional(row.language)?,
            address: row.address.map(read_json).transpose()?,
            identifiers: read_json(row.identifiers)?,
            deceased_at: row.deceased_at.map(Into::into),
        };
        Ok(Self {
            id: row.id.into(),
            mrn: row.mrn,
            status: row.status.0,
            details,
            account_id: row.account_id.map(Into::into),
            version: row.version,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}
