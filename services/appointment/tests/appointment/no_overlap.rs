//! The database itself refuses a double booking, also one that no code of ours has looked at.

use std::sync::mpsc;

use diesel::RunQueryDsl;
use diesel::sql_types::BigInt;
use hms_db::{Backend, Db, Error};
use hms_model::id::{Id, PractitionerId};
use hms_testkit::{TestService, until};
use serde_json::json;

use crate::common::{APPOINTMENTS, World, at, wish};

/// A row as SQL has it, the times as minutes of 2026-03-04.
fn row(id: &str, practitioner: PractitionerId, start: i64, end: i64, status: &str) -> String {
    let at = |minute: i64| format!("2026-03-04T{:02}:{:02}:00.000000Z", minute / 60, minute % 60);
    format!(
        "INSERT INTO appointments (id, patient_id, practitioner_id, start_at, end_at, status, identifiers, version, \
         created_at, updated_at) VALUES ('{id}', '{id}', '{practitioner}', '{}', '{}', '{status}', '[]', 1, '{}', '{}')",
        at(start),
        at(end),
        at(0),
        at(0)
    )
}

fn execute(db: &mut Db, sql: &str) -> Result<usize, Error> {
    Ok(diesel::sql_query(sql).execute(db)?)
}

async fn write(app: &TestService<hms_appointment::Service>, sql: String) -> Result<usize, Error> {
    app.database.write(move |db| execute(db, &sql)).await
}

fn new_id() -> String {
    Id::<()>::new(chrono::DateTime::UNIX_EPOCH).to_string()
}

hms_testkit::on_both_back_ends! {
    async fn rows_that_overlap_are_excluded(backend) {
        let world = World::start(backend).await;
        let practitioner = world.practitioner().await;
        let first = new_id();
        write(&world.app, row(&first, practitioner, 600, 630, "booked")).await.unwrap();
        let cases = [
            (600, 630, "booked", false),
            (590, 601, "pending", false),
            (629, 640, "arrived", false),
            (610, 620, "booked", false),
            (540, 700, "booked", false),
            (570, 600, "booked", true),
            (630, 660, "booked", true),
            (600, 630, "proposed", true),
            (600, 630, "waitlist", true),
            (600, 630, "fulfilled", true),
            (600, 630, "cancelled", true),
            (600, 630, "noshow", true),
        ];
        for (start, end, status, allowed) in cases {
            match write(&world.app, row(&new_id(), practitioner, start, end, status)).await {
                Ok(rows) => assert!(allowed && rows == 1, "{start} {end} {status}"),
                Err(Error::Exclusion { constraint, .. }) => {
                    assert!(!allowed, "{start} {end} {status}");
                    assert_eq!(constraint.as_deref(), Some("occupancy_no_overlap"));
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        write(&world.app, row(&new_id(), world.practitioner().await, 600, 630, "booked")).await.unwrap();

        let moved = new_id();
        write(&world.app, row(&moved, practitioner, 700, 730, "booked")).await.unwrap();
        let updates = [
            ("start_at = '2026-03-04T10:29:00.000000Z'", false),
            ("start_at = '2026-03-04T11:00:00.000000Z', end_at = '2026-03-04T11:45:00.000000Z'", true),
            ("end_at = '2026-03-04T12:00:00.000000Z'", true),
        ];
        for (change, allowed) in updates {
            let outcome =
                write(&world.app, format!("UPDATE appointments SET {change} WHERE id = '{moved}'")).await;
            let excluded = matches!(outcome, Err(Error::Exclusion { .. }));
            assert_eq!((outcome.is_ok(), excluded), (allowed, !allowed), "{change}: {outcome:?}");
        }
        let revived = "UPDATE appointments SET status = 'booked' WHERE status = 'cancelled'".to_owned();
        assert!(matches!(write(&world.app, revived).await, Err(Error::Exclusion { .. })));
    }

    async fn an_end_before_the_start_is_refused(backend) {
        let world = World::start(backend).await;
        let practitioner = world.practitioner().await;
        let outcome = write(&world.app, row(&new_id(), practitioner, 630, 600, "cancelled")).await;
        assert!(matches!(outcome, Err(Error::Check { .. } | Error::Other(_))), "{outcome:?}");
    }

    /// Someone takes the slot around the code while a booking waits for its turn. On PostgreSQL the booking sees the
    /// calendar as it was before and the constraint refuses it; on SQLite it sees the new one.
    async fn what_came_in_between_is_a_taken_slot(backend) {
        let world = World::start(backend).await;
        let (patient, practitioner) = (world.patient().await, world.practitioner().await);
        let (go, gone) = mpsc::channel();
        let (held, holds) = tokio::sync::oneshot::channel();
        let database = world.app.database.clone();
        let rival = tokio::spawn(async move {
            database
                .write(move |db| {
                    if Backend::of(db) == Backend::Postgres {
                        execute(
                            db,
                            &format!("SELECT 1 FROM practitioners WHERE id = '{practitioner}' FOR UPDATE"),
                        )?;
                    }
                    execute(db, &row(&new_id(), practitioner, 600, 630, "booked"))?;
                    held.send(()).unwrap();
                    gone.recv().unwrap();
                    Ok::<_, Error>(())
                })
                .await
        });
        holds.await.unwrap();
        let body = wish(patient, practitioner, &at(615), &at(645));
        let desk = world.desk.clone();
        let booking = tokio::spawn(async move { desk.post(APPOINTMENTS, &body).await });
        until("the booking waits", 2, async || waits(&world.app).await.then_some(())).await;
        go.send(()).unwrap();
        rival.await.unwrap().unwrap();
        let answer = booking.await.unwrap();
        assert_eq!(answer.expect_problem(409, "SLOT_TAKEN")["error"]["details"], json!({}));
    }
}

async fn waits(app: &TestService<hms_appointment::Service>) -> bool {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        waiting: i64,
    }
    if app.database.backend() == Backend::Sqlite {
        return app.database.status().waiting > 0;
    }
    let sql = "SELECT count(*) AS waiting FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let row: Result<Row, Error> =
        app.database.read(move |db| Ok(diesel::sql_query(sql).get_result(db)?)).await;
    row.unwrap().waiting > 0
}
