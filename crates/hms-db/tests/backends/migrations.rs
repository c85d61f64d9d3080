//! Bringing a database up to date.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use hms_db::{Backend, Error, Migrations, PoolOptions};
use tokio::task::JoinSet;

use crate::support::{PEOPLE, Scratch, all, both, broken, later, people};

both!(
    each_migration_runs_once_and_where_it_belongs,
    of_many_who_migrate_at_once_each_step_is_done_by_one,
    what_is_pending_is_told_and_nothing_is_made,
    a_step_that_waits_for_a_table_lets_others_pass,
    a_broken_migration_leaves_nothing_behind,
    the_same_folder_twice_is_refused,
    a_fingerprint_stands_for_one_set,
);

fn expected(backend: Backend) -> Vec<String> {
    vec![
        "2026-01-01-000000_customers".to_owned(),
        "2026-01-01-000000_bookings".to_owned(),
        "2026-01-02-000000_stays".to_owned(),
        format!("2026-01-03-000000_no_overlap_{backend}"),
    ]
}

async fn each_migration_runs_once_and_where_it_belongs(scratch: Scratch) {
    let database = scratch.open(PoolOptions::default());
    let expected = expected(scratch.backend());
    assert_eq!(database.migrate(&people()).await.unwrap(), expected[..1]);
    assert_eq!(database.migrate(&all()).await.unwrap(), expected[1..]);
    assert_eq!(database.migrate(&all()).await.unwrap(), Vec::<String>::new());
    assert_eq!(
        database.migrate(&people()).await.unwrap(),
        Vec::<String>::new(),
        "older code on a newer database"
    );
}

async fn of_many_who_migrate_at_once_each_step_is_done_by_one(scratch: Scratch) {
    let mut replicas = JoinSet::new();
    for _ in 0..4 {
        let database = scratch.open(PoolOptions::default());
        replicas.spawn(async move { database.migrate(&all()).await.unwrap() });
    }
    let mut run: Vec<String> = replicas.join_all().await.into_iter().flatten().collect();
    let mut expected = expected(scratch.backend());
    run.sort();
    expected.sort();
    assert_eq!(run, expected);
}

async fn what_is_pending_is_told_and_nothing_is_made(scratch: Scratch) {
    let database = scratch.open(PoolOptions::default());
    let expected = expected(scratch.backend());
    assert_eq!(database.pending(&all()).await.unwrap(), expected);
    assert_eq!(database.pending(&all()).await.unwrap(), expected, "something was made");
    database.migrate(&people()).await.unwrap();
    assert_eq!(database.pending(&all()).await.unwrap(), expected[1..]);
    database.migrate(&all()).await.unwrap();
    assert_eq!(database.pending(&all()).await.unwrap(), Vec::<String>::new());
    assert_eq!(database.pending(&people()).await.unwrap(), Vec::<String>::new(), "older code");
}

/// On PostgreSQL a reader that takes its time is in the way of a step, and the step must not be in the way of others for
/// longer than it waits itself. On SQLite readers are in nobody's way.
async fn a_step_that_waits_for_a_table_lets_others_pass(scratch: Scratch) {
    let database = scratch.open(PoolOptions::default());
    database.migrate(&people()).await.unwrap();
    if scratch.is_sqlite() {
        assert_eq!(database.migrate(&later()).await.unwrap(), ["2026-01-05-000000_nickname"]);
        return;
    }
    let mut reader = PgConnection::establish(&scratch.url.expose()).unwrap();
    reader.batch_execute("BEGIN; SELECT * FROM customers").unwrap();
    let migrating = tokio::spawn({
        let database = database.clone();
        async move { database.migrate(&later()).await }
    });
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        let asked = Instant::now();
        let count =
            |db: &mut hms_db::Db| Ok::<_, Error>(diesel::sql_query("SELECT * FROM customers").execute(db)?);
        database.read(count).await.unwrap();
        assert!(asked.elapsed() < Duration::from_secs(4), "a request waited {:?}", asked.elapsed());
    }
    assert!(!migrating.is_finished(), "the step did not wait for the reader");
    reader.batch_execute("COMMIT").unwrap();
    assert_eq!(migrating.await.unwrap().unwrap(), ["2026-01-05-000000_nickname"]);
}

async fn a_broken_migration_leaves_nothing_behind(scratch: Scratch) {
    let database = scratch.open(PoolOptions::default());
    let error = database.migrate(&broken()).await.unwrap_err();
    let Error::Other(source) = &error else { panic!("{error:?}") };
    assert!(source.to_string().contains("2026-01-04-000000_broken"), "{source}");
    let there =
        database.read(|db| Ok::<_, Error>(diesel::sql_query("SELECT id FROM broken").execute(db)?)).await;
    assert!(there.is_err(), "half a migration is left");
    database.migrate(&all()).await.unwrap();
}

async fn the_same_folder_twice_is_refused(scratch: Scratch) {
    let twice = all().and(PEOPLE);
    let error = scratch.open(PoolOptions::default()).migrate(&twice).await.unwrap_err();
    let Error::Other(source) = &error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "two migrations have the name 2026-01-01-000000_customers");
}

async fn a_fingerprint_stands_for_one_set(scratch: Scratch) {
    let backend = scratch.backend();
    let of = |migrations: &Migrations| migrations.fingerprint(backend).unwrap();
    assert_eq!(of(&all()), of(&all()));
    let sets = [of(&Migrations::new()), of(&people()), of(&all()), of(&broken())];
    for (index, one) in sets.iter().enumerate() {
        assert!(!sets[..index].contains(one), "{index}");
    }
}
