//! From the commit in one service to the effect in another, on both transports by one text.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use common::effects::{self, assert_ordered, await_count, note};
use common::{Node, SECONDS, World, change, department, wrap};
use hms_bus::{BusState, ConsumeError, Consumer};
use hms_model::event::{AccountRegistered, DepartmentUpdated, Envelope};
use hms_testkit::until;

/// Writes every change of a department down.
fn departments(service: &'static str) -> Consumer {
    Consumer::new(service).on(|delivery, _: DepartmentUpdated| note(delivery))
}

hms_testkit::on_both_back_ends! {
    async fn events_arrive_in_order_and_the_outbox_is_empty_afterwards(backend) {
        let world = World::new(backend, &["user", "appointment", "audit"]);
        let appointment = world.start("appointment", departments("appointment")).await;
        let audit = world.start("audit", departments("audit")).await;
        let user = world.start("user", Consumer::new("user")).await;
        let (a, b) = (department(), department());
        let events: Vec<_> = (1..=30).flat_map(|version| [change(a, version), change(b, version)]).collect();
        user.publish(&events).await;
        for consumer in [&appointment, &audit] {
            let effects = await_count(&consumer.database, 60).await;
            assert_eq!(effects.len(), 60);
            assert_ordered(&effects);
        }
        until("an empty outbox", SECONDS, async || (user.outbox_depth().await == 0).then_some(())).await;
        until("health", SECONDS, async || (user.bus.health().state == BusState::Up).then_some(())).await;
        until("all to be counted", SECONDS, async || (user.bus.numbers().published == 60).then_some(())).await;
        user.bus.stop().await;
        audit.bus.stop().await;
        appointment.bus.stop().await;
    }

    async fn an_event_sent_twice_has_one_effect(backend) {
        let world = World::new(backend, &["user", "appointment"]);
        let appointment = world.start("appointment", departments("appointment")).await;
        let user = world.start("user", Consumer::new("user")).await;
        let twice = wrap("user", &change(department(), 1));
        user.commit(vec![twice.clone(), twice.clone()]).await;
        user.commit(vec![twice]).await;
        let last = user.publish(&[change(department(), 1)]).await.remove(0);
        let effects = until("the last event", SECONDS, async || {
            let effects = effects::all(&appointment.database).await;
            effects.iter().any(|effect| effect.event_id == last.id).then_some(effects)
        })
        .await;
        assert_eq!(effects.len(), 2);
    }

    async fn a_handler_that_fails_twice_succeeds_the_third_time_and_order_holds(backend) {
        let world = World::new(backend, &["user", "appointment"]);
        let (shaky, tries) = (department(), Arc::new(AtomicU32::new(0)));
        let count = Arc::clone(&tries);
        let consumer = Consumer::new("appointment").on(move |delivery, event: DepartmentUpdated| {
            note(delivery)?;
            let first = event.0.department_id == shaky && event.0.version == 1;
            if first && count.fetch_add(1, Ordering::SeqCst) < 4 {
                return Err(ConsumeError::retry("not yet"));
            }
            Ok(())
        });
        let appointment = world.start("appointment", consumer).await;
        let user = world.start("user", Consumer::new("user")).await;
        let steady = department();
        let events: Vec<_> =
            (1..=5).flat_map(|version| [change(shaky, version), change(steady, version)]).collect();
        user.publish(&events).await;
        let effects = await_count(&appointment.database, 10).await;
        assert_eq!(effects.len(), 10);
        assert_ordered(&effects);
        // What is committed is counted a moment later.
        let numbers = until("all to be counted", SECONDS, async || {
            Some(appointment.bus.numbers()).filter(|numbers| numbers.consumed == 10)
        })
        .await;
        assert_eq!(numbers.dead, 0);
        assert!(numbers.retried >= 2, "{numbers:?}");
    }

    async fn poison_becomes_a_dead_letter_and_the_rest_flows_on(backend) {
        let world = World::new(backend, &["user", "appointment"]);
        let (failing, rejected, panicking, healthy) = (department(), department(), department(), department());
        let consumer = Consumer::new("appointment").on(move |delivery, event: DepartmentUpdated| {
            note(delivery)?;
            match event.0.department_id {
                id if id == failing => Err(ConsumeError::retry("the shelf is full")),
                id if id == rejected => Err(ConsumeError::Reject("no such wing".into())),
                id if id == panicking => panic!("a fault in the handler"),
                _ => Ok(()),
            }
        });
        let appointment = world.start("appointment", consumer).await;
        let user = world.start("user", Consumer::new("user")).await;
        let poison = [change(failing, 1), change(rejected, 1), change(panicking, 1)];
        user.publish(&poison).await;
        user.publish(&[change(healthy, 1), change(healthy, 2)]).await;
        let effects = await_count(&appointment.database, 2).await;
        assert!(effects.iter().all(|effect| effect.subject == healthy.to_string()));
        let dead = dead_letters(&appointment, 3).await;
        let reasons: Vec<_> = dead.iter().map(|(reason, attempts)| (reason.as_str(), *attempts)).collect();
        assert_eq!(
            reasons,
            [
                ("no such wing", 1),
                ("the event could not be taken: the handler panicked", 5),
                ("the event could not be taken: the shelf is full", 5),
            ]
        );
        assert_eq!(effects::all(&appointment.database).await.len(), 2);
        until("an empty outbox", SECONDS, async || (user.outbox_depth().await == 0).then_some(())).await;
    }

    async fn a_newer_version_and_a_wrong_payload_are_dead_letters_at_once(backend) {
        let world = World::new(backend, &["user", "appointment"]);
        let appointment = world.start("appointment", departments("appointment")).await;
        let user = world.start("user", Consumer::new("user")).await;
        let newer = Envelope { dataversion: 2, ..wrap("user", &change(department(), 1)) };
        let wrong = Envelope {
            data: serde_json::json!({"version": "one"}),
            ..wrap("user", &change(department(), 1))
        };
        user.commit(vec![newer, wrong]).await;
        user.publish(&[change(department(), 1)]).await;
        await_count(&appointment.database, 1).await;
        let dead = dead_letters(&appointment, 2).await;
        assert_eq!(dead[0].0, "department.updated has version 2, this program knows up to 1");
        assert!(dead[1].0.starts_with("the payload does not fit: "), "{}", dead[1].0);
        assert_eq!(effects::all(&appointment.database).await.len(), 1);
    }

    async fn a_consumer_publishes_in_its_own_transaction(backend) {
        let world = World::new(backend, &["user", "auth", "audit"]);
        let fails_once = AtomicU32::new(0);
        let consumer = Consumer::new("auth").on(move |delivery, _: DepartmentUpdated| {
            delivery.publish(&AccountRegistered { account_id: hms_model::id::Id::new(delivery.now), version: 1, roles: vec![] })?;
            if fails_once.fetch_add(1, Ordering::SeqCst) == 0 {
                return Err(ConsumeError::retry("after publishing"));
            }
            note(delivery)
        });
        let audit = Consumer::new("audit").on(|delivery, _: AccountRegistered| note(delivery));
        let audit = world.start("audit", audit).await;
        let auth = world.start("auth", consumer).await;
        let user = world.start("user", Consumer::new("user")).await;
        let traced = Envelope {
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
            ..wrap("user", &change(department(), 1))
        };
        user.commit(vec![traced]).await;
        user.publish(&[change(department(), 1)]).await;
        await_count(&auth.database, 2).await;
        let effects = await_count(&audit.database, 2).await;
        assert_eq!(effects.len(), 2, "what a rolled back handler published is not published");
        assert!(effects.iter().all(|effect| effect.kind == "account.registered"));
    }

    async fn a_consumer_that_publishes_what_is_not_its_own_is_refused(backend) {
        let world = World::new(backend, &["user", "appointment"]);
        let consumer = Consumer::new("appointment").on(move |delivery, _: DepartmentUpdated| {
            note(delivery)?;
            delivery.publish(&AccountRegistered { account_id: hms_model::id::Id::new(delivery.now), version: 1, roles: vec![] })
        });
        let appointment = world.start("appointment", consumer).await;
        let user = world.start("user", Consumer::new("user")).await;
        user.publish(&[change(department(), 1)]).await;
        let reason = "account.registered is published by auth, not by appointment";
        assert_eq!(dead_letters(&appointment, 1).await, [(reason.to_owned(), 1)]);
        assert_eq!(effects::all(&appointment.database).await.len(), 0);
        assert_eq!(appointment.outbox_depth().await, 0);
    }

    async fn what_a_stopped_service_missed_is_there_after_its_next_start(backend) {
        let world = World::new(backend, &["user", "appointment"]);
        let appointment = world.start("appointment", departments("appointment")).await;
        let user = world.start("user", Consumer::new("user")).await;
        user.publish(&[change(department(), 1)]).await;
        await_count(&appointment.database, 1).await;
        appointment.bus.stop().await;
        user.publish(&[change(department(), 1), change(department(), 1)]).await;
        let again = world.start_on("appointment", appointment.database.clone(), departments("appointment")).await;
        assert_eq!(await_count(&again.database, 3).await.len(), 3);
    }
}

/// The dead letters of a service as (reason, attempts), in that order.
async fn dead_letters(node: &Node, count: usize) -> Vec<(String, i64)> {
    let letters = node.letters(count).await;
    let mut dead: Vec<_> =
        letters.into_iter().map(|letter| (letter.heading.reason, letter.heading.attempts)).collect();
    dead.sort();
    dead
}
