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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use diesel::connection::{Connection, Instrumentation, InstrumentationEvent};
    use diesel::sql_types::{Nullable, Text};
    use hms_db::{Backend, Database, PoolOptions};
    use hms_model::id::Id;
    use hms_testkit::database::TestDatabase;
    use parking_lot::Mutex;

    use super::*;

    /// Hears the statements about entries as they go out.
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<String>>>);

    impl Instrumentation for Heard {
        fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                self.0.lock().extend(Some(query.to_string()).filter(|query| query.contains("entries")));
            }
        }
    }

    #[derive(Debug, QueryableByName)]
    struct Step {
        #[diesel(sql_type = Nullable<Text>)]
        detail: Option<String>,
    }

    /// How the database means to run a statement whose values are not known to it.
    fn plan(db: &mut Db, statement: &str) -> Vec<String> {
        let statement = statement.split(" -- binds").next().unwrap();
        let steps: Vec<Step> = match db {
            Db::Sqlite(_) => diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(db).unwrap(),
            Db::Pg(connection) => {
                let values = (1..10).filter(|n| statement.contains(&format!("${n}"))).map(|_| "NULL");
                let values = values.collect::<Vec<_>>().join(", ");
                // The tables are empty, which makes reading them whole cheap.
                let prepare = format!(
                    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; PREPARE asked AS {statement}"
                );
                diesel::connection::SimpleConnection::batch_execute(connection, &prepare).unwrap();
                let explain = format!("EXPLAIN EXECUTE asked({values})");
                let lines: Vec<String> = diesel::dsl::sql::<Text>(&explain).load(connection).unwrap();
                lines.into_iter().map(|detail| Step { detail: Some(detail) }).collect()
            }
        };
        steps.into_iter().filter_map(|step| step.detail).collect()
    }

    hms_testkit::on_both_back_ends! {
        async fn who_looked_at_this_patient_is_one_query_by_index(backend) {
            let migrations = hms_service::all_migrations::<crate::Service>();
            let own = TestDatabase::new(backend, "audit", &migrations).await;
            let database = Database::new(own.url.clone(), PoolOptions::default());
            let asked = format!("patient_id={}&action=read", Id::<()>::new(chrono::DateTime::UNIX_EPOCH));
            let plan = database.read(move |db| {
                let heard = Heard::default();
                db.set_instrumentation(heard.clone());
                list(db, &List::parse("/api/v1/audit", &asked).unwrap())?;
                let statements = std::mem::take(&mut *heard.0.lock());
                assert_eq!(statements.len(), 1, "{statements:?}");
                Ok::<_, hms_db::Error>(plan(db, &statements[0]))
            });
            let plan = plan.await.unwrap().join("\n");
            // First the numbers by patient and action, then the entries by their numbers.
            let steps = match backend {
                Backend::Sqlite => [
                    "SEARCH entry_patients USING COVERING INDEX sqlite_autoindex_entry_patients_1 (patient_id=? AND action=?)",
                    "SEARCH entries USING INDEX sqlite_autoindex_entries_1 (seq=?)",
                ],
                Backend::Postgres => ["entry_patients_pkey", "entries_pkey"],
            };
            assert!(steps.iter().all(|step| plan.contains(step)), "{plan}");
            assert!(!plan.contains("SCAN entries") && !plan.contains("Seq Scan"), "{plan}");
        }
    }
}
