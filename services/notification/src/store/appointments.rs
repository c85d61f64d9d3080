//! Appointments as the newest event told of them, and the reminders that are to come.

use chrono::{DateTime, Utc};
use diesel::dsl::min;
use diesel::prelude::*;
use hms_db::{At, Db, InsertExt, Json, Key, LockExt, Result};
use hms_model::event::AppointmentFacts;
use hms_model::id::AppointmentId;

use super::{read_json, write_json};
use crate::domain::Reminder;
use crate::schema::{appointments, reminders};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = reminders)]
struct Row {
    appointment_id: Key,
    lead: i64,
    due_at: At,
    event_id: Key,
}

/// Keeps what an event tells, unless something newer, or the same, is known. Says whether it was kept.
pub fn keep(db: &mut Db, facts: &AppointmentFacts) -> Result<bool> {
    let id = Key::from(facts.appointment_id);
    let told = (
        appointments::version.eq(facts.version),
        appointments::start_at.eq(At(facts.start)),
        appointments::facts.eq(write_json(facts)?),
    );
    let older = appointments::table.find(id).filter(appointments::version.lt(facts.version));
    if diesel::update(older).set(told.clone()).execute(db)? == 1 {
        return Ok(true);
    }
    let row = (appointments::id.eq(id), told);
    Ok(diesel::insert_into(appointments::table).values(row).or_ignore().execute(db)? == 1)
}

/// The appointment as it is known, if it is.
pub fn find(db: &mut Db, id: AppointmentId) -> Result<Option<AppointmentFacts>> {
    let facts: Option<Json> =
        appointments::table.find(Key::from(id)).select(appointments::facts).first(db).optional()?;
    facts.map(read_json).transpose()
}

/// Forgets appointments that lie so far back.
pub fn forget(db: &mut Db, before: DateTime<Utc>) -> Result<usize> {
    let old = appointments::table.filter(appointments::start_at.lt(At(before)));
    Ok(diesel::delete(old).execute(db)?)
}

/// Puts these reminders in the place of those that an appointment had.
pub fn remind(db: &mut Db, id: AppointmentId, planned: Vec<Reminder>) -> Result<()> {
    let former = reminders::table.filter(reminders::appointment_id.eq(Key::from(id)));
    diesel::delete(former).execute(db)?;
    for reminder in planned {
        let row = Row {
            appointment_id: reminder.appointment_id.into(),
            lead: reminder.lead,
            due_at: reminder.due_at.into(),
            event_id: reminder.event_id.into(),
        };
        diesel::insert_into(reminders::table).values(row).execute(db)?;
    }
    Ok(())
}

/// Takes away the reminders that are due, except those that another replica is just taking.
pub fn take_due(db: &mut Db, now: DateTime<Utc>, limit: i64) -> Result<Vec<Reminder>> {
    let query = reminders::table
        .filter(reminders::due_at.le(At(now)))
        .order((reminders::due_at, reminders::appointment_id, reminders::lead))
        .select(Row::as_select())
        .limit(limit)
        .lock_skip(db);
    let rows: Vec<Row> = query.load(db)?;
    for row in &rows {
        diesel::delete(reminders::table.find((row.appointment_id, row.lead))).execute(db)?;
    }
    Ok(rows.into_iter().map(Row::reminder).collect())
}

/// When the next reminder is due.
pub fn next_due(db: &mut Db) -> Result<Option<DateTime<Utc>>> {
    let next: Option<At> = reminders::table.select(min(reminders::due_at)).first(db)?;
    Ok(next.map(Into::into))
}

impl Row {
    fn reminder(self) -> Reminder {
        Reminder {
            appointment_id: self.appointment_id.into(),
            lead: self.lead,
            due_at: self.due_at.into(),
            event_id: self.event_id.into(),
        }
    }
}
