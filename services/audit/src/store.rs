//! The entries in the database.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use hms_api::{List, Page};
use hms_db::{At, Code, Db, InsertExt, Json, Key, MultiBackend, Result, compare, each};
use hms_model::audit::{Action, Actor, AuditEntry, Outcome};
use hms_model::id::{AuditEntryId, PatientId};
use serde_json::Value;

use crate::api::audit::list::EntryFilters;
use crate::schema::{entries, entry_patients};

/// Rows of one INSERT at the most; databases bound the number of values in a statement.
const ROWS: usize = 1_000;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = entries)]
struct Row {
    id: Key,
    at: At,
    service: String,
    actor_id: Option<Key>,
    actor_roles: Json,
    action: Code<Action>,
    resource: String,
    resource_id: Option<String>,
    patient_ids: Json,
    outcome: Code<Outcome>,
    detail: Option<String>,
    request_id: Option<String>,
    source_ip: Option<String>,
}

#[derive(Insertable)]
#[diesel(table_name = entry_patients)]
struct PatientRow {
    patient_id: Key,
    entry_id: Key,
}

/// Keeps an entry; one that is kept already stays as it is.
pub fn keep(db: &mut Db, entry: &AuditEntry) -> Result<()> {
    let row = Row::of(entry)?;
    let added = diesel::insert_into(entries::table).values(row).or_ignore().execute(db)?;
    if added == 1 { keep_patients(db, entry) } else { Ok(()) }
}

fn keep_patients(db: &mut Db, entry: &AuditEntry) -> Result<()> {
    let mut patients: Vec<PatientId> = entry.patient_ids.clone();
    patients.sort_unstable();
    patients.dedup();
    for patients in patients.chunks(ROWS) {
        let row = |id: &PatientId| PatientRow { patient_id: (*id).into(), entry_id: entry.id.into() };
        let rows: Vec<PatientRow> = patients.iter().map(row).collect();
        each!(db, connection => diesel::insert_into(entry_patients::table).values(&rows).execute(connection))?;
    }
    Ok(())
}

/// The entry of this id.
pub fn find(db: &mut Db, id: AuditEntryId) -> Result<AuditEntry> {
    let row: Row = entries::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    row.entry()
}

/// One page of the entries that match.
pub fn list(db: &mut Db, list: &List<EntryFilters>) -> Result<Page<AuditEntry>> {
    let query = hms_service::page!(matching(&list.filters), list, entries::id, { "at" => entries::at });
    let rows: Vec<Row> = query.select(Row::as_select()).load(db)?;
    let count = match list.must_count(rows.len()) {
        true => Some(matching(&list.filters).count().get_result(db)?),
        false => list.count_known(rows.len()),
    };
    let found = rows.into_iter().map(Row::entry).collect::<Result<Vec<_>>>()?;
    Ok(Page::new(list, found, count, |entry| entry.id.uuid()))
}

fn matching(filters: &EntryFilters) -> entries::BoxedQuery<'static, MultiBackend> {
    let mut query = entries::table.into_boxed();
    for patients in
        [filters.patient_id.eq.map(|id| vec![id]), filters.patient_id.r#in.clone()].into_iter().flatten()
    {
        let patients: Vec<Key> = patients.into_iter().map(Key::from).collect();
        let touched = entry_patients::table.filter(entry_patients::patient_id.eq_any(patients));
        query = query.filter(entries::id.eq_any(touched.select(entry_patients::entry_id)));
    }
    query = compare!(query, entries::actor_id, filters.actor_id, |id| Key::from(id));
    query = compare!(query, entries::action, filters.action, |action| Code(action));
    query = compare!(query, entries::resource, filters.resource, |resource| resource);
    query = compare!(query, entries::resource_id, filters.resource_id, |id| id);
    query = compare!(query, entries::service, filters.service, |service| service);
    query = compare!(query, entries::outcome, filters.outcome, |outcome| Code(outcome));
    compare!(query, entries::at, filters.at, |at| At(at))
}

impl Row {
    fn of(entry: &AuditEntry) -> Result<Self> {
        let json = |value: serde_json::Result<Value>| match value {
            Ok(value) => Ok(Json(value)),
            Err(error) => Err(DieselError::SerializationError(error.into())),
        };
        Ok(Self {
            id: entry.id.into(),
            at: entry.at.into(),
            service: entry.service.clone(),
            actor_id: entry.actor.account_id.map(Key::from),
            actor_roles: json(serde_json::to_value(&entry.actor.roles))?,
            action: entry.action.into(),
            resource: entry.resource.clone(),
            resource_id: entry.resource_id.clone(),
            patient_ids: json(serde_json::to_value(&entry.patient_ids))?,
            outcome: entry.outcome.into(),
            detail: entry.detail.clone(),
            request_id: entry.request_id.clone(),
            source_ip: entry.source_ip.clone(),
        })
    }

    fn entry(self) -> Result<AuditEntry> {
        let unreadable = |error: serde_json::Error| DieselError::DeserializationError(error.into());
        let roles = serde_json::from_value(self.actor_roles.0).map_err(unreadable)?;
        Ok(AuditEntry {
            id: self.id.into(),
            at: self.at.into(),
            service: self.service,
            actor: Actor { account_id: self.actor_id.map(Into::into), roles },
            action: self.action.0,
            resource: self.resource,
            resource_id: self.resource_id,
            patient_ids: serde_json::from_value(self.patient_ids.0).map_err(unreadable)?,
            outcome: self.outcome.0,
            detail: self.detail,
            request_id: self.request_id,
            source_ip: self.source_ip,
        })
    }
}
