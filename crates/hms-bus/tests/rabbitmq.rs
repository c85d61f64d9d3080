//! What only a real broker can do: lose connections, hold garbage, be asked by several relays at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod common;

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use common::effects::{assert_ordered, await_count, note};
use common::{SECONDS, World, change, department, wrap};
use hms_bus::{BusState, Consumer};
use hms_db::Backend;
use hms_model::event::{AccountRegistered, DepartmentUpdated, Envelope};
use hms_testkit::until;
use tokio::sync::mpsc;

fn departments(service: &'static str) -> Consumer {
    Consumer::new(service).on(|delivery, _: DepartmentUpdated| note(delivery))
}

/// A world with RabbitMQ, unless the tests run without the servers.
fn world() -> Option<World> {
    hms_testkit::database::wanted(Backend::Postgres).then(|| World::over_rabbitmq(Backend::Postgres))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_on_one_database_send_each_event_once_and_in_order() {
    let Some(world) = world() else { return };
    let appointment = world.start("appointment", departments("appointment")).await;
    let user = world.start("user", Consumer::new("user")).await;
    let replica = world.start_on("user", user.database.clone(), Consumer::new("user")).await;
    let departments: Vec<_> = (0..10).map(|_| department()).collect();
    let mut sent = HashSet::new();
    for version in 1..=50 {
        let envelopes: Vec<Envelope> =
            departments.iter().map(|id| wrap("user", &change(*id, version))).collect();
        sent.extend(envelopes.iter().map(|envelope| envelope.id));
        user.commit(envelopes).await;
        replica.bus.relay().wake();
    }
    let effects = await_count(&appointment.database, 500).await;
    assert_eq!(effects.len(), 500);
    assert_eq!(effects.iter().map(|effect| effect.event_id).collect::<HashSet<_>>(), sent);
    assert_ordered(&effects);
    until("an empty outbox", SECONDS, async || (user.outbox_depth().await == 0).then_some(())).await;
    let sent = || user.bus.numbers().published + replica.bus.numbers().published;
    until("all to be counted", SECONDS, async || (sent() == 500).then_some(())).await;
    until("each taken once", SECONDS, async || (appointment.bus.numbers().consumed == 500).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_together_is_acknowledged_together() {
    let Some(world) = world() else { return };
    let appointment = world.start("appointment", departments("appointment")).await;
    let user = world.start("user", Consumer::new("user")).await;
    user.publish(&(0..100).map(|_| change(department(), 1)).collect::<Vec<_>>()).await;
    await_count(&appointment.database, 100).await;
    until("all taken", SECONDS, async || (appointment.bus.numbers().consumed == 100).then_some(())).await;
    appointment.bus.stop().await;
    assert_eq!(world.broker().depth("appointment").await, Some(0), "came back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_although_connections_break() {
    let Some(world) = world() else { return };
    world.broker().lay_line().await;
    let appointment = world.start("appointment", departments("appointment")).await;
    let user = world.start("user", Consumer::new("user")).await;
    let departments = [department(), department(), department()];
    for version in 1..=60 {
        user.publish(&departments.map(|id| change(id, version))).await;
        if version % 15 == 0 {
            world.broker().line.cut();
        }
    }
    let effects = await_count(&appointment.database, 180).await;
    assert_eq!(effects.len(), 180);
    let distinct: HashSet<_> = effects.iter().map(|effect| effect.event_id).collect();
    assert_eq!(distinct.len(), 180);
    until("health", SECONDS, async || (user.bus.health().state == BusState::Up).then_some(())).await;
    let latency = until("an answer of the broker", SECONDS, async || user.bus.health().latency).await;
    assert!(!latency.is_zero() && latency < Duration::from_secs(SECONDS), "{latency:?}");
    assert!(user.bus.numbers().interruptions > 0);
}

#[tokio::test]
async fn writes_go_on_while_the_broker_is_away_and_health_says_so() {
    let Some(world) = world() else { return };
    world.broker().lay_line().await;
    let appointment = world.start("appointment", departments("appointment")).await;
    let user = world.start("user", Consumer::new("user")).await;
    world.broker().line.close();
    user.publish(&[change(department(), 1), change(department(), 1)]).await;
    let health = until("health to tell", SECONDS, async || {
        let health = user.bus.health();
        (health.state == BusState::Waiting && health.outbox_depth == 2).then_some(health)
    })
    .await;
    assert!(health.detail.starts_with("relay: the broker is away"), "{}", health.detail);
    assert!(health.outbox_oldest.is_some());
    world.broker().line.open();
    await_count(&appointment.database, 2).await;
}

#[tokio::test]
async fn what_the_broker_itself_gives_up_is_kept_with_its_reason() {
    let Some(world) = world() else { return };
    let appointment = world.start("appointment", departments("appointment")).await;
    let user = world.start("user", Consumer::new("user")).await;
    appointment.bus.stop().await;
    let events = user.publish(&[change(department(), 1), change(department(), 1)]).await;
    until("an empty outbox", SECONDS, async || (user.outbox_depth().await == 0).then_some(())).await;
    world.broker().reject_next("appointment").await;
    let again = world.start_on("appointment", appointment.database.clone(), departments("appointment")).await;
    let letter = again.letters(1).await.remove(0);
    assert_eq!(letter.envelope().unwrap(), events[0]);
    assert_eq!(
        (letter.heading.reason.as_str(), letter.heading.attempts),
        ("given up by RabbitMQ: rejected", 0)
    );
    let effects = await_count(&again.database, 1).await;
    assert_eq!(effects[0].event_id, events[1].id);
}

#[tokio::test]
async fn an_event_that_nobody_consumes_is_published_all_the_same() {
    let Some(world) = world() else { return };
    let auth = world.start("auth", Consumer::new("auth")).await;
    let event = AccountRegistered {
        account_id: hms_model::id::Id::new(hms_model::Clock::system().now()),
        version: 1,
        roles: vec![],
    };
    auth.publish(&[event]).await;
    until("an empty outbox", SECONDS, async || (auth.outbox_depth().await == 0).then_some(())).await;
    let counted = || (auth.bus.numbers().published, auth.bus.numbers().unrouted);
    until("it to be counted", SECONDS, async || (counted() == (1, 1)).then_some(())).await;
}

#[tokio::test]
async fn services_on_sqlite_use_a_broker_as_well() {
    if world().is_none() {
        return;
    }
    let world = World::over_rabbitmq(Backend::Sqlite);
    let appointment = world.start("appointment", departments("appointment")).await;
    let user = world.start("user", Consumer::new("user")).await;
    let id = department();
    user.publish(&(1..=20).map(|version| change(id, version)).collect::<Vec<_>>()).await;
    let effects = await_count(&appointment.database, 20).await;
    assert_ordered(&effects);
    until("an empty outbox", SECONDS, async || (user.outbox_depth().await == 0).then_some(())).await;
}

#[tokio::test]
async fn a_clash_of_names_in_the_broker_is_told_by_name() {
    let Some(world) = world() else { return };
    world.broker().occupy("appointment").await;
    let own = common::database(Backend::Postgres, "appointment").await;
    let database = hms_db::Database::new(own.url.clone(), hms_db::PoolOptions::default());
    let bus = hms_bus::start(
        "appointment",
        database,
        hms_model::Clock::system(),
        world.transport(),
        departments("appointment"),
        hms_bus::Relay::default(),
        common::quick(),
    );
    let detail = until("health to tell", SECONDS, async || {
        let health = bus.health();
        (health.state == BusState::Waiting).then_some(health.detail)
    })
    .await;
    let queue = world.broker().queue("appointment");
    assert!(detail.contains(&format!("{queue} exists in the broker with other arguments")), "{detail}");
}

#[tokio::test]
async fn another_replica_takes_over_when_the_active_consumer_stops() {
    let Some(world) = world() else { return };
    let first = world.start("appointment", departments("appointment")).await;
    let second = world.start_on("appointment", first.database.clone(), departments("appointment")).await;
    let user = world.start("user", Consumer::new("user")).await;
    let id = department();
    user.publish(&(1..=20).map(|version| change(id, version)).collect::<Vec<_>>()).await;
    await_count(&first.database, 20).await;
    tokio::time::timeout(Duration::from_secs(SECONDS), first.bus.stop()).await.unwrap();
    user.publish(&(21..=40).map(|version| change(id, version)).collect::<Vec<_>>()).await;
    let effects = await_count(&first.database, 40).await;
    assert_ordered(&effects);
    let taken = || second.bus.numbers().consumed + first.bus.numbers().consumed;
    until("all to be counted", SECONDS, async || (taken() == 40).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stops_gives_back_what_it_has_not_taken_before_another_goes_on() {
    let Some(world) = world() else { return };
    let (has, mut in_hand) = mpsc::unbounded_channel();
    let (go, gone_on) = std::sync::mpsc::channel::<()>();
    let gone_on = Mutex::new(gone_on);
    let slow = Consumer::new("appointment").on(move |delivery, event: DepartmentUpdated| {
        if event.0.version == 1 {
            let _nobody_waits = has.send(());
            // The rest is sent ahead meanwhile.
            let _told = gone_on.lock().unwrap().recv_timeout(Duration::from_secs(SECONDS));
        }
        note(delivery)
    });
    let first = world.start("appointment", slow).await;
    let second = world.start_on("appointment", first.database.clone(), departments("appointment")).await;
    until("the second", SECONDS, async || (second.bus.health().state == BusState::Up).then_some(())).await;
    let (user, id) = (world.start("user", Consumer::new("user")).await, department());
    user.publish(&[change(id, 1)]).await;
    in_hand.recv().await.unwrap();
    // More than are sent ahead: the second has some to go on with.
    user.publish(&(2..=60).map(|version| change(id, version)).collect::<Vec<_>>()).await;
    until("an empty outbox", SECONDS, async || (user.outbox_depth().await == 0).then_some(())).await;
    tokio::join!(first.bus.stop(), async { go.send(()).unwrap() });
    assert_ordered(&await_count(&second.database, 60).await);
}
