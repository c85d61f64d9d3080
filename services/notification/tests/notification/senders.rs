//! Several senders at one database, and senders that were stopped in the middle.

use std::net::TcpListener;

use crate::common::{appointment, facts, files};
use chrono::{DateTime, TimeDelta};
use hms_model::Clock;
use hms_model::event::{AppointmentScheduled, Envelope, Event, MessageSent, PatientCreated};
use hms_model::id::{Id, PatientId};
use hms_notification::Service;
use hms_service::{Running, Wiring};
use hms_settings::Settings;
use hms_testkit::database::TestDatabase;
use hms_testkit::{Folder, on_both_back_ends, until};

/// One of several processes of the service at one database; its mail goes to a folder of its own.
async fn replica(database: &TestDatabase, folder: &Folder, clock: &Clock) -> Running {
    replica_with(database, folder, clock, Vec::new()).await
}

/// The same with more settings.
pub async fn replica_with(
    database: &TestDatabase,
    folder: &Folder,
    clock: &Clock,
    more: Vec<(&'static str, String)>,
) -> Running {
    let folder = folder.path().display().to_string();
    let settings = Settings::default()
        .with([("DATABASE_URL", database.url.expose()), ("HMS_DATA_DIR", folder)])
        .with(more);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let wiring = Wiring { clock: clock.clone(), listener: Some(listener), ..Wiring::default() };
    hms_service::start::<Service>(&settings, wiring).await.unwrap()
}

pub async fn database(backend: hms_testkit::Backend) -> TestDatabase {
    TestDatabase::new(backend, "notification", &hms_service::all_migrations::<Service>()).await
}

fn clock() -> Clock {
    Clock::by_hand(DateTime::from_timestamp(1_772_438_400, 0).unwrap())
}

async fn deliver<E: Event>(to: &Running, clock: &Clock, event: &E) {
    let envelope = Envelope::of(E::PRODUCER, event, Id::new(clock.now()), clock.now()).unwrap();
    to.bus().deliver(envelope).await.unwrap();
}

async fn patient(to: &Running, clock: &Clock) -> PatientId {
    let ann = facts(clock, Some("ann@example.org"));
    deliver(to, clock, &PatientCreated(ann.clone())).await;
    ann.patient_id
}

async fn sent(at: &Running, count: usize) {
    until(&format!("{count} message.sent"), 20, async || {
        let outbox = at.context().database.read(|db| hms_bus::outbox::waiting(db, 1_000)).await.unwrap();
        let sent = outbox.iter().filter(|event| event.kind == MessageSent::TYPE).count();
        assert!(sent <= count, "{sent} of {count} were sent");
        (sent == count).then_some(())
    })
    .await;
}

fn mails(folder: &Folder) -> usize {
    files(&folder.path().join("outgoing")).len()
}

on_both_back_ends! {
    async fn of_two_senders_only_one_sends_a_message(backend) {
        let (database, clock) = (database(backend).await, clock());
        let (north, south) = (Folder::new(), Folder::new());
        let (first, second) = (replica(&database, &north, &clock).await, replica(&database, &south, &clock).await);
        let ann = patient(&first, &clock).await;
        for _ in 0..20 {
            let booked = AppointmentScheduled(appointment(&clock, ann));
            let other = AppointmentScheduled(appointment(&clock, ann));
            tokio::join!(deliver(&first, &clock, &booked), deliver(&second, &clock, &other));
        }
        sent(&first, 40).await;
        assert_eq!(mails(&north) + mails(&south), 40);
        first.stop().await;
        second.stop().await;
    }

    async fn what_is_pending_goes_out_after_the_next_start(backend) {
        let (database, clock) = (database(backend).await, clock());
        let folder = Folder::new();
        let outgoing = folder.path().join("outgoing");
        std::fs::write(&outgoing, "in the way").unwrap();
        let before = replica(&database, &folder, &clock).await;
        let ann = patient(&before, &clock).await;
        deliver(&before, &clock, &AppointmentScheduled(appointment(&clock, ann))).await;
        before.stop().await;

        std::fs::remove_file(&outgoing).unwrap();
        clock.advance(TimeDelta::minutes(2));
        let after = replica(&database, &folder, &clock).await;
        sent(&after, 1).await;
        assert_eq!(mails(&folder), 1);
        after.stop().await;
    }
}
