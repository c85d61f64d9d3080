//! Who is in whose care, and who has broken the glass.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_api::List;
use hms_db::{At, Db, InsertExt, Key, MultiBackend, compare};
use hms_model::event::AppointmentFacts;
use hms_model::role::{Relation, Viewer};

use super::list::{Condition, boxed, rows_and_count};
use super::read;
use crate::api::break_glass::BreakGlassFilters;
use crate::domain::{BreakGlass, Patient};
use crate::schema::{broken_glass, care_relations, patients, practitioners};

/// The status of an appointment that binds nobody to the patient.
const CANCELLED: &str = "cancelled";

/// Keeps what is new of an appointment, unless this version or a newer one is known. Inserted first: of two deliveries
/// at once the second waits here for the first, and then sees what it has written.
pub fn keep(db: &mut Db, facts: &AppointmentFacts) -> hms_db::Result<()> {
    let id = Key::from(facts.appointment_id);
    let values = (
        care_relations::patient_id.eq(Key::from(facts.patient_id)),
        care_relations::practitioner_id.eq(Key::from(facts.practitioner_id)),
        care_relations::department_id.eq(facts.department_id.map(Key::from)),
        care_relations::binding.eq(facts.status != CANCELLED),
        care_relations::version.eq(facts.version),
    );
    let new = (care_relations::appointment_id.eq(id), values);
    if diesel::insert_into(care_relations::table).values(new).or_ignore().execute(db)? == 0 {
        let older = care_relations::table.find(id).filter(care_relations::version.lt(facts.version));
        diesel::update(older).set(values).execute(db)?;
    }
    Ok(())
}

/// The viewer with their practitioner and its department, as far as the directory knows them by the token's practitioner or
/// by the account.
pub fn placed(db: &mut Db, viewer: Viewer) -> hms_db::Result<Viewer> {
    let named = practitioners::id.nullable().eq(viewer.practitioner_id.map(Key::from));
    let linked = practitioners::account_id.eq(Some(Key::from(viewer.account_id)));
    let found: Option<(Key, Option<Key>)> = practitioners::table
        .filter(named.or(linked))
        .select((practitioners::id, practitioners::department_id))
        .order(practitioners::id)
        .first(db)
        .optional()?;
    Ok(match found {
        Some((id, department)) => Viewer {
            practitioner_id: viewer.practitioner_id.or(Some(id.into())),
            department_id: department.map(Into::into),
            ..viewer
        },
        None => viewer,
    })
}

/// What binds a viewer to a patient.
pub fn relation(
    db: &mut Db,
    viewer: &Viewer,
    patient: &Patient,
    now: DateTime<Utc>,
) -> hms_db::Result<Relation> {
    let bound: Vec<(Key, Option<Key>)> = care_relations::table
        .filter(care_relations::patient_id.eq(Key::from(patient.id)))
        .filter(care_relations::binding.eq(true))
        .select((care_relations::practitioner_id, care_relations::department_id))
        .distinct()
        .load(db)?;
    let practitioner = viewer.practitioner_id.map(Key::from);
    let department = viewer.department_id.map(Key::from);
    let glass: Option<Key> = broken_glass::table
        .filter(broken_glass::account_id.eq(Key::from(viewer.account_id)))
        .filter(broken_glass::patient_id.eq(Key::from(patient.id)))
        .filter(broken_glass::until.gt(At(now)))
        .select(broken_glass::id)
        .first(db)
        .optional()?;
    Ok(Relation {
        own: patient.account_id == Some(viewer.account_id),
        care: bound.iter().any(|(by, _)| Some(*by) == practitioner),
        department: department.is_some() && bound.iter().any(|(_, at)| *at == department),
        broken_glass: glass.is_some(),
    })
}

/// The same for many: the patients whom a [`Relation`] binds to the viewer.
pub fn in_care(viewer: &Viewer, now: DateTime<Utc>) -> Condition<patients::table> {
    let account = Key::from(viewer.account_id);
    let binding = || care_relations::table.filter(care_relations::binding.eq(true));
    let care = viewer.practitioner_id.map(|id| {
        let cared = binding().filter(care_relations::practitioner_id.eq(Key::from(id)));
        boxed(patients::id.eq_any(cared.select(care_relations::patient_id)))
    });
    let department = viewer.department_id.map(|id| {
        let cared = binding().filter(care_relations::department_id.eq(Some(Key::from(id))));
        boxed(patients::id.eq_any(cared.select(care_relations::patient_id)))
    });
    let glass = broken_glass::table
        .filter(broken_glass::account_id.eq(account))
        .filter(broken_glass::until.gt(At(now)))
        .select(broken_glass::patient_id);
    let own: Condition<_> = boxed(patients::account_id.assume_not_null().eq(account));
    let always = boxed(patients::id.eq_any(glass).or(own));
    care.into_iter().chain(department).fold(always, |one, other| Box::new(one.or(other)))
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = broken_glass)]
struct Row {
    id: Key,
    account_id: Key,
    patient_id: Key,
    reason: String,
    created_at: At,
    until: At,
}

/// Writes that the glass was broken.
pub fn insert(db: &mut Db, glass: &BreakGlass) -> hms_db::Result<()> {
    let row = Row {
        id: glass.id.into(),
        account_id: glass.account_id.into(),
        patient_id: glass.patient_id.into(),
        reason: glass.reason.to_string(),
        created_at: At(glass.created_at),
        until: At(glass.until),
    };
    diesel::insert_into(broken_glass::table).values(row).execute(db)?;
    Ok(())
}

/// Who has broken the glass, with their number where it is known.
pub fn list(db: &mut Db, list: &List<BreakGlassFilters>) -> hms_db::Result<(Vec<BreakGlass>, Option<i64>)> {
    let (rows, count) = rows_and_count!(db, list, Row, filtered(list), broken_glass::id, {
        "created_at" => broken_glass::created_at,
    });
    let all: hms_db::Result<_> = rows.into_iter().map(BreakGlass::try_from).collect();
    Ok((all?, count))
}

fn filtered(list: &List<BreakGlassFilters>) -> broken_glass::BoxedQuery<'static, MultiBackend> {
    let filters = &list.filters;
    let query = broken_glass::table.into_boxed();
    let query = compare!(query, broken_glass::account_id, filters.account_id, |id| Key::from(id));
    let query = compare!(query, broken_glass::patient_id, filters.patient_id, |id| Key::from(id));
    compare!(query, broken_glass::created_at, filters.created_at, |at| At(at))
}

impl TryFrom<Row> for BreakGlass {
    type Error = hms_db::Error;

    fn try_from(row: Row) -> hms_db::Result<Self> {
        Ok(Self {
            id: row.id.into(),
            account_id: row.account_id.into(),
            patient_id: row.patient_id.into(),
            reason: read(row.reason)?,
            created_at: row.created_at.into(),
            until: row.until.into(),
        })
    }
}
