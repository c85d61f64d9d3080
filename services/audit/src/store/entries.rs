//! The entries, as they are asked for.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use hms_api::{Cmp, List, Page};
use hms_db::{At, Code, Db, Key, MultiBackend, Result, compare};
use hms_model::Coded;
use hms_model::audit::{Action, AuditEntry};
use hms_model::id::AuditEntryId;

use crate::api::audit::list::EntryFilters;
use crate::schema::{entries, entry_patients};

/// The entry of this id.
pub fn find(db: &mut Db, id: AuditEntryId) -> Result<AuditEntry> {
    let text: String =
        entries::table.filter(entries::id.eq(Key::from(id))).select(entries::entry).first(db)?;
    read(&text)
}

/// One page of the entries that match.
pub fn list(db: &mut Db, list: &List<EntryFilters>) -> Result<Page<AuditEntry>> {
    let query = hms_service::page!(matching(&list.filters), list, entries::id, { "at" => entries::at });
    let texts: Vec<String> = query.select(entries::entry).load(db)?;
    let count = match list.must_count(texts.len()) {
        true => Some(matching(&list.filters).count().get_result(db)?),
        false => list.count_known(texts.len()),
    };
    let found = texts.iter().map(|text| read(text)).collect::<Result<Vec<_>>>()?;
    Ok(Page::new(list, found, count, |entry| entry.id.uuid()))
}

/// What is shown is what is in the chain, not what stands beside it to find it by.
fn read(text: &str) -> Result<AuditEntry> {
    Ok(serde_json::from_str(text).map_err(|error| DieselError::DeserializationError(error.into()))?)
}

fn matching(filters: &EntryFilters) -> entries::BoxedQuery<'static, MultiBackend> {
    let mut query = entries::table.into_boxed();
    for patients in
        [filters.patient_id.eq.map(|id| vec![id]), filters.patient_id.r#in.clone()].into_iter().flatten()
    {
        let patients: Vec<Key> = patients.into_iter().map(Key::from).collect();
        // The action is in the same index as the patient.
        let touched = entry_patients::table
            .filter(entry_patients::patient_id.eq_any(patients))
            .filter(entry_patients::action.eq_any(actions(&filters.action)));
        query = query.filter(entries::seq.eq_any(touched.select(entry_patients::seq)));
    }
    query = compare!(query, entries::actor_id, filters.actor_id, |id| Key::from(id));
    query = compare!(query, entries::action, filters.action, |action| Code(action));
    query = compare!(query, entries::resource, filters.resource, |resource| resource);
    query = compare!(query, entries::resource_id, filters.resource_id, |id| id);
    query = compare!(query, entries::service, filters.service, |service| service);
    query = compare!(query, entries::outcome, filters.outcome, |outcome| Code(outcome));
    compare!(query, entries::at, filters.at, |at| At(at))
}

/// The actions that are asked for, one by one; all where none is.
fn actions(filter: &Cmp<Action>) -> Vec<Code<Action>> {
    let asked = |action: &&Action| {
        filter.eq.is_none_or(|asked| asked == **action)
            && filter.r#in.as_ref().is_none_or(|asked| asked.contains(action))
    };
    Action::ALL.iter().filter(asked).copied().map(Code).collect()
}
