//! Units of work: whole or not at all, bounded, and alive after what goes wrong.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use hms_db::{Database, Db, Error, LockExt, PoolOptions, PoolStatus, Result};
use tokio::task::JoinSet;

use crate::schema::{add_customer, count_customers, customer, customers};
use crate::support::{Held, Scratch, both, eventually, is_busy, narrow, patient};

both!(
    what_fails_is_rolled_back,
    a_panic_is_an_error_and_leaves_nothing,
    what_a_write_says_is_what_is_there,
    a_write_ends_although_nobody_waits,
    writers_at_once_lose_nothing,
    readers_go_on_while_a_writer_writes,
    who_gets_no_connection_in_time_is_told,
    a_killed_connection_is_replaced,
    a_reader_does_not_write,
    what_nobody_waits_for_gives_way_where_it_holds_up_nobody,
);

async fn count(database: &Database) -> i64 {
    database.read(count_customers).await.unwrap()
}

async fn what_fails_is_rolled_back(scratch: Scratch) {
    let database = scratch.ready().await;
    let outcome = database.write(|db| {
        add_customer(db, &customer("Ann", None))?;
        Err::<(), Error>(Error::NotFound)
    });
    assert!(matches!(outcome.await, Err(Error::NotFound)));
    assert_eq!(count(&database).await, 0);
    database.write(|db| add_customer(db, &customer("Ann", None))).await.unwrap();
    assert_eq!(count(&database).await, 1);
}

async fn a_panic_is_an_error_and_leaves_nothing(scratch: Scratch) {
    scratch.ready().await;
    let database = scratch.open(narrow());
    for _ in 0..3 {
        let outcome = database.write(|db: &mut Db| -> Result<()> {
            add_customer(db, &customer("Ann", None))?;
            panic!("in the middle of a unit of work");
        });
        assert!(matches!(outcome.await, Err(Error::Other(_))));
    }
    assert_eq!(count(&database).await, 0);
    assert_eq!(database.status().in_use, 0);
}

/// PostgreSQL rolls back what SQLite keeps; neither may say otherwise.
async fn what_a_write_says_is_what_is_there(scratch: Scratch) {
    let database = scratch.ready().await;
    let swallowed = database.write(|db| {
        add_customer(db, &customer("Ann", Some("ann@example.org")))?;
        let _ = add_customer(db, &customer("Twin", Some("ann@example.org")));
        Ok::<_, Error>(())
    });
    let said = swallowed.await.is_ok();
    assert_eq!((said, count(&database).await), (scratch.is_sqlite(), i64::from(scratch.is_sqlite())));

    let guarded = database.write(|db| {
        add_customer(db, &customer("Bea", Some("bea@example.org")))?;
        let inner = db.transaction(|db| add_customer(db, &customer("Twin", Some("bea@example.org"))));
        assert!(inner.is_err());
        Ok::<_, Error>(())
    });
    let before = count(&database).await;
    guarded.await.unwrap();
    assert_eq!(count(&database).await, before + 1, "a savepoint keeps the rest");
}

async fn a_write_ends_although_nobody_waits(scratch: Scratch) {
    let database = scratch.ready().await;
    let held = Held::write(&database, |db| add_customer(db, &customer("Ann", None))).await;
    held.abandon().await;
    eventually("the write is committed", || async { count(&database).await == 1 }).await;
    eventually("its connection is back", || async { database.status().in_use == 0 }).await;
}

async fn writers_at_once_lose_nothing(scratch: Scratch) {
    const WRITERS: i64 = 200;
    scratch.ready().await;
    let database = scratch.open(patient());
    database.write(|db| add_customer(db, &customer("Ann", None))).await.unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let database = database.clone();
        writers.spawn(async move {
            let visit = database.write(|db| {
                let visits: i64 = customers::table.select(customers::visits).lock(db).get_result(db)?;
                diesel::update(customers::table).set(customers::visits.eq(visits + 1)).execute(db)?;
                Ok::<_, Error>(())
            });
            visit.await.unwrap();
        });
    }
    writers.join_all().await;
    let visits =
        database.read(|db| Ok::<_, Error>(customers::table.select(customers::visits).first::<i64>(db)?));
    assert_eq!(visits.await.unwrap(), WRITERS);
}

async fn readers_go_on_while_a_writer_writes(scratch: Scratch) {
    let database = scratch.ready().await;
    let held = Held::write(&database, |db| add_customer(db, &customer("Ann", None))).await;
    assert_eq!(count(&database).await, 0, "not committed yet");
    held.let_go().await.unwrap();
    assert_eq!(count(&database).await, 1);
}

async fn who_gets_no_connection_in_time_is_told(scratch: Scratch) {
    scratch.ready().await;
    let database = scratch.open(narrow());
    let held = Held::read(&database).await;
    let max = if scratch.is_sqlite() { 2 } else { 1 };
    assert_eq!(database.status(), PoolStatus { max, in_use: 1, waiting: 0 });
    let started = Instant::now();
    let refused = database.read(count_customers).await;
    assert!(is_busy(&refused), "{refused:?}");
    assert!((Duration::from_millis(100)..Duration::from_secs(2)).contains(&started.elapsed()));
    held.let_go().await.unwrap();
    assert_eq!(count(&database).await, 0);
    assert_eq!(database.status(), PoolStatus { max, in_use: 0, waiting: 0 });
}

#[derive(QueryableByName)]
struct Pid {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

/// Opens four connections at once and gives their server processes.
async fn four_connections(database: &Database) -> Vec<i32> {
    let together = std::sync::Arc::new(std::sync::Barrier::new(4));
    let mut units = JoinSet::new();
    for _ in 0..4 {
        let (database, together) = (database.clone(), together.clone());
        units.spawn(async move {
            let unit = database.read(move |db| {
                together.wait();
                Ok::<_, Error>(diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result::<Pid>(db)?.pid)
            });
            unit.await.unwrap()
        });
    }
    units.join_all().await
}

async fn kill(database: &Database, pids: Vec<i32>) {
    let killed = database.read(move |db: &mut Db| {
        for pid in pids {
            // Waits until it is gone.
            db.batch_execute(&format!("SELECT pg_terminate_backend({pid}, 5000)"))?;
        }
        Ok::<_, Error>(())
    });
    killed.await.unwrap();
}

async fn a_killed_connection_is_replaced(scratch: Scratch) {
    if scratch.is_sqlite() {
        println!("left out: SQLite has no connections that could be killed");
        return;
    }
    let admin = scratch.ready().await;
    let database = scratch.open(PoolOptions::default());

    kill(&admin, four_connections(&database).await).await;
    let written = database.write(|db| add_customer(db, &customer("Ann", None))).await;
    assert!(written.is_ok(), "nothing was done yet, so a write need not fail: {written:?}");
    for _ in 0..4 {
        assert_eq!(count(&database).await, 1, "with one connection lost, the others were not trusted");
    }

    kill(&admin, four_connections(&database).await).await;
    let mut failed = 0;
    for _ in 0..8 {
        match database.read(count_customers).await {
            Ok(count) => assert_eq!(count, 1),
            Err(error) => {
                assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
                failed += 1;
            }
        }
    }
    assert!(failed <= 1, "{failed} reads failed");

    let held = Held::write(&database, |db| add_customer(db, &customer("Bea", None))).await;
    kill_all_but(&admin).await;
    assert!(matches!(held.let_go().await, Err(Error::Unavailable(_))), "the commit failed and said so");
    assert_eq!(count(&database).await, 1);
}

/// Kills every other connection to the database.
async fn kill_all_but(admin: &Database) {
    let killed = admin.read(|db: &mut Db| {
        let query = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
        Ok::<_, Error>(db.batch_execute(query)?)
    });
    killed.await.unwrap();
}

async fn a_reader_does_not_write(scratch: Scratch) {
    if !scratch.is_sqlite() {
        println!("left out: on PostgreSQL readers and writers share their connections");
        return;
    }
    let database = scratch.ready().await;
    assert!(database.read(|db| add_customer(db, &customer("Ann", None))).await.is_err());
    assert_eq!(count(&database).await, 0);
}

async fn what_nobody_waits_for_gives_way_where_it_holds_up_nobody(scratch: Scratch) {
    let nice = |_: &mut Db| Ok::<_, Error>(rustix::process::getpriority_process(None).unwrap());
    let database = scratch.ready().await;
    let behind = database.giving_way();
    let usual = database.write(nice).await.unwrap();
    let gives_way = !scratch.is_sqlite() && cfg!(target_os = "linux");
    for _ in 0..3 {
        let found = (behind.write(nice).await.unwrap(), behind.read(nice).await.unwrap());
        assert_eq!(found.0, found.1);
        assert_eq!(found.0 > usual, gives_way, "{found:?}, and usually {usual}");
        assert_eq!(database.read(nice).await.unwrap(), usual, "its threads are its own");
    }

    // What is left to the runtime there is left to that of whoever asked.
    let spawned = behind.read(|_| Ok::<_, Error>(tokio::spawn(async { 7 }))).await.unwrap();
    assert_eq!(spawned.await.unwrap(), 7);

    // It is the same database, with as many connections.
    behind.write(|db| add_customer(db, &customer("Ann", None))).await.unwrap();
    assert_eq!((count(&database).await, database.writes()), (1, behind.writes()));
    assert_eq!(database.status().max, behind.status().max);
}
