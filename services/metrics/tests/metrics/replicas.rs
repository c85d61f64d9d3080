//! Several replicas at one database.

use std::net::TcpListener;

use chrono::{DateTime, TimeDelta};
use hms_metrics::Service;
use hms_model::Clock;
use hms_model::event::{AppointmentFacts, AppointmentScheduled, Envelope};
use hms_model::id::Id;
use hms_service::{Running, Wiring};
use hms_settings::Settings;
use hms_testkit::database::TestDatabase;
use hms_testkit::{Folder, on_both_back_ends, until};

use crate::common::{execute, number, uncounted};

async fn replica(database: &TestDatabase, folder: &Folder, clock: &Clock, every: &str) -> Running {
    let settings = Settings::default().with([
        ("DATABASE_URL", database.url.expose()),
        ("HMS_DATA_DIR", folder.path().display().to_string()),
        ("HMS_METRICS_EVERY_MS", every.to_owned()),
    ]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let wiring = Wiring { clock: clock.clone(), listener: Some(listener), ..Wiring::default() };
    hms_service::start::<Service>(&settings, wiring).await.unwrap()
}

fn booked(clock: &Clock, days: i64) -> Envelope {
    let start = clock.now() + TimeDelta::days(days);
    let facts = AppointmentFacts {
        appointment_id: Id::new(clock.now()),
        version: 1,
        patient_id: Id::new(clock.now()),
        practitioner_id: Id::new(clock.now()),
        practitioner_name: "Dr. Mia Chen".into(),
        department_id: None,
        start,
        end: start + TimeDelta::minutes(30),
        status: "booked".into(),
        reason: None,
        recorded: false,
        appointment_type_id: None,
        zone: None,
        series_id: None,
        late_cancellation: false,
    };
    Envelope::of("appointment", &AppointmentScheduled(facts), Id::new(clock.now()), clock.now()).unwrap()
}

on_both_back_ends! {
    async fn each_day_is_counted_by_one_of_them(backend) {
        const DAYS: i64 = 120;
        let database = TestDatabase::new(backend, "metrics", &hms_service::all_migrations::<Service>()).await;
        let (clock, folder) = (Clock::by_hand(DateTime::from_timestamp(1_772_438_400, 0).unwrap()), Folder::new());
        // One that takes events and counts nothing, so that all days wait when the others come.
        let taker = replica(&database, &folder, &clock, "3600000").await;
        let own = taker.context().database.clone();
        until("the first look", 10, async || {
            (number(&own, "SELECT COUNT(zone) AS number FROM jobs").await == 1).then_some(())
        })
        .await;
        for days in 0..DAYS {
            taker.bus().deliver(booked(&clock, days)).await.unwrap();
        }
        assert_eq!(uncounted(&own).await, DAYS);
        let folders: Vec<Folder> = (0..4).map(|_| Folder::new()).collect();
        let mut others = Vec::new();
        for folder in &folders {
            others.push(replica(&database, folder, &clock, "50").await);
        }
        until("all days are counted", 30, async || (uncounted(&own).await == 0).then_some(())).await;
        assert_eq!(number(&own, "SELECT days_counted AS number FROM jobs").await, DAYS);
        assert_eq!(number(&own, "SELECT COUNT(*) AS number FROM cells").await, DAYS);

        // Four that count, while events come to all of them: no day is left, none is counted from half of what there is.
        execute(&own, "UPDATE jobs SET days_counted = 0").await;
        let deliver = async |to: &Running| {
            for days in 0..40 {
                to.bus().deliver(booked(&clock, days % 5)).await.unwrap();
            }
        };
        tokio::join!(deliver(&others[0]), deliver(&others[1]), deliver(&others[2]), deliver(&others[3]));
        until("all is counted", 30, async || (uncounted(&own).await == 0).then_some(())).await;
        let sql = match backend {
            hms_testkit::Backend::Postgres => {
                "SELECT CAST(SUM(CAST(counts->'appointments'->>'booked' AS BIGINT)) AS BIGINT) AS number FROM cells"
            }
            hms_testkit::Backend::Sqlite => {
                "SELECT CAST(SUM(json_extract(counts, '$.appointments.booked')) AS BIGINT) AS number FROM cells"
            }
        };
        assert_eq!(number(&own, sql).await, DAYS + 4 * 40);
        for running in others {
            running.stop().await;
        }
        taker.stop().await;
    }

    async fn another_zone_counts_all_days_anew(backend) {
        let database = TestDatabase::new(backend, "metrics", &hms_service::all_migrations::<Service>()).await;
        let (clock, folder) = (Clock::by_hand(DateTime::from_timestamp(1_772_438_400, 0).unwrap()), Folder::new());
        let before = replica(&database, &folder, &clock, "50").await;
        before.bus().deliver(booked(&clock, 0)).await.unwrap();
        let own = before.context().database.clone();
        until("it is counted", 10, async || (uncounted(&own).await == 0).then_some(())).await;
        before.stop().await;
        let settings = Settings::default().with([
            ("DATABASE_URL", database.url.expose()),
            ("HMS_DATA_DIR", folder.path().display().to_string()),
            ("HMS_METRICS_EVERY_MS", "50".to_owned()),
            // Half past ten in the evening of the day before.
            ("HMS_QUEUE_ZONE", "Pacific/Marquesas".to_owned()),
        ]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wiring = Wiring { clock: clock.clone(), listener: Some(listener), ..Wiring::default() };
        let after = hms_service::start::<Service>(&settings, wiring).await.unwrap();
        let own = after.context().database.clone();
        until("it is counted for the other day", 10, async || {
            let there = number(&own, "SELECT COUNT(*) AS number FROM cells WHERE day = '2026-03-01'").await;
            (there == 1).then_some(())
        })
        .await;
        assert_eq!(number(&own, "SELECT COUNT(*) AS number FROM cells").await, 1);
        after.stop().await;
    }
}
