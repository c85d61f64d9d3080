//! The table of jobs that are committed and not yet handed over.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, min};
use diesel::prelude::*;
use hms_db::{At, Db, Key, LockExt, PgRows, Result, each};
use hms_model::event::Envelope;
use hms_model::id::{EventId, Id};

use super::Depth;
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
    rank: i64,
    body: String,
    created_at: At,
}

/// Puts jobs down, in the transaction that is open: all of them, or none when one of them is for a queue that is not there or
/// is another service's.
pub fn append(db: &mut Db, jobs: &[Envelope]) -> std::result::Result<(), AppendError> {
    if jobs.is_empty() {
        return Ok(());
    }
    let rows = jobs.iter().map(row).collect::<std::result::Result<Vec<_>, _>>()?;
    match db {
        Db::Pg(connection) => {
            pg_rows(rows).execute(connection)?;
        }
        Db::Sqlite(connection) => {
            diesel::insert_into(job_outbox::table).values(rows).execute(connection)?;
        }
    }
    Ok(())
}

const COLUMNS: [(&str, &str); 5] =
    [("id", "uuid"), ("queue", "text"), ("rank", "bigint"), ("body", "text"), ("created_at", "timestamptz")];

fn pg_rows(jobs: Vec<NewRow>) -> PgRows<5> {
    let mut rows = PgRows::into_table("job_outbox", COLUMNS);
    for NewRow { id, queue, rank, body, created_at } in jobs {
        let (id, rank, time) = (id.0.to_string(), rank.to_string(), created_at.0.to_rfc3339());
        rows.push([id, queue, rank, body, time].map(Some));
    }
    rows
}

fn row(job: &Envelope) -> std::result::Result<NewRow, AppendError> {
    let rank = job.check_queue()?.rank();
    // Not its own id, which may be there twice: see `Job::id`.
    let place: EventId = Id::new(job.time);
    let (queue, created_at) = (job.kind.clone(), At(job.time));
    Ok(NewRow { id: place.into(), queue, rank, body: body(job)?, created_at })
}

/// Locks the next jobs that no other relay holds, until the transaction ends (PostgreSQL).
pub(crate) fn claim(db: &mut Db, limit: i64) -> Result<Vec<Row>> {
    let all = job_outbox::table.select(Row::as_select());
    Ok(all.order((job_outbox::rank, job_outbox::id)).limit(limit).lock_skip(db).load(db)?)
}

/// The next jobs, without a lock: for the only relay of a database.
pub(crate) fn pending(db: &mut Db, limit: i64) -> Result<Vec<Row>> {
    let all = job_outbox::table.select(Row::as_select());
    Ok(all.order((job_outbox::rank, job_outbox::id)).limit(limit).load(db)?)
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

/// What stands in the table, by queue; those of nothing are not named.
pub(crate) fn depths(db: &mut Db) -> Result<BTreeMap<String, Depth>> {
    let all = job_outbox::table.group_by(job_outbox::queue);
    let found: Vec<(String, i64, Option<At>)> =
        all.select((job_outbox::queue, count_star(), min(job_outbox::created_at))).load(db)?;
    let depth = |count, oldest: Option<At>| Depth { count, since: oldest.map(Into::into) };
    Ok(found.into_iter().map(|(queue, count, oldest)| (queue, depth(count, oldest))).collect())
}

/// When the oldest job was written that stands in the table, by queue; those of nothing are not named.
pub fn oldest(db: &mut Db) -> Result<BTreeMap<String, DateTime<Utc>>> {
    Ok(depths(db)?.into_iter().filter_map(|(queue, depth)| Some((queue, depth.since?))).collect())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use hms_db::{Backend, Database, Migrations, PoolOptions};
    use hms_model::Clock;
    use hms_model::job::SendMessage;
    use hms_testkit::database::TestDatabase;

    use super::*;

    fn job(queue: &str) -> Envelope {
        let now = Clock::system().now();
        let job = SendMessage { notification_id: Id::new(now) };
        Envelope::of_job("notification", queue, &job, now).unwrap()
    }

    hms_testkit::on_both_back_ends! {
        async fn what_is_urgent_leaves_the_table_before_all_that_came_earlier(backend) {
            let own = TestDatabase::new(backend, "jobs", &Migrations::new().and(crate::MIGRATIONS)).await;
            let database = Database::new(own.url.clone(), PoolOptions::default());
            let (bulk, normal) = ("jobs.send_email.bulk", "jobs.send_sms");
            let (urgent, other) = ("jobs.send_email.urgent", "jobs.send_sms.urgent");
            for queue in [bulk, bulk, normal, bulk, urgent, normal, other] {
                let jobs = [job(queue)];
                database.write(move |db| append(db, &jobs)).await.unwrap();
            }
            let next = move |db: &mut Db| match backend {
                Backend::Postgres => claim(db, 6),
                Backend::Sqlite => pending(db, 6),
            };
            let rows = database.write(next).await.unwrap();
            let queues: Vec<_> = rows.iter().map(|row| row.queue.as_str()).collect();
            assert_eq!(queues, [urgent, other, normal, normal, bulk, bulk]);
            let ids = rows.iter().map(|row| row.id).collect();
            database.write(move |db| remove(db, ids)).await.unwrap();
            let left = database.read(depths).await.unwrap();
            assert_eq!(left.iter().map(|(queue, depth)| (queue.as_str(), depth.count)).collect::<Vec<_>>(), [(bulk, 1)]);
        }

        async fn the_oldest_of_each_queue_is_known(backend) {
            let own = TestDatabase::new(backend, "jobs", &Migrations::new().and(crate::MIGRATIONS)).await;
            let database = Database::new(own.url.clone(), PoolOptions::default());
            assert_eq!(database.read(oldest).await.unwrap(), BTreeMap::new());
            let (mail, sms) = ("jobs.send_email", "jobs.send_sms");
            let mut jobs = [mail, sms, mail].map(job);
            let first = jobs[0].time;
            jobs[1].time = first - TimeDelta::minutes(7);
            jobs[2].time = first - TimeDelta::minutes(3);
            let wanted = [(mail, jobs[2].time), (sms, jobs[1].time)].map(|(queue, at)| (queue.to_owned(), at));
            database.write(move |db| append(db, &jobs)).await.unwrap();
            assert_eq!(database.read(oldest).await.unwrap(), BTreeMap::from(wanted));
        }
    }
}
