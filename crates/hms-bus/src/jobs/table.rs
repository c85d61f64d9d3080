//! The table of jobs that are committed and not yet handed over.

use std::collections::BTreeMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use hms_db::{At, Db, Key, LockExt, PgRows, Result, each};
use hms_model::event::Envelope;
use hms_model::id::{EventId, Id};

use crate::outbox::{AppendError, body};
use crate::schema::job_outbox;

/// A job that waits.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = job_outbox)]
pub(crate) struct Row {
    pub id: Key,
    pub queue: String,
    pub body: String,
}

#[derive(Insertable)]
#[diesel(table_name = job_outbox)]
struct NewRow {
    id: Key,
    queue: String,
    body: String,
    created_at: At,
}

/// Puts jobs down, in the transaction that is open: all of them, or none when one of them is for a queue that is not there or
/// is another service's.
pub fn append(db: &mut Db, jobs: &[Envelope]) -> std::result::Result<(), AppendError> {
    if jobs.is_empty() {
        return Ok(());
    }
    for job in jobs {
        job.check_queue()?;
    }
    match db {
        Db::Pg(connection) => {
            pg_rows(jobs)?.execute(connection)?;
        }
        Db::Sqlite(connection) => {
            let rows = jobs.iter().map(row).collect::<Result<Vec<_>>>()?;
            diesel::insert_into(job_outbox::table).values(rows).execute(connection)?;
        }
    }
    Ok(())
}

const COLUMNS: [(&str, &str); 4] =
    [("id", "uuid"), ("queue", "text"), ("body", "text"), ("created_at", "timestamptz")];

fn pg_rows(jobs: &[Envelope]) -> Result<PgRows<4>> {
    let mut rows = PgRows::into_table("job_outbox", COLUMNS);
    for job in jobs {
        let (place, queue, time) = (place(job).to_string(), job.kind.clone(), job.time.to_rfc3339());
        rows.push([place, queue, body(job)?, time].map(Some));
    }
    Ok(rows)
}

fn row(job: &Envelope) -> Result<NewRow> {
    let (id, queue) = (Key::from(place(job)), job.kind.clone());
    Ok(NewRow { id, queue, body: body(job)?, created_at: At(job.time) })
}

/// The place of a job in the table: its own id may be there twice (see `Job::id`).
fn place(job: &Envelope) -> EventId {
    Id::new(job.time)
}

/// Locks the next jobs that no other relay holds, until the transaction ends (PostgreSQL).
pub(crate) fn claim(db: &mut Db, limit: i64) -> Result<Vec<Row>> {
    let query = job_outbox::table.select(Row::as_select()).order(job_outbox::id).limit(limit).lock_skip(db);
    Ok(query.load(db)?)
}

/// The next jobs, without a lock: for the only relay of a database.
pub(crate) fn pending(db: &mut Db, limit: i64) -> Result<Vec<Row>> {
    Ok(job_outbox::table.select(Row::as_select()).order(job_outbox::id).limit(limit).load(db)?)
}

/// The next jobs of one queue.
pub(crate) fn next(db: &mut Db, queue: &str, limit: i64) -> Result<Vec<Row>> {
    let own = job_outbox::table.filter(job_outbox::queue.eq(queue.to_owned()));
    Ok(own.select(Row::as_select()).order(job_outbox::id).limit(limit).load(db)?)
}

/// Takes away what has been handed over, or done.
pub(crate) fn remove(db: &mut Db, ids: Vec<Key>) -> Result<()> {
    // On PostgreSQL `eq_any` is one array, and the statement the same for any number; not so through the derived backend.
    each!(db, connection => {
        diesel::delete(job_outbox::table.filter(job_outbox::id.eq_any(ids))).execute(connection)
    })?;
    Ok(())
}

/// How many jobs stand in the table, by queue; those of none are not named.
pub(crate) fn depths(db: &mut Db) -> Result<BTreeMap<String, i64>> {
    let counts: Vec<(String, i64)> =
        job_outbox::table.group_by(job_outbox::queue).select((job_outbox::queue, count_star())).load(db)?;
    Ok(counts.into_iter().collect())
}
