//! A hundred events from the outbox of one service to their effect in another, as often as is said: what
//! `tests/instructions` counts. On SQLite and in one thread, so that there is the same to be done each time.
//!
//!   outbox_batch TIMES

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hms_bus::{Consumer, InProcess, Options, Relay, RunningBus, Transport, outbox};
use hms_db::{Database, DatabaseUrl, Migrations, PoolOptions};
use hms_model::Clock;
use hms_model::event::{DepartmentFacts, DepartmentUpdated, Envelope};
use hms_model::id::Id;
use hms_testkit::Folder;
use tokio::sync::Notify;

const BATCH: usize = 100;
const PRODUCER: &str = "user";
const CONSUMER: &str = "appointment";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let times: usize = std::env::args().nth(1).ok_or("outbox_batch TIMES")?.parse()?;
    let (folder, hub) = (Folder::new(), InProcess::new([PRODUCER, CONSUMER]));
    let (taken, told) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (count, bell) = (Arc::clone(&taken), Arc::clone(&told));
    let consumer = Consumer::new(CONSUMER).on(move |delivery, _: DepartmentUpdated| {
        count.fetch_add(1, Ordering::Relaxed);
        delivery.wake_after_commit(&bell);
        Ok(())
    });
    let (_, consuming) = start(CONSUMER, &folder, &hub, consumer).await?;
    let (database, producing) = start(PRODUCER, &folder, &hub, Consumer::new(PRODUCER)).await?;
    for done in 0..times {
        let events = (0..BATCH).map(|_| event()).collect::<Result<Vec<_>, _>>()?;
        database.write(move |db| outbox::append(db, &events)).await?;
        producing.relay().wake();
        while taken.load(Ordering::Relaxed) < (done + 1) * BATCH {
            told.notified().await;
        }
    }
    producing.stop().await;
    consuming.stop().await;
    let left = database.read(outbox::depth).await?.0;
    if left == 0 { Ok(()) } else { Err(format!("{left} events are left in the outbox").into()) }
}

async fn start(
    service: &'static str,
    folder: &Folder,
    hub: &InProcess,
    consumer: Consumer,
) -> Result<(Database, RunningBus), Box<dyn Error>> {
    let url = DatabaseUrl::sqlite(folder.path().join(format!("{service}.db")));
    let database = Database::new(url, PoolOptions::default());
    database.migrate(&Migrations::new().and(hms_bus::MIGRATIONS)).await?;
    let (clock, transport) = (Clock::system(), Transport::InProcess(hub.clone()));
    let (relay, options) = (Relay::default(), Options::default());
    let bus = hms_bus::start(service, database.clone(), clock, transport, consumer, relay, options);
    Ok((database, bus))
}

fn event() -> Result<Envelope, Box<dyn Error>> {
    let now = Clock::system().now();
    let facts =
        DepartmentFacts { department_id: Id::new(now), version: 1, name: "Radiology".into(), active: true };
    Ok(Envelope::of(PRODUCER, &DepartmentUpdated(facts), Id::new(now), now)?)
}
