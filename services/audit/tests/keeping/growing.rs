//! Replicas side by side, with batches and single deliveries mixed, keep one chain.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta};
use hms_audit::Service;
use hms_bus::{InProcess, outbox};
use hms_db::{Backend, Error};
use hms_model::Clock;
use hms_model::event::{AuditRecorded, Envelope};
use hms_model::id::Id;
use hms_service::{Running, Wiring};
use hms_settings::Settings;
use hms_testkit::database::TestDatabase;
use hms_testkit::{Folder, on_both_back_ends, until};
use tokio::task::JoinSet;

use crate::common::{entries, entry, numbers, signed, verify};

/// Several of the service on one database.
struct Replicas {
    clock: Clock,
    folder: Folder,
    own: TestDatabase,
}

impl Replicas {
    async fn new(backend: Backend) -> Self {
        let own = TestDatabase::new(backend, "audit", &hms_service::all_migrations::<Service>()).await;
        let clock = Clock::by_hand(DateTime::from_timestamp(1_772_438_400, 0).unwrap());
        Self { clock, folder: Folder::new(), own }
    }

    async fn start(&self, broker: Option<InProcess>) -> Running {
        let settings = Settings::default().with([
            ("DATABASE_URL", self.own.url.expose()),
            ("HMS_DATA_DIR", self.folder.path().display().to_string()),
        ]);
        let listener = Some(TcpListener::bind("127.0.0.1:0").unwrap());
        let wiring = Wiring { clock: self.clock.clone(), broker, listener, ..Wiring::default() };
        hms_service::start::<Service>(&settings, wiring).await.unwrap()
    }

    fn event(&self) -> Envelope {
        let patient = Id::new(self.clock.now());
        let act = AuditRecorded(entry(&self.clock, &[patient]));
        Envelope::of("audit", &act, Id::new(self.clock.now()), self.clock.now()).unwrap()
    }
}

/// Puts events where the relay of the replica finds them, and wakes it.
async fn publish(replica: &Running, events: Vec<Envelope>) {
    let append = move |db: &mut hms_db::Db| {
        outbox::append(db, &events).unwrap();
        Ok::<_, Error>(())
    };
    replica.context().database.write(append).await.unwrap();
    replica.bus().relay().wake();
}

/// As the broker does it, an event that finds the database too busy comes again.
async fn deliver(replica: &Running, event: Envelope) {
    loop {
        match replica.bus().deliver(event.clone()).await {
            Ok(()) => return,
            Err(hms_bus::ConsumeError::Away(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

on_both_back_ends! {
    async fn three_thousand_entries_of_two_consumers_are_one_chain(backend) {
        let replicas = Replicas::new(backend).await;
        let one = replicas.start(Some(InProcess::new(["audit"]))).await;
        let two = replicas.start(None).await;
        let events: Vec<Envelope> = (0..2_000).map(|_| replicas.event()).collect();
        let again = events[1_990].clone();
        let begun = Instant::now();
        publish(&one, events).await;
        let mut deliveries = JoinSet::new();
        let two = Arc::new(two);
        for _ in 0..4 {
            let (two, events) = (two.clone(), (0..250).map(|_| replicas.event()).collect::<Vec<_>>());
            deliveries.spawn(async move {
                for event in events {
                    deliver(&two, event).await;
                }
            });
        }
        deliveries.join_all().await;
        // To the other consumer too: what both were told is there once.
        deliver(&two, again).await;
        let database = &two.context().database;
        until("all entries", 60, async || (entries(database).await == 3_000).then_some(())).await;
        println!("{backend}: {:.0} entries a second", 3_000.0 / begun.elapsed().as_secs_f64());

        let report = verify(database, None).await;
        assert_eq!(report.finding, None);
        assert_eq!((report.entries, report.tip.seq, report.uncovered), (3_000, 3_000, 0));
        assert_eq!(signed(database).await, [1_000, 2_000, 3_000], "one after each thousand");
        let gaps = numbers(database, "SELECT max(seq) - count(DISTINCT seq) AS n FROM entries").await;
        assert_eq!(gaps, [0]);
        assert_eq!(numbers(database, "SELECT count(*) AS n FROM checkpoint_keys").await, [1]);

        // Six years later both prune what is too old, and the chain goes on.
        replicas.clock.advance(TimeDelta::days(2_193));
        until("the pruning", 60, async || (entries(database).await == 0).then_some(())).await;
        deliver(&two, replicas.event()).await;
        let report = verify(database, None).await;
        assert_eq!((report.finding, report.entries, report.anchor.seq), (None, 1, 3_000));
        assert_eq!(numbers(database, "SELECT seq AS n FROM prunings ORDER BY seq").await, [1_000, 2_000, 3_000]);
        one.stop().await;
        Arc::into_inner(two).unwrap().stop().await;
    }
}
