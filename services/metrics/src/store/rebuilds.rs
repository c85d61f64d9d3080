//! Counting everything anew, and how far it has come.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Code, Db, InsertExt, Key, Result};
use hms_model::coded_enum;
use hms_model::id::MetricsRebuildId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::schema::rebuilds as table;

coded_enum! {
    /// How far a rebuild has come.
    pub enum State {
        /// Nobody has begun with it.
        Queued = "queued",
        /// Days are being counted.
        Running = "running",
        /// All days were counted.
        Done = "done",
    }
}

/// Counting everything anew from the facts that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rebuild {
    /// Its id.
    pub id: MetricsRebuildId,
    /// How far it has come.
    pub state: State,
    /// How many days there are to count; known once it has begun.
    #[schema(examples(365))]
    pub days: Option<i64>,
    /// How many of them are left.
    #[schema(examples(120))]
    pub days_left: Option<i64>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was done.
    pub ended_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = table)]
struct Row {
    id: Key,
    state: Code<State>,
    days: Option<i64>,
    days_left: Option<i64>,
    created_at: At,
    started_at: Option<At>,
    ended_at: Option<At>,
}

impl From<Row> for Rebuild {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            state: row.state.0,
            days: row.days,
            days_left: row.days_left,
            created_at: row.created_at.into(),
            started_at: row.started_at.map(Into::into),
            ended_at: row.ended_at.map(Into::into),
        }
    }
}

/// Asks for a rebuild; false when one is under way.
pub fn ask(db: &mut Db, id: MetricsRebuildId, now: DateTime<Utc>) -> Result<bool> {
    let row = (
        table::id.eq(Key::from(id)),
        table::state.eq(Code(State::Queued)),
        table::is_open.eq(true),
        table::created_at.eq(At(now)),
    );
    Ok(diesel::insert_into(table::table).values(row).or_ignore().execute(db)? == 1)
}

/// The one that is under way.
pub fn open(db: &mut Db) -> Result<Option<Rebuild>> {
    let row: Option<Row> =
        table::table.filter(table::is_open.eq(true)).select(Row::as_select()).first(db).optional()?;
    Ok(row.map(Into::into))
}

/// The rebuild of this id.
pub fn find(db: &mut Db, id: MetricsRebuildId) -> Result<Rebuild> {
    let row: Row = table::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    Ok(row.into())
}

/// It begins: there are so many days to count.
pub fn begin(db: &mut Db, id: MetricsRebuildId, days: i64, now: DateTime<Utc>) -> Result<()> {
    let set = (
        table::state.eq(Code(State::Running)),
        table::days.eq(Some(days)),
        table::days_left.eq(Some(days)),
        table::started_at.eq(Some(At(now))),
    );
    diesel::update(table::table.find(Key::from(id))).set(set).execute(db)?;
    Ok(())
}

/// So many days are left; it is done when none are.
pub fn progress(db: &mut Db, id: MetricsRebuildId, left: i64, now: DateTime<Utc>) -> Result<()> {
    let own = table::table.find(Key::from(id));
    diesel::update(own).set(table::days_left.eq(Some(left))).execute(db)?;
    if left == 0 {
        let set =
            (table::state.eq(Code(State::Done)), table::is_open.eq(false), table::ended_at.eq(Some(At(now))));
        diesel::update(own).set(set).execute(db)?;
    }
    Ok(())
}
