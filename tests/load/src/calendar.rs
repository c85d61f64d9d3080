//! A large calendar, for the search for free slots: schedules, and years of bookings. It is written past the service, as
//! fast as the database takes it; what it says is what the service would have written.

use anyhow::{Context as _, ensure};
use diesel::connection::SimpleConnection as _;
use hms_db::{Backend, Database, DatabaseUrl, Error, PoolOptions};
use serde_json::json;

const WEEK: [&str; 5] = ["monday", "tuesday", "wednesday", "thursday", "friday"];
/// Where all of them work.
const DEPARTMENT: &str = "00000000-0000-7000-8000-000000000001";

/// Adds so many practitioners to the appointment service's database on PostgreSQL. Each sees patients on working days from 8
/// to 16 o'clock in slots of half an hour, of which every other one is taken, on so many days around today.
pub async fn fill(url: DatabaseUrl, practitioners: u32, days: u32) -> anyhow::Result<()> {
    let database = Database::new(url, PoolOptions::default());
    let weekly = WEEK.map(|day| json!({"weekday": day, "start": "08:00", "end": "16:00"}));
    let terms = json!({
        "department_id": DEPARTMENT, "zone": "UTC", "valid_from": "2020-01-01", "hours": {"weekly": weekly},
        "slot_minutes": 30,
    });
    let half = days / 2;
    let sql = format!(
        "WITH made AS (
           INSERT INTO practitioners (id, version, name, active)
           SELECT gen_random_uuid(), 1, 'Noor Haddad', TRUE FROM generate_series(1, {practitioners}) RETURNING id
         ), offered AS (
           INSERT INTO schedules (id, practitioner_id, department_id, active, terms, version, created_at, updated_at)
           SELECT gen_random_uuid(), id, '{DEPARTMENT}', TRUE,
             jsonb '{terms}' || jsonb_build_object('practitioner_id', id), 1, now(), now()
           FROM made RETURNING practitioner_id
         )
         INSERT INTO occupancy (owner_id, resource_id, session_id, seat, seats, start_at, end_at)
         SELECT id, practitioner_id, id, 0, 1, at, at + interval '30 min' FROM (
           SELECT gen_random_uuid() AS id, practitioner_id,
             date_trunc('day', now(), 'UTC') + make_interval(days => day - {half}, mins => 480 + 60 * slot) AS at
           FROM offered, generate_series(0, {days} - 1) AS day, generate_series(0, 7) AS slot
         ) AS booked;
         ANALYZE practitioners, schedules, occupancy;"
    );
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
