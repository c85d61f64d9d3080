//! What the two databases refuse is told in the same terms.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use hms_db::{Backend, Database, DatabaseUrl, Db, Error, Json, LockExt, PoolOptions, Result};
use hms_problem::Problem;

use crate::schema::{
    Stay, add_booking, add_customer, add_stay, booking, bookings, customer, customers, stay,
};
use crate::support::{Held, Scratch, both, is_busy, narrow};

both!(
    a_violated_constraint_is_named,
    a_constraint_checked_at_the_end_fails_the_commit,
    a_missing_row_is_not_found,
    a_value_that_cannot_be_kept_is_our_callers_fault,
    a_lock_that_is_held_is_busy,
    a_database_that_is_away_is_told_at_once,
    a_statement_is_not_waited_for_without_end,
);

/// The kind and the constraint.
fn told<T>(outcome: Result<T>) -> (&'static str, Option<String>) {
    match outcome.err() {
        Some(Error::Unique { constraint, .. }) => ("unique", constraint),
        Some(Error::ForeignKey { constraint, .. }) => ("foreign key", constraint),
        Some(Error::Check { constraint, .. }) => ("check", constraint),
        Some(Error::Exclusion { constraint, .. }) => ("exclusion", constraint),
        Some(Error::Rejected { .. }) => ("rejected", None),
        Some(_) => ("another", None),
        None => ("nothing", None),
    }
}

async fn a_violated_constraint_is_named(scratch: Scratch) {
    let database = scratch.ready().await;
    let ann = customer("Ann", Some("ann@example.org"));
    let first = ann.clone();
    let added = database.write(move |db| {
        add_customer(db, &first)?;
        add_stay(db, &stay(1, 10))
    });
    added.await.unwrap();

    let duplicate = database.write(|db| add_customer(db, &customer("Other", Some("ann@example.org")))).await;
    assert_eq!(told(duplicate), ("unique", Some("customers_email_key".into())));

    let stranger = database.write(|db| add_booking(db, &booking(&customer("Nobody", None), 1))).await;
    let known = (!scratch.is_sqlite()).then(|| "bookings_customer_id_fkey".to_owned());
    assert_eq!(told(stranger), ("foreign key", known));

    let odd = database.write(move |db| {
        add_booking(db, &booking(&ann, 1))?;
        diesel::update(bookings::table).set(bookings::status.eq("odd")).execute(db)?;
        Ok(())
    });
    assert_eq!(told(odd.await), ("check", Some("bookings_status_check".into())));

    let overlap = database.write(|db| add_stay(db, &stay(9, 12))).await;
    assert_eq!(told(overlap), ("exclusion", Some("stays_no_overlap".into())));
    database.write(|db| add_stay(db, &stay(10, 12))).await.unwrap();

    let nobody =
        database.write(|db: &mut Db| Ok(db.batch_execute("UPDATE customers SET name = NULL")?)).await;
    assert_eq!(told(nobody), ("rejected", None));
}

async fn a_constraint_checked_at_the_end_fails_the_commit(scratch: Scratch) {
    let database = scratch.ready().await;
    let stranger = Stay { customer_id: Some(customer("Nobody", None).id), ..stay(1, 2) };
    let outcome = database.write(move |db| add_stay(db, &stranger)).await;
    assert_eq!(told(outcome).0, "foreign key");
    database.write(|db| add_stay(db, &stay(1, 2))).await.expect("nothing was left");
}

async fn a_missing_row_is_not_found(scratch: Scratch) {
    let database = scratch.ready().await;
    let found =
        database.read(|db| Ok::<_, Error>(customers::table.select(customers::name).first::<String>(db)?));
    let error = found.await.unwrap_err();
    assert!(matches!(error, Error::NotFound), "{error:?}");
    assert_eq!(Problem::from(error).code(), hms_problem::Code::NotFound);
}

async fn a_value_that_cannot_be_kept_is_our_callers_fault(scratch: Scratch) {
    let database = scratch.ready().await;
    let ann = customer("Ann", None);
    let owner = ann.clone();
    database.write(move |db| add_customer(db, &owner)).await.unwrap();
    let zero_in_text = database.write(|db| add_customer(db, &customer("a\0b", None))).await;
    let zero_in_json = database.write(move |db| {
        let row = booking(&ann, 1);
        add_booking(db, &crate::schema::Booking { meta: Json(serde_json::json!({"a": "\0"})), ..row })
    });
    // SQLite keeps them.
    let expected = if scratch.is_sqlite() { "nothing" } else { "rejected" };
    assert_eq!((told(zero_in_text).0, told(zero_in_json.await).0), (expected, expected));
}

async fn a_lock_that_is_held_is_busy(scratch: Scratch) {
    let database = scratch.ready().await;
    database.write(|db| add_customer(db, &customer("Ann", None))).await.unwrap();
    fn touch(db: &mut Db) -> Result<()> {
        customers::table.select(customers::name).lock(db).load::<String>(db)?;
        Ok(())
    }
    let holder = Held::write(&database, touch).await;
    let other = scratch.open(narrow());
    let started = Instant::now();
    let refused = other.write(touch).await;
    assert!(is_busy(&refused), "{refused:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
    holder.let_go().await.unwrap();
    other.write(touch).await.unwrap();
}

async fn a_database_that_is_away_is_told_at_once(scratch: Scratch) {
    let nowhere: DatabaseUrl = match scratch.backend() {
        Backend::Sqlite => "sqlite:///dev/null/hms.db".parse().unwrap(),
        Backend::Postgres => "postgres://u:s3cret@127.0.0.1:1/d".parse().unwrap(),
    };
    let database = Database::new(nowhere, PoolOptions::default());
    let started = Instant::now();
    let error = database.ping().await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(2));
    let Error::Unavailable(source) = &error else { panic!("{error:?}") };
    assert!(!error.to_string().contains(&source.to_string()), "the cause is told twice");
    assert!(!format!("{error:?}").contains("s3cret"));
    let problem = Problem::from(error);
    assert_eq!((problem.code().as_str(), problem.retry_after_seconds()), ("UNAVAILABLE", Some(1)));
}

async fn a_statement_is_not_waited_for_without_end(scratch: Scratch) {
    if scratch.is_sqlite() {
        println!("left out: SQLite has no statement timeout");
        return;
    }
    scratch.ready().await;
    let options = PoolOptions { statement_timeout: Duration::from_millis(100), ..PoolOptions::default() };
    let database = scratch.open(options);
    let slept = database.read(|db: &mut Db| Ok::<_, Error>(db.batch_execute("SELECT pg_sleep(30)")?)).await;
    assert!(matches!(slept, Err(Error::Unavailable(_))), "{slept:?}");
    database.ping().await.unwrap();
}
