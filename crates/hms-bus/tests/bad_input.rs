//! What comes in and cannot be taken: it stops no consumer, and none of it is lost.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod common;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::effects::{self, await_count, note};
use common::{Node, World, change, department, wrap};
use diesel::RunQueryDsl;
use hms_bus::{ConsumeError, Consumer, Redriven};
use hms_db::{Backend, Db};
use hms_model::event::{DepartmentUpdated, Envelope};
use serde_json::json;

fn departments(service: &'static str) -> Consumer {
    Consumer::new(service).on(|delivery, _: DepartmentUpdated| note(delivery))
}

/// A service that takes nothing as long as the switch is on.
fn stubborn(service: &'static str, refuses: &Arc<AtomicBool>) -> Consumer {
    let refuses = Arc::clone(refuses);
    Consumer::new(service).on(move |delivery, _: DepartmentUpdated| {
        note(delivery)?;
        if refuses.load(Ordering::SeqCst) { Err(ConsumeError::Reject("not today".into())) } else { Ok(()) }
    })
}

/// Messages that no consumer can take, with the beginning of the reason why.
fn bad_messages() -> Vec<(Vec<u8>, &'static str)> {
    let good = || wrap("user", &change(department(), 1));
    let json = |envelope: Envelope| serde_json::to_vec(&envelope).unwrap();
    let huge = Envelope { data: json!({"version": "x".repeat(10 * 1024 * 1024)}), ..good() };
    vec![
        (b"not JSON".to_vec(), "the envelope cannot be read: "),
        (b"{}".to_vec(), "the envelope cannot be read: missing field `specversion`"),
        (vec![b'x'; 10 * 1024 * 1024], "the envelope cannot be read: "),
        (json(Envelope { kind: "ward.painted".into(), ..good() }), "appointment consumes no ward.painted"),
        (
            json(Envelope { dataversion: 2, ..good() }),
            "department.updated has version 2, this program knows up to 1",
        ),
        (json(Envelope { data: json!({"version": "one"}), ..good() }), "the payload does not fit: "),
        (json(huge), "the payload does not fit: "),
        (
            json(Envelope { subject: "a\0b".into(), data: json!(null), ..good() }),
            "the payload does not fit: ",
        ),
    ]
}

hms_testkit::on_both_back_ends! {
    async fn bad_messages_are_kept_as_they_came_and_the_good_ones_flow_on(backend) {
        let world = World::new(backend, &["user", "appointment"]);
        let appointment = world.start("appointment", departments("appointment")).await;
        let user = world.start("user", Consumer::new("user")).await;
        let mut bad = bad_messages();
        if backend == Backend::Postgres {
            // In process there is no way in for what is no text.
            bad.push((b"\x00\xff\xfe".to_vec(), "the envelope cannot be read: "));
        }
        for (body, _) in &bad {
            user.send_raw(&world, "department.updated", body).await;
        }
        let good = user.publish(&[change(department(), 1)]).await.remove(0);
        let effects = await_count(&appointment.database, 1).await;
        assert_eq!(effects.iter().map(|effect| effect.event_id).collect::<Vec<_>>(), [good.id]);
        let letters = all_letters(&world, &appointment, &user, bad.len()).await;
        for (body, reason) in &bad {
            let kept: Vec<_> = letters.iter().filter(|letter| letter.body == *body).collect();
            assert_eq!(kept.len(), 1, "{reason}");
            assert!(kept[0].heading.reason.starts_with(reason), "{}", kept[0].heading.reason);
        }
        let ids: HashSet<_> = letters.iter().map(|letter| letter.heading.event_id).collect();
        assert_eq!(ids.len(), bad.len(), "each has an id of its own");
        assert_eq!(effects::all(&appointment.database).await.len(), 1);
    }

    async fn a_letter_that_cannot_be_kept_now_is_kept_later(backend) {
        let world = World::new(backend, &["user", "appointment"]);
        let appointment = world.start("appointment", departments("appointment")).await;
        let user = world.start("user", Consumer::new("user")).await;
        execute(&appointment, "ALTER TABLE dead_letters RENAME TO away").await;
        let bad = Envelope { dataversion: 2, ..wrap("user", &change(department(), 1)) };
        user.commit(vec![bad.clone()]).await;
        user.publish(&[change(department(), 1)]).await;
        await_count(&appointment.database, 1).await;
        execute(&appointment, "ALTER TABLE away RENAME TO dead_letters").await;
        let letters = appointment.letters(1).await;
        assert_eq!((letters.len(), letters[0].envelope().unwrap()), (1, bad));
    }

    async fn a_dead_letter_redriven_twice_has_one_effect(backend) {
        let world = World::new(backend, &["user", "appointment"]);
        let refuses = Arc::new(AtomicBool::new(true));
        let appointment = world.start("appointment", stubborn("appointment", &refuses)).await;
        let user = world.start("user", Consumer::new("user")).await;
        let event = user.publish(&[change(department(), 1)]).await.remove(0);
        appointment.letters(1).await;

        let Redriven::Refused(reason) = appointment.redrive(event.id).await.unwrap() else { panic!("taken") };
        assert_eq!(reason, "not today");
        let letters = appointment.all_letters().await;
        assert_eq!((letters.len(), letters[0].heading.attempts), (1, 2));
        assert_eq!(effects::all(&appointment.database).await.len(), 0, "what failed leaves nothing behind");

        refuses.store(false, Ordering::SeqCst);
        let (one, other) = tokio::join!(appointment.redrive(event.id), appointment.redrive(event.id));
        let outcomes = [one, other];
        let taken = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Redriven::Taken(_)))).count();
        let gone = outcomes.iter().filter(|outcome| matches!(outcome, Err(hms_db::Error::NotFound))).count();
        assert_eq!((taken, gone), (1, 1), "{outcomes:?}");
        assert!(appointment.all_letters().await.is_empty());
        appointment.bus.deliver(event).await.unwrap();
        assert_eq!(effects::all(&appointment.database).await.len(), 1);
    }

    async fn a_letter_whose_effect_is_there_already_is_simply_done_with(backend) {
        let world = World::new(backend, &["user", "appointment"]);
        let refuses = Arc::new(AtomicBool::new(true));
        let appointment = world.start("appointment", stubborn("appointment", &refuses)).await;
        let user = world.start("user", Consumer::new("user")).await;
        let event = user.publish(&[change(department(), 1)]).await.remove(0);
        appointment.letters(1).await;
        refuses.store(false, Ordering::SeqCst);
        appointment.bus.deliver(event.clone()).await.unwrap();
        assert!(matches!(appointment.redrive(event.id).await, Ok(Redriven::Taken(_))));
        assert!(appointment.all_letters().await.is_empty());
        assert_eq!(effects::all(&appointment.database).await.len(), 1);
    }

    async fn a_letter_that_holds_no_event_stays_until_someone_drops_it(backend) {
        let world = World::new(backend, &["user", "appointment"]);
        let appointment = world.start("appointment", departments("appointment")).await;
        let user = world.start("user", Consumer::new("user")).await;
        user.send_raw(&world, "department.updated", b"not JSON").await;
        let letter = all_letters(&world, &appointment, &user, 1).await.remove(0);
        let (id, keeper) = (letter.heading.event_id, if world.broker.is_some() { &appointment } else { &user });
        let Redriven::Refused(reason) = keeper.redrive(id).await.unwrap() else { panic!("taken") };
        assert!(reason.starts_with("the envelope cannot be read: "), "{reason}");
        assert_eq!(keeper.all_letters().await[0].body, b"not JSON");
        keeper.database.write(move |db| hms_bus::dead_letters::remove(db, id)).await.unwrap();
        let again = keeper.database.write(move |db| hms_bus::dead_letters::remove(db, id)).await;
        assert!(matches!(again, Err(hms_db::Error::NotFound)), "{again:?}");
    }
}

async fn execute(node: &Node, sql: &'static str) {
    let statement = move |db: &mut Db| Ok::<_, hms_db::Error>(diesel::sql_query(sql).execute(db)?);
    node.database.write(statement).await.unwrap();
}

/// The letters of all: in process, a message without an envelope never leaves its producer.
async fn all_letters(
    world: &World,
    consumer: &Node,
    producer: &Node,
    count: usize,
) -> Vec<hms_bus::dead_letters::DeadLetter> {
    if world.broker.is_some() {
        return consumer.letters(count).await;
    }
    hms_testkit::until(&format!("{count} dead letters"), common::SECONDS, async || {
        let mut letters = consumer.all_letters().await;
        letters.extend(producer.all_letters().await);
        (letters.len() >= count).then_some(letters)
    })
    .await
}
