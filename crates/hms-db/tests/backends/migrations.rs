//! Bringing a database up to date.

use diesel::prelude::*;
use hms_db::{Backend, Error, Migrations, PoolOptions};
use tokio::task::JoinSet;

use crate::support::{PEOPLE, Scratch, all, both, broken, people};

both!(
    each_migration_runs_once_and_where_it_belongs,
    of_many_who_migrate_at_once_each_step_is_done_by_one,
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
