//! The days whose facts have changed since they were counted.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use hms_db::{Db, Key, Result};
use hms_model::id::{Id, MetricsRebuildId};

use crate::domain::Span;
use crate::schema::changed_days as table;

/// These days must be counted anew.
pub fn mark(db: &mut Db, days: impl IntoIterator<Item = NaiveDate>, now: DateTime<Utc>) -> Result<()> {
    let days: BTreeSet<_> = days.into_iter().collect();
    mark_for(db, days, None, now)
}

/// The same, on behalf of a rebuild.
pub fn mark_for(
    db: &mut Db,
    days: impl IntoIterator<Item = NaiveDate>,
    rebuild: Option<MetricsRebuildId>,
    now: DateTime<Utc>,
) -> Result<()> {
    for day in days {
        let id = Id::<()>::new(now);
        let row =
            (table::id.eq(Key::from(id)), table::day.eq(day), table::rebuild_id.eq(rebuild.map(Key::from)));
        diesel::insert_into(table::table).values(row).execute(db)?;
    }
    Ok(())
}

/// Some days that must be counted, the latest first: what is looked at most is ready first.
pub fn some(db: &mut Db, limit: i64) -> Result<Vec<NaiveDate>> {
    Ok(table::table.select(table::day).distinct().order(table::day.desc()).limit(limit).load(db)?)
}

/// Those within a span.
pub fn within(db: &mut Db, span: Span) -> Result<BTreeSet<NaiveDate>> {
    let days: Vec<NaiveDate> =
        table::table.filter(table::day.between(span.from, span.to)).select(table::day).distinct().load(db)?;
    Ok(days.into_iter().collect())
}

/// The days of a span are about to be counted. What is marked after this statement stays.
pub fn take(db: &mut Db, span: Span) -> Result<()> {
    diesel::delete(table::table.filter(table::day.between(span.from, span.to))).execute(db)?;
    Ok(())
}

/// How many days a rebuild has not come to yet.
pub fn left(db: &mut Db, rebuild: MetricsRebuildId) -> Result<i64> {
    let own = table::table.filter(table::rebuild_id.eq(Some(Key::from(rebuild))));
    Ok(own.count().get_result(db)?)
}
