//! The inbox: which events have had their effect, written in the transaction of that effect.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, InsertExt, Key, PgRows, Result};
use hms_model::id::EventId;
use uuid::Uuid;

use crate::schema::{dead_letters, inbox};

/// Rows that one transaction of [`prune`] deletes at most, so that it never holds the database for long.
const PRUNE_BATCH: i64 = 1_000;

/// Writes the event down; false when it was there already, that is, when its effect is done.
pub(crate) fn admit(db: &mut Db, id: EventId, now: DateTime<Utc>) -> Result<bool> {
    let rows = diesel::insert_into(inbox::table)
        .values((inbox::event_id.eq(Key::from(id)), inbox::received_at.eq(At::from(now))))
        .or_ignore()
        .execute(db)?;
    Ok(rows == 1)
}

/// The same for several, in one round trip on PostgreSQL; says of each whether it is new. Of one that is there twice only
/// the first is.
pub(crate) fn admit_all(db: &mut Db, ids: &[EventId], now: DateTime<Utc>) -> Result<Vec<bool>> {
    let Db::Pg(connection) = db else {
        return ids.iter().map(|id| admit(db, *id, now)).collect();
    };
    let mut rows = PgRows::into_table("inbox", [("event_id", "uuid"), ("received_at", "timestamptz")]);
    for id in ids {
        rows.push([Some(id.to_string()), Some(now.to_rfc3339())]);
    }
    let new: Vec<Key> = rows.or_ignore().load(connection)?;
    let mut new: HashSet<Key> = new.into_iter().collect();
    Ok(ids.iter().map(|id| new.remove(&Key::from(*id))).collect())
}

/// Keeps the span in which an event was taken, for what follows from it later.
pub(crate) fn keep_trace(db: &mut Db, id: EventId, traceparent: &str) -> Result<()> {
    let event = inbox::table.find(Key::from(id));
    diesel::update(event).set(inbox::traceparent.eq(traceparent)).execute(db)?;
    Ok(())
}

/// The same for several, in one round trip on PostgreSQL.
pub(crate) fn keep_traces(db: &mut Db, traced: Vec<(EventId, String)>) -> Result<()> {
    if traced.is_empty() {
        return Ok(());
    }
    let Db::Pg(connection) = db else {
        return traced.iter().try_for_each(|(id, traceparent)| keep_trace(db, *id, traceparent));
    };
    let mut rows = PgRows::set("inbox", [("event_id", "uuid"), ("traceparent", "text")]);
    for (id, traceparent) in traced {
        rows.push([id.to_string(), traceparent].map(Some));
    }
    rows.execute(connection)?;
    Ok(())
}

/// The spans in which these events were taken, as far as [`Delivery::keep_trace`](crate::Delivery::keep_trace) has
/// kept them: for work that follows from an event after its transaction.
pub fn traces_of(db: &mut Db, ids: &[EventId]) -> Result<HashMap<EventId, String>> {
    let ids: Vec<Key> = ids.iter().copied().map(Key::from).collect();
    let kept: Vec<(Key, Option<String>)> = inbox::table
        .filter(inbox::event_id.eq_any(ids))
        .select((inbox::event_id, inbox::traceparent))
        .load(db)?;
    let traced = kept.into_iter().filter_map(|(id, traceparent)| Some((id.into(), traceparent?)));
    Ok(traced.collect())
}

/// Forgets some of the events received longer than `keep` ago; says whether there may be more. One that is a dead
/// letter too, since it failed at one of two deliveries, is remembered as long as someone may send it again.
///
/// Event ids are UUIDs of version 7, so the primary key is in the order of time and finds the old rows without
/// an index of its own; the second condition spares an old event that came in late.
pub(crate) fn prune(db: &mut Db, now: DateTime<Utc>, keep: Duration) -> Result<bool> {
    let before = now - TimeDelta::from_std(keep).unwrap_or(TimeDelta::MAX);
    let old: Vec<Key> = inbox::table
        .filter(inbox::event_id.lt(Key::from(lowest_id(before))))
        .filter(inbox::received_at.lt(At::from(before)))
        .filter(inbox::event_id.ne_all(dead_letters::table.select(dead_letters::event_id)))
        .select(inbox::event_id)
        .order(inbox::event_id)
        .limit(PRUNE_BATCH)
        .load(db)?;
    let more = i64::try_from(old.len()).unwrap_or(PRUNE_BATCH) == PRUNE_BATCH;
    diesel::delete(inbox::table.filter(inbox::event_id.eq_any(old))).execute(db)?;
    Ok(more)
}

/// The lowest id of version 7 that a moment can have (RFC 9562: 48 bits of milliseconds first).
fn lowest_id(at: DateTime<Utc>) -> EventId {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or(0);
    EventId::from_uuid(Uuid::from_u128(millis << 80))
}

#[cfg(test)]
mod tests {
    use hms_db::{Database, Migrations, PoolOptions};
    use hms_model::Clock;
    use hms_model::id::Id;
    use hms_testkit::database::TestDatabase;

    use super::*;
    use crate::dead_letters::{self, DeadLetter, Death, Label};

    hms_testkit::on_both_back_ends! {
        async fn an_event_is_admitted_once_until_it_is_forgotten(backend) {
            let own = TestDatabase::new(backend, "inbox", &Migrations::new().and(crate::MIGRATIONS)).await;
            let database = Database::new(own.url.clone(), PoolOptions::default());
            let day = |day: i64| DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + day);
            let old: EventId = EventId::from_uuid(Uuid::from_u128(lowest_id(day(0)).uuid().as_u128() + 7));
            let late: EventId = EventId::from_uuid(Uuid::from_u128(lowest_id(day(0)).uuid().as_u128() + 8));
            let admit = async |id, at| database.write(move |db| admit(db, id, at)).await.unwrap();
            assert!(admit(old, day(0)).await);
            assert!(!admit(old, day(1)).await);
            let [one, other] = [(); 2].map(|()| Id::new(Clock::system().now()));
            let ids = [one, old, other, one];
            let together = database.write(move |db| admit_all(db, &ids, day(2))).await.unwrap();
            assert_eq!(together, [true, false, true, false]);
            assert!(admit(late, day(6)).await, "an old event that came in late");
            let keep = Duration::from_secs(3 * 24 * 60 * 60);
            assert!(!database.write(move |db| prune(db, day(8), keep)).await.unwrap());
            assert!(admit(old, day(8)).await, "forgotten");
            assert!(!admit(late, day(8)).await, "not yet");
        }

        async fn an_event_that_is_a_dead_letter_too_is_not_forgotten(backend) {
            let own = TestDatabase::new(backend, "inbox", &Migrations::new().and(crate::MIGRATIONS)).await;
            let database = Database::new(own.url.clone(), PoolOptions::default());
            let (old, now) = (DateTime::UNIX_EPOCH + TimeDelta::days(20_000), Clock::system().now());
            let id = EventId::from_uuid(Uuid::from_u128(lowest_id(old).uuid().as_u128() + 7));
            let label = Label { event_id: id, kind: String::new(), subject: String::new() };
            let death = Death { reason: String::new(), attempts: 1, at: old };
            let letter = DeadLetter::new(Vec::new(), label, death);
            let (first, again) = database
                .write(move |db| {
                    dead_letters::put(db, letter)?;
                    admit(db, id, old)?;
                    prune(db, now, Duration::ZERO)?;
                    let first = admit(db, id, now)?;
                    dead_letters::remove(db, id)?;
                    prune(db, now, Duration::ZERO)?;
                    Ok::<_, hms_db::Error>((first, admit(db, id, now)?))
                })
                .await
                .unwrap();
            assert_eq!((first, again), (false, true));
        }
    }

    #[test]
    fn the_lowest_id_of_a_moment_parts_the_ids_before_from_those_after() {
        let at = DateTime::from_timestamp_millis(1_800_000_000_000).unwrap();
        let before: EventId = Id::new(at - TimeDelta::milliseconds(1));
        let after: EventId = Id::new(at);
        assert!(before < lowest_id(at) && lowest_id(at) < after);
    }
}
