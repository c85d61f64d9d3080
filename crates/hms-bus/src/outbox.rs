//! The outbox: events written in the transaction of the change they tell of, taken away by the relay.
//!
//! # Order
//!
//! The events of one aggregate leave in the order in which their changes were committed. Event ids cannot give
//! that order: they are made before the commit, and by several processes with clocks of their own. `position`
//! does: it is drawn when the row is written, and a unit of work writes its events after it has written the
//! aggregate. From that write to its commit it holds the aggregate's row lock, so the next writer of the same
//! aggregate draws its position only after the first one has committed. Hence for one aggregate a lower
//! position is an earlier commit, and whoever can see a row can see the earlier rows of the same aggregate too,
//! unless they are gone because they were handed over. Between aggregates there is no order to keep.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, max, min};
use diesel::prelude::*;
use hms_db::{At, Db, Key, LockExt, PgRows, Result, each};
use hms_model::event::{Envelope, Unpublishable};

use crate::schema::outbox;

/// An event that waits.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub(crate) struct Row {
    pub position: i64,
    pub event_id: Key,
    pub kind: String,
    pub subject: String,
    pub body: String,
}

#[derive(Insertable)]
#[diesel(table_name = outbox)]
struct NewRow<'a> {
    position: i64,
    event_id: Key,
    kind: &'a str,
    subject: &'a str,
    body: String,
    created_at: At,
}

/// Why events were not put into the outbox.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// One of them must not be published: a fault in the program that tried.
    #[error(transparent)]
    Unpublishable(#[from] Unpublishable),
    /// The database did not take them.
    #[error(transparent)]
    Database(#[from] hms_db::Error),
}

impl From<diesel::result::Error> for AppendError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Puts events into the outbox, in the transaction that is open: all of them, or none when the registry of events
/// does not know one or has it down as another service's. Call it after the aggregates they tell of have been
/// written: see the module's text on order.
pub fn append(db: &mut Db, envelopes: &[Envelope]) -> std::result::Result<(), AppendError> {
    if envelopes.is_empty() {
        return Ok(());
    }
    for envelope in envelopes {
        envelope.check_publishable()?;
    }
    match db {
        Db::Pg(connection) => {
            // One round trip for any number of events; the sequence counts in the order of the rows.
            pg_rows(envelopes)?.execute(connection)?;
        }
        Db::Sqlite(connection) => {
            let last: Option<i64> = outbox::table.select(max(outbox::position)).first(connection)?;
            let rows = numbered(envelopes, last.unwrap_or(0))?;
            diesel::insert_into(outbox::table).values(&rows).execute(connection)?;
        }
    }
    Ok(())
}

const COLUMNS: [(&str, &str); 5] = [
    ("event_id", "uuid"),
    ("kind", "text"),
    ("subject", "text"),
    ("body", "text"),
    ("created_at", "timestamptz"),
];

fn pg_rows(envelopes: &[Envelope]) -> Result<PgRows<5>> {
    let mut rows = PgRows::into_table("outbox", COLUMNS);
    for envelope in envelopes {
        let (kind, subject) = (envelope.kind.clone(), envelope.subject.clone());
        let (id, time) = (envelope.id.to_string(), envelope.time.to_rfc3339());
        rows.push([id, kind, subject, body(envelope)?, time].map(Some));
    }
    Ok(rows)
}

/// SQLite does not count by itself, and has one writer at a time.
fn numbered(envelopes: &[Envelope], last: i64) -> Result<Vec<NewRow<'_>>> {
    let rows = envelopes.iter().zip(last.saturating_add(1)..).map(|(envelope, position)| {
        Ok(NewRow {
            position,
            event_id: envelope.id.into(),
            kind: &envelope.kind,
            subject: &envelope.subject,
            body: body(envelope)?,
            created_at: envelope.time.into(),
        })
    });
    rows.collect()
}

/// An envelope as it is kept.
pub(crate) fn body(envelope: &Envelope) -> Result<String> {
    serde_json::to_string(envelope)
        .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)).into())
}

/// How many events wait, and since when the oldest one does.
pub fn depth(db: &mut Db) -> Result<(i64, Option<DateTime<Utc>>)> {
    let (count, oldest): (i64, Option<At>) =
        outbox::table.select((count_star(), min(outbox::created_at))).first(db)?;
    Ok((count, oldest.map(Into::into)))
}

/// What waits, from the oldest on.
pub fn waiting(db: &mut Db, limit: i64) -> Result<Vec<Envelope>> {
    let query = outbox::table.select(outbox::body).order(outbox::position).limit(limit);
    let bodies: Vec<String> = query.load(db)?;
    let read = bodies.iter().map(|body| serde_json::from_str(body));
    read.collect::<serde_json::Result<_>>()
        .map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)).into())
}

/// What one relay may hand over now.
pub(crate) struct Claim {
    pub rows: Vec<Row>,
    /// Rows were left since another relay holds an earlier event of the same aggregate.
    pub held_back: bool,
}

/// Locks the next rows that no other relay holds, until the transaction ends (PostgreSQL).
///
/// Skipping locked rows alone would let the second event of an aggregate overtake the first one, which another
/// relay has in its hands. So after locking we look once more, in a new snapshot: an earlier row of the same
/// aggregate that is still there is held by someone else (or was when we locked), and ours waits for the next
/// pass; one that is gone has been confirmed by the broker. Only the later one waits, so two relays cannot wait
/// for each other.
pub(crate) fn claim(db: &mut Db, limit: i64) -> Result<Claim> {
    let query = outbox::table.select(Row::as_select()).order(outbox::position).limit(limit).lock_skip(db);
    let mut rows: Vec<Row> = query.load(db)?;
    let earlier = held_by_others(db, &rows)?;
    let locked = rows.len();
    rows.retain(|row| earlier.get(&row.subject).is_none_or(|position| *position > row.position));
    Ok(Claim { held_back: rows.len() < locked, rows })
}

/// The first position of each aggregate among the rows that lie between ours.
fn held_by_others(db: &mut Db, ours: &[Row]) -> Result<HashMap<String, i64>> {
    let Some(last) = ours.last() else { return Ok(HashMap::new()) };
    let positions: Vec<i64> = ours.iter().map(|row| row.position).collect();
    let others: Vec<(String, i64)> = each!(db, connection => {
        outbox::table
            .filter(outbox::position.lt(last.position))
            .filter(outbox::position.ne_all(positions))
            .select((outbox::subject, outbox::position))
            .order(outbox::position.desc())
            .load(connection)
    })?;
    Ok(others.into_iter().collect())
}

/// The next rows except those that are under way already, without a lock: for the only relay of a database.
pub(crate) fn pending(db: &mut Db, under_way: Vec<i64>, limit: i64) -> Result<Vec<Row>> {
    let rows = outbox::table
        .filter(outbox::position.ne_all(under_way))
        .select(Row::as_select())
        .order(outbox::position)
        .limit(limit)
        .load(db)?;
    Ok(rows)
}

/// Takes away what has been handed over.
pub(crate) fn remove(db: &mut Db, positions: Vec<i64>) -> Result<()> {
    // On PostgreSQL `eq_any` is one array, and the statement the same for any number; not so through the derived backend.
    each!(db, connection => {
        diesel::delete(outbox::table.filter(outbox::position.eq_any(positions))).execute(connection)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hms_db::{Backend, Database, Migrations, PoolOptions};
    use hms_model::Clock;
    use hms_model::event::{DepartmentFacts, DepartmentUpdated};
    use hms_model::id::{DepartmentId, Id};
    use hms_testkit::database::{TestDatabase, wanted};
    use tokio::runtime::Handle;

    use super::*;

    async fn database(backend: Backend) -> (TestDatabase, Database) {
        let own = TestDatabase::new(backend, "outbox", &Migrations::new().and(crate::MIGRATIONS)).await;
        let database = Database::new(own.url.clone(), PoolOptions::default());
        (own, database)
    }

    fn event(department_id: DepartmentId, version: i64) -> Envelope {
        let now = Clock::system().now();
        let facts = DepartmentFacts { department_id, version, name: "Radiology".into(), active: true };
        Envelope::of("user", &DepartmentUpdated(facts), Id::new(now), now).unwrap()
    }

    hms_testkit::on_both_back_ends! {
        async fn events_wait_in_the_order_in_which_they_were_written(backend) {
            let (_own, database) = database(backend).await;
            let department = Id::new(Clock::system().now());
            let mut events: Vec<_> = (1..=5).map(|version| event(department, version)).collect();
            // An id that was made earlier than the others says nothing about the commit.
            events.swap(0, 4);
            let (first, rest) = (vec![events[0].clone()], events[1..].to_vec());
            database.write(move |db| append(db, &first)).await.unwrap();
            database.write(move |db| append(db, &rest)).await.unwrap();
            assert_eq!(database.read(|db| waiting(db, 10)).await.unwrap(), events);
            let rows = database.read(|db| pending(db, vec![], 2)).await.unwrap();
            let positions: Vec<_> = rows.iter().map(|row| row.position).collect();
            let next = database.read(move |db| pending(db, positions, 10)).await.unwrap();
            assert_eq!(next.len(), 3);
            database.write(move |db| remove(db, next.iter().map(|row| row.position).collect())).await.unwrap();
            let (count, oldest) = database.read(depth).await.unwrap();
            assert_eq!((count, oldest), (2, events.iter().take(2).map(|event| event.time).min()));
        }
    }

    hms_testkit::on_both_back_ends! {
        async fn what_a_service_must_not_publish_is_refused_and_nothing_of_it_is_written(backend) {
            let (_own, database) = database(backend).await;
            let good = event(Id::new(Clock::system().now()), 1);
            let cases = [
                (Envelope { kind: "ward.painted".into(), ..good.clone() }, "ward.painted is not in the registry"),
                (Envelope { source: "hms/audit".into(), ..good.clone() }, "is published by user, not by audit"),
            ];
            for (bad, reason) in cases {
                let both = [good.clone(), bad];
                let refused = database.write(move |db| append(db, &both)).await.unwrap_err();
                assert!(matches!(refused, AppendError::Unpublishable(_)), "{refused:?}");
                assert!(refused.to_string().contains(reason), "{refused}");
            }
            assert_eq!(database.read(depth).await.unwrap().0, 0);
        }
    }

    #[tokio::test]
    async fn a_later_event_does_not_overtake_one_that_another_relay_holds() {
        if !wanted(Backend::Postgres) {
            return;
        }
        let (_own, database) = database(Backend::Postgres).await;
        let [a, b] = [(); 2].map(|()| Id::new(Clock::system().now()));
        let events = vec![event(a, 1), event(a, 2), event(b, 1)];
        database.write(move |db| append(db, &events)).await.unwrap();
        let (runtime, other) = (Handle::current(), database.clone());
        let (held, left) = database
            .write(move |db| {
                let held = claim(db, 1)?;
                let other = async {
                    tokio::time::timeout(Duration::from_secs(5), other.write(|db| claim(db, 9))).await
                };
                Ok::<_, hms_db::Error>((held, runtime.block_on(other).expect("it does not wait for us")?))
            })
            .await
            .unwrap();
        let subjects = |claim: &Claim| claim.rows.iter().map(|row| row.subject.clone()).collect::<Vec<_>>();
        assert_eq!(subjects(&held), [a.to_string()]);
        assert!(!held.held_back);
        assert_eq!(subjects(&left), [b.to_string()], "the second event of the first aggregate waits");
        assert!(left.held_back);
        assert_eq!(
            database.write(|db| claim(db, 9)).await.unwrap().rows.len(),
            3,
            "nothing is held any more"
        );
    }
}
