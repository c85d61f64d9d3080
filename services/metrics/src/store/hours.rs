//! Schedules and holidays: for how long places are open.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, InsertExt, Json, Key, Result};
use hms_model::event::{HolidayFacts, ScheduleFacts};

use super::unreadable;
use crate::domain::{Calendar, Closed, Schedule, Span};
use crate::schema::{holidays, schedules};

/// Keeps a version of a schedule.
pub fn keep_schedule(db: &mut Db, facts: &ScheduleFacts, since: DateTime<Utc>) -> Result<()> {
    let row = (
        schedules::id.eq(Key::from(facts.schedule_id)),
        schedules::version.eq(facts.version),
        schedules::since.eq(At(since)),
        schedules::facts.eq(Json(serde_json::to_value(facts).map_err(unreadable)?)),
    );
    diesel::insert_into(schedules::table).values(row).or_ignore().execute(db)?;
    Ok(())
}

/// Keeps what is new of a holiday.
pub fn keep_holiday(db: &mut Db, facts: &HolidayFacts) -> Result<()> {
    let id = Key::from(facts.holiday_id);
    let values = (
        holidays::version.eq(facts.version),
        holidays::department_id.eq(facts.department_id.map(Key::from)),
        holidays::day.eq(facts.day),
        holidays::active.eq(facts.active),
    );
    let new = (holidays::id.eq(id), values);
    if diesel::insert_into(holidays::table).values(new).or_ignore().execute(db)? == 0 {
        let older = holidays::table.find(id).filter(holidays::version.lt(facts.version));
        diesel::update(older).set(values).execute(db)?;
    }
    Ok(())
}

/// All schedules, and the holidays of some days.
pub fn calendar(db: &mut Db, span: Span) -> Result<Calendar> {
    let rows: Vec<(At, Json)> = schedules::table.select((schedules::since, schedules::facts)).load(db)?;
    let version = |(since, facts): (At, Json)| {
        let facts = serde_json::from_value(facts.0).map_err(unreadable)?;
        Ok(Schedule { facts, since: since.0 })
    };
    let closed: Vec<(chrono::NaiveDate, Option<Key>)> = holidays::table
        .filter(holidays::active.eq(true))
        .filter(holidays::day.between(span.from, span.to))
        .select((holidays::day, holidays::department_id))
        .load(db)?;
    let closed = closed.into_iter().map(|(day, id)| Closed { day, department_id: id.map(Into::into) });
    Ok(Calendar::new(rows.into_iter().map(version).collect::<Result<_>>()?, closed.collect()))
}
