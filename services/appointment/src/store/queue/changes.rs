//! What the screens are told, numbered in the order of the commits.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Code, Db, Key, LockExt, Result};
use hms_model::id::DepartmentId;
use serde::Serialize;

use crate::domain::{Ticket, TicketStatus};
use crate::schema::{queue_changes as table, queue_feed};

/// The one row of the feed.
const FEED: i64 = 1;

/// A change of the queue, as a screen shows it: no names.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Its number.
    #[serde(skip)]
    pub position: i64,
    /// The queue.
    pub department_id: DepartmentId,
    /// What stands on the ticket.
    pub number: String,
    /// How it stands now.
    pub status: TicketStatus,
    /// The desk that it is called to.
    pub desk: Option<String>,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// Nobody else changes any queue until the unit of work ends.
pub(super) fn hold(db: &mut Db) -> Result<()> {
    let _position: i64 = queue_feed::table.find(FEED).select(queue_feed::position).lock(db).get_result(db)?;
    Ok(())
}

/// Adds a change of a ticket.
pub fn tell(db: &mut Db, ticket: &Ticket) -> Result<()> {
    let feed = queue_feed::table.find(FEED);
    let position: i64 = diesel::update(feed)
        .set(queue_feed::position.eq(queue_feed::position + 1))
        .returning(queue_feed::position)
        .get_result(db)?;
    let row = (
        table::position.eq(position),
        table::department_id.eq(Key::from(ticket.department_id)),
        table::number.eq(ticket.number.clone()),
        table::status.eq(Code(ticket.status)),
        table::desk.eq(ticket.desk.clone()),
        table::at.eq(At::from(ticket.updated_at)),
    );
    diesel::insert_into(table::table).values(row).execute(db)?;
    Ok(())
}

/// The number of the newest change.
pub fn newest(db: &mut Db) -> Result<i64> {
    Ok(queue_feed::table.find(FEED).select(queue_feed::position).first(db)?)
}

/// The changes after this one, at most so many.
pub fn after(db: &mut Db, position: i64, limit: i64) -> Result<Vec<Change>> {
    type Found = (i64, Key, String, Code<TicketStatus>, Option<String>, At);
    let rows: Vec<Found> = table::table
        .filter(table::position.gt(position))
        .order(table::position.asc())
        .limit(limit)
        .select((table::position, table::department_id, table::number, table::status, table::desk, table::at))
        .load(db)?;
    let change = |(position, department, number, status, desk, at): Found| Change {
        position,
        department_id: department.into(),
        number,
        status: status.0,
        desk,
        at: at.into(),
    };
    Ok(rows.into_iter().map(change).collect())
}

/// Forgets what is older.
pub fn prune(db: &mut Db, before: DateTime<Utc>) -> Result<usize> {
    Ok(diesel::delete(table::table.filter(table::at.lt(At::from(before)))).execute(db)?)
}
