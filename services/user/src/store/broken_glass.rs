//! Who has broken the glass.

use diesel::prelude::*;
use hms_api::List;
use hms_db::{At, Db, Key, MultiBackend, compare};

use super::list::rows_and_count;
use super::read;
use crate::api::break_glass::BreakGlassFilters;
use crate::domain::BreakGlass;
use crate::schema::broken_glass;

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
