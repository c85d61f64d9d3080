//! Appointments as the newest event told of them, and the reminders that are to come.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::dsl::min;
use diesel::prelude::*;
use hms_db::{At, Db, InsertExt, Json, KeepExt, Key, LockExt, PgColumn, PgRows, Result, each};
use hms_model::event::AppointmentFacts;
use hms_model::id::AppointmentId;

use super::{read_json, write_json};
use crate::domain::{Reminder, news};
use crate::schema::{appointments, reminders};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = reminders)]
struct Row {
    appointment_id: Key,
    lead: i64,
    due_at: At,
    event_id: Key,
}

/// What some events told of appointments.
pub struct Told {
    /// Of each of them, whether it was news.
    pub news: Vec<bool>,
    /// The appointments of which something was known before.
    pub known: HashSet<AppointmentId>,
}

/// The appointments of these ids; nobody else changes them before the end of the transaction.
macro_rules! versions {
    ($ids:expr) => {
        appointments::table
            .filter(appointments::id.eq_any($ids))
            .select((appointments::id, appointments::version))
            .order(appointments::id)
    };
}

/// Keeps what events tell, in their order: each unless something newer, or the same, is known by then. In two round trips on
/// PostgreSQL.
pub fn keep_all(db: &mut Db, told: &[AppointmentFacts]) -> Result<Told> {
    let ids: Vec<Key> = told.iter().map(|facts| facts.appointment_id.into()).collect();
    let versions: Vec<(Key, i64)> = match db {
        Db::Pg(connection) => versions!(ids).for_update().load(connection)?,
        Db::Sqlite(connection) => versions!(ids).load(connection)?,
    };
    let mut versions: HashMap<AppointmentId, i64> =
        versions.into_iter().map(|(id, version)| (id.into(), version)).collect();
    let known = versions.keys().copied().collect();
    let news = news(&mut versions, told.iter().map(|facts| (facts.appointment_id, facts.version)));
    // The last news of each.
    let newest: BTreeMap<Key, &AppointmentFacts> = told
        .iter()
        .zip(&news)
        .filter(|(_, is_news)| **is_news)
        .map(|(facts, _)| (facts.appointment_id.into(), facts))
        .collect();
    write_all(db, newest.into_values())?;
    Ok(Told { news, known })
}

fn write_all<'a>(db: &mut Db, newest: impl ExactSizeIterator<Item = &'a AppointmentFacts>) -> Result<()> {
    if newest.len() == 0 {
        return Ok(());
    }
    let Db::Pg(connection) = db else {
        for facts in newest {
            keep(db, facts)?;
        }
        return Ok(());
    };
    let mut rows = PgRows::into_table("appointments", COLUMNS).or_newest();
    for facts in newest {
        let (id, version) = (facts.appointment_id.to_string(), facts.version.to_string());
        rows.push([id, version, facts.start.to_rfc3339(), write_json(facts)?.0.to_string()].map(Some));
    }
    rows.execute(connection)?;
    Ok(())
}

const COLUMNS: [PgColumn; 4] =
    [("id", "uuid"), ("version", "bigint"), ("start_at", "timestamptz"), ("facts", "jsonb")];

fn keep(db: &mut Db, facts: &AppointmentFacts) -> Result<bool> {
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

/// The appointments as they are known, of those of these that are.
pub fn of(
    db: &mut Db,
    ids: impl IntoIterator<Item = AppointmentId>,
) -> Result<HashMap<AppointmentId, AppointmentFacts>> {
    let ids: Vec<Key> = ids.into_iter().map(Key::from).collect();
    let all: Vec<Json> = each!(db, connection => {
        appointments::table
            .filter(appointments::id.eq_any(ids))
            .select(appointments::facts)
            .load(connection)
    })?;
    let facts = all.into_iter().map(read_json::<AppointmentFacts>);
    facts.map(|facts| facts.map(|facts| (facts.appointment_id, facts))).collect()
}

/// Forgets appointments that lie so far back.
pub fn forget(db: &mut Db, before: DateTime<Utc>) -> Result<usize> {
    let old = appointments::table.filter(appointments::start_at.lt(At(before)));
    Ok(diesel::delete(old).execute(db)?)
}

/// Takes away the reminders that these appointments have.
pub fn forget_reminders(db: &mut Db, of: &[AppointmentId]) -> Result<()> {
    if of.is_empty() {
        return Ok(());
    }
    let of: Vec<Key> = of.iter().copied().map(Key::from).collect();
    diesel::delete(reminders::table.filter(reminders::appointment_id.eq_any(of))).kept().execute(db)?;
    Ok(())
}

/// Adds reminders, to appointments that have none.
pub fn remind(db: &mut Db, planned: &[Reminder]) -> Result<()> {
    if planned.is_empty() {
        return Ok(());
    }
    match db {
        Db::Pg(connection) => {
            let mut rows = PgRows::into_table("reminders", REMINDER);
            for Reminder { appointment_id, lead, due_at, event_id } in planned {
                let (id, event_id) = (appointment_id.to_string(), event_id.to_string());
                rows.push([id, lead.to_string(), due_at.to_rfc3339(), event_id].map(Some));
            }
            rows.execute(connection)?;
        }
        Db::Sqlite(connection) => {
            let rows: Vec<Row> = planned.iter().map(Row::of).collect();
            diesel::insert_into(reminders::table).values(rows).execute(connection)?;
        }
    }
    Ok(())
}

const REMINDER: [PgColumn; 4] =
    [("appointment_id", "uuid"), ("lead", "bigint"), ("due_at", "timestamptz"), ("event_id", "uuid")];

/// Takes away the reminders that are due, except those that another replica is just taking.
pub fn take_due(db: &mut Db, now: DateTime<Utc>, limit: i64) -> Result<Vec<Reminder>> {
    let query = reminders::table
        .filter(reminders::due_at.le(At(now)))
        .order((reminders::due_at, reminders::appointment_id, reminders::lead))
        .select(Row::as_select())
        .limit(limit)
        .lock_skip(db);
    let rows: Vec<Row> = query.load(db)?;
    match db {
        Db::Pg(connection) => {
            let mut taken = PgRows::remove("reminders", [("appointment_id", "uuid"), ("lead", "bigint")]);
            rows.iter().for_each(|row| {
                taken.push([row.appointment_id.0.to_string(), row.lead.to_string()].map(Some))
            });
            taken.execute(connection)?;
        }
        Db::Sqlite(connection) => {
            for row in &rows {
                let taken = reminders::table.find((row.appointment_id, row.lead));
                diesel::delete(taken).execute(connection)?;
            }
        }
    }
    Ok(rows.into_iter().map(Row::reminder).collect())
}

/// When the next reminder is due.
pub fn next_due(db: &mut Db) -> Result<Option<DateTime<Utc>>> {
    let next: Option<At> = reminders::table.select(min(reminders::due_at)).first(db)?;
    Ok(next.map(Into::into))
}

impl Row {
    fn of(reminder: &Reminder) -> Self {
        Self {
            appointment_id: reminder.appointment_id.into(),
            lead: reminder.lead,
            due_at: reminder.due_at.into(),
            event_id: reminder.event_id.into(),
        }
    }

    fn reminder(self) -> Reminder {
        Reminder {
            appointment_id: self.appointment_id.into(),
            lead: self.lead,
            due_at: self.due_at.into(),
            event_id: self.event_id.into(),
        }
    }
}
