//! A large calendar, for the search for free slots: schedules, and years of bookings. It is written past the service, as
//! fast as the database takes it; what it says is what the service would have written.

use std::num::NonZero;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use diesel::connection::SimpleConnection as _;
use futures_util::future::try_join_all;
use hms_db::{Backend, Database, DatabaseUrl, Error, PoolOptions};
use hms_model::Clock;
use hms_model::id::{Id, PractitionerId};
use serde_json::json;

const WEEK: [&str; 5] = ["monday", "tuesday", "wednesday", "thursday", "friday"];
/// Where all of them work.
const DEPARTMENT: &str = "00000000-0000-7000-8000-000000000001";
/// Whose bookings are written by one statement.
const AT_ONCE: usize = 10;
/// How long a statement may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Adds so many practitioners to the appointment service's database on PostgreSQL. Each sees patients on working days from 8
/// to 16 o'clock in slots of half an hour, of which every other one is taken, on so many days around today.
///
/// Nearly all of the time goes into the constraint that excludes what overlaps, which each connection checks on one core: so
/// there is a connection for each of them.
pub async fn fill(url: DatabaseUrl, practitioners: u32, days: u32) -> anyhow::Result<()> {
    let database = Database::new(url, PoolOptions { statement_timeout: PATIENCE, ..PoolOptions::default() });
    let now = Clock::system().now();
    let ids: Vec<PractitionerId> = (0..practitioners).map(|_| Id::new(now)).collect();
    let some: Vec<_> = ids.chunks(AT_ONCE).map(array).collect();
    for ids in &some {
        run(&database, people(ids)).await?;
    }
    let hands = std::thread::available_parallelism().map_or(1, NonZero::get);
    let hands = (0..hands).map(|hand| {
        let (database, own) = (&database, some.iter().skip(hand).step_by(hands));
        async move {
            for ids in own {
                run(database, bookings(ids, days)).await?;
            }
            anyhow::Ok(())
        }
    });
    try_join_all(hands).await?;
    run(&database, "ANALYZE practitioners, schedules, occupancy".to_owned()).await
}

async fn run(database: &Database, sql: String) -> anyhow::Result<()> {
    let written = database.write(move |db| {
        let is_postgres = Backend::of(db) == Backend::Postgres;
        if is_postgres {
            db.batch_execute(&sql)?;
        }
        Ok::<_, Error>(is_postgres)
    });
    ensure!(written.await.context("the calendar could not be written")?, "this needs a PostgreSQL");
    Ok(())
}

fn array(ids: &[PractitionerId]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| format!("'{id}'")).collect();
    format!("unnest(CAST(array[{}] AS uuid[])) AS practitioner", ids.join(","))
}

/// Practitioners with a schedule each.
fn people(ids: &str) -> String {
    let weekly = WEEK.map(|day| json!({"weekday": day, "start": "08:00", "end": "16:00"}));
    let terms = json!({
        "department_id": DEPARTMENT, "zone": "UTC", "valid_from": "2020-01-01", "hours": {"weekly": weekly},
        "slot_minutes": 30,
    });
    format!(
        "INSERT INTO practitioners (id, version, name, active)
           SELECT practitioner, 1, 'Noor Haddad', TRUE FROM {ids};
         INSERT INTO schedules (id, practitioner_id, department_id, active, terms, version, created_at, updated_at)
           SELECT gen_random_uuid(), practitioner, '{DEPARTMENT}', TRUE,
             jsonb '{terms}' || jsonb_build_object('practitioner_id', practitioner), 1, now(), now()
           FROM {ids};"
    )
}

/// Every other slot of these, in the order of time.
fn bookings(ids: &str, days: u32) -> String {
    let half = days / 2;
    format!(
        "INSERT INTO occupancy (owner_id, resource_id, session_id, seat, seats, start_at, end_at)
         SELECT id, practitioner, id, 0, 1, at, at + interval '30 min' FROM (
           SELECT gen_random_uuid() AS id, practitioner,
             date_trunc('day', now(), 'UTC') + make_interval(days => day - {half}, mins => 480 + 60 * slot) AS at
           FROM {ids}, generate_series(0, {days} - 1) AS day, generate_series(0, 7) AS slot
         ) AS booked"
    )
}
