//! Lists of who waits.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_api::{List, Page, list_filters};
use hms_care::{Carer, Sight, in_care};
use hms_db::{At, Code, Db, Key, MultiBackend, compare};
use hms_model::id::{DepartmentId, PatientId, PractitionerId};
use hms_model::role::Reach;
use hms_service::page;

use super::Row;
use crate::domain::{Entry, EntryStatus, Moment};
use crate::schema::waitlist_entries as table;

list_filters! {
    /// What `GET /waitlist` can be filtered and ordered by.
    pub struct WaitlistFilters {
        patient_id: PatientId = Set,
        practitioner_id: PractitionerId = Set,
        department_id: DepartmentId = Set,
        status: EntryStatus = Set,
        start: Moment = Range,
        end: Moment = Range,
    }
    search: None,
    ordering: ["created_at"],
}

fn visible<'a>(
    list: &List<WaitlistFilters>,
    reach: Reach,
    carer: Option<&Carer>,
    now: DateTime<Utc>,
) -> table::BoxedQuery<'a, MultiBackend> {
    let query = table::table.into_boxed();
    let query = match reach {
        Reach::Everyone => query,
        Reach::Own { patient_id, .. } => {
            query.filter(table::patient_id.nullable().eq(patient_id.map(Key::from)))
        }
        Reach::Department { department_id } => {
            query.filter(table::department_id.eq(Some(Key::from(department_id))))
        }
    };
    let query = match carer {
        Some(carer) => query.filter(in_care!(table::patient_id, carer, now)),
        None => query,
    };
    let filters = &list.filters;
    let query = compare!(query, table::patient_id, &filters.patient_id, |id| Key::from(id));
    let query = compare!(query, table::practitioner_id, &filters.practitioner_id, |id| Some(Key::from(id)));
    let query = compare!(query, table::department_id, &filters.department_id, |id| Some(Key::from(id)));
    let query = compare!(query, table::status, &filters.status, |status| Code(status));
    let query = compare!(query, table::start_at, &filters.start, |at| At::from(at.0));
    compare!(query, table::end_at, &filters.end, |at| At::from(at.0))
}

/// One page of those that the caller may see, with what is offered to them.
pub fn list(
    db: &mut Db,
    list: &List<WaitlistFilters>,
    sight: &Sight,
    now: DateTime<Utc>,
) -> hms_db::Result<Page<Entry>> {
    let (reach, carer) = (sight.reach(), sight.carer(db)?);
    let matching = || visible(list, reach, carer.as_ref(), now);
    let query = page!(matching().select(Row::as_select()), list, table::id, {
        "created_at" => table::created_at,
    });
    let rows: Vec<Row> = query.load(db)?;
    let count = if list.must_count(rows.len()) {
        Some(matching().count().get_result(db)?)
    } else {
        list.count_known(rows.len())
    };
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let offer = match row.status.0 {
            EntryStatus::Offered => super::open_offer(db, row.id.into())?,
            _ => None,
        };
        entries.push(row.entry(offer));
    }
    Ok(Page::new(list, entries, count, |entry| entry.id.uuid()))
}
