//! Dead letters in the database: events of the in-process bus that a service could not take. Nothing is thrown
//! away: they wait here, with the reason, for someone to look.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, InsertExt, Key, Result};
use hms_model::id::EventId;

use crate::schema::dead_letters;

/// An event that a service could not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event.
    pub event_id: EventId,
    /// Its type.
    pub kind: String,
    /// The aggregate that it is about.
    pub subject: String,
    /// The envelope as it came, JSON unless it could not be read.
    pub body: String,
    /// Why it was given up.
    pub reason: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was given up.
    pub died_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = dead_letters)]
struct Row {
    event_id: Key,
    kind: String,
    subject: String,
    body: String,
    reason: String,
    attempts: i64,
    died_at: At,
}

impl From<DeadLetter> for Row {
    fn from(letter: DeadLetter) -> Self {
        let DeadLetter { event_id, kind, subject, body, reason, attempts, died_at } = letter;
        Self { event_id: event_id.into(), kind, subject, body, reason, attempts, died_at: died_at.into() }
    }
}

impl From<Row> for DeadLetter {
    fn from(row: Row) -> Self {
        let Row { event_id, kind, subject, body, reason, attempts, died_at } = row;
        Self { event_id: event_id.into(), kind, subject, body, reason, attempts, died_at: died_at.into() }
    }
}

/// Keeps a letter; one that dies again keeps its first row with the newest reason.
pub(crate) fn put(db: &mut Db, letter: DeadLetter) -> Result<()> {
    let row = Row::from(letter);
    let newest = (
        dead_letters::reason.eq(row.reason.clone()),
        dead_letters::attempts.eq(row.attempts),
        dead_letters::died_at.eq(row.died_at),
    );
    diesel::insert_into(dead_letters::table)
        .values(row)
        .upsert((dead_letters::event_id,), newest)
        .execute(db)?;
    Ok(())
}

/// The letters, latest first.
pub fn list(db: &mut Db, limit: i64) -> Result<Vec<DeadLetter>> {
    let rows: Vec<Row> = dead_letters::table
        .select(Row::as_select())
        .order((dead_letters::died_at.desc(), dead_letters::event_id.desc()))
        .limit(limit)
        .load(db)?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Throws one away; false when it is not there.
pub fn drop(db: &mut Db, id: EventId) -> Result<bool> {
    let rows = diesel::delete(dead_letters::table.find(Key::from(id))).execute(db)?;
    Ok(rows == 1)
}
