//! What only the in-process bus has to show: it keeps nothing itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod common;

use common::effects::{assert_ordered, await_count, note};
use common::{SECONDS, World, change, department, quick};
use hms_bus::{BusState, Consumer, Relay, Transport};
use hms_model::event::DepartmentUpdated;
use hms_testkit::until;

fn departments(service: &'static str) -> Consumer {
    Consumer::new(service).on(|delivery, _: DepartmentUpdated| note(delivery))
}

hms_testkit::on_both_back_ends! {
    async fn events_wait_until_every_service_has_started(backend) {
        let world = World::in_process(backend, &["user", "appointment", "audit"]);
        let user = world.start("user", Consumer::new("user")).await;
        let appointment = world.start("appointment", departments("appointment")).await;
        let id = department();
        user.publish(&[change(id, 1), change(id, 2)]).await;
        assert_eq!(user.bus.health().state, BusState::Starting);
        let audit = world.start("audit", departments("audit")).await;
        for consumer in [&appointment, &audit] {
            assert_ordered(&await_count(&consumer.database, 2).await);
        }
    }

    async fn a_subscriber_that_hangs_does_not_hold_up_another_one(backend) {
        let world = World::in_process(backend, &["user", "appointment", "audit"]);
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let gate = std::sync::Mutex::new(gate);
        let stuck = Consumer::new("appointment").on(move |delivery, _: DepartmentUpdated| {
            // Waits until the test has seen enough; a closed gate lets everything through.
            let _closed = gate.lock().unwrap().recv();
            note(delivery)
        });
        let appointment = world.start("appointment", stuck).await;
        let audit = world.start("audit", departments("audit")).await;
        let user = world.start("user", Consumer::new("user")).await;
        let events: Vec<_> = (0..250).map(|_| change(department(), 1)).collect();
        user.publish(&events).await;
        await_count(&audit.database, 250).await;
        assert_eq!(user.outbox_depth().await, 250, "each waits for its last subscriber");
        drop(open);
        await_count(&appointment.database, 250).await;
        until("an empty outbox", SECONDS, async || (user.outbox_depth().await == 0).then_some(())).await;
    }

    async fn on_a_server_who_takes_events_gives_way_to_who_answers_requests(backend) {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let world = World::in_process(backend, &["user", "audit"]);
        let (seen, mut sees) = tokio::sync::mpsc::unbounded_channel();
        let watched = Consumer::new("audit").on(move |_, _: DepartmentUpdated| {
            seen.send(nice()).map_err(hms_bus::ConsumeError::retry)
        });
        let _audit = world.start("audit", watched).await;
        let user = world.start("user", Consumer::new("user")).await;
        user.publish(&[change(department(), 1)]).await;
        let taking = sees.recv().await.unwrap();
        let asking = user.database.read(move |_| Ok::<_, hms_db::Error>(nice())).await.unwrap();
        assert_eq!(taking > asking, backend == hms_db::Backend::Postgres && cfg!(target_os = "linux"));
    }

    async fn without_a_transport_events_wait_and_health_says_so(backend) {
        let own = common::database(backend, "user").await;
        let database = hms_db::Database::new(own.url.clone(), hms_db::PoolOptions::default());
        let clock = hms_model::Clock::system();
        let consumer = Consumer::new("user");
        let bus =
            hms_bus::start("user", database.clone(), clock, Transport::None, consumer, Relay::default(), quick());
        let event = common::wrap("user", &change(department(), 1));
        database.write(move |db| hms_bus::outbox::append(db, &[event])).await.unwrap();
        let health = until("the outbox to be measured", SECONDS, async || {
            let health = bus.health();
            (health.outbox_depth == 1).then_some(health)
        })
        .await;
        assert_eq!(health.state, BusState::Waiting);
        assert_eq!(health.detail, "relay: AMQP_URL is not set, events wait in the outbox");
        bus.stop().await;
    }
}
