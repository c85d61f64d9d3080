//! More is taken up than there are places: what becomes of it when its webhook gets slow, or wants nothing more, and when
//! the service stops.

use chrono::TimeDelta;
use diesel::prelude::*;
use hms_db::{At, Database, Db};
use hms_model::Clock;
use hms_model::event::PatientCreated;
use hms_testkit::{on_both_back_ends, until};
use serde_json::json;

use super::hook::World;
use super::load::rest;
use super::receiver::Receiver;
use crate::common::{facts, patient};

const EVENTS: usize = 200;
/// Enough to know how fast the receiver is.
const FAST: usize = 40;

on_both_back_ends! {
    async fn what_waits_for_a_slow_webhook_is_put_back(backend) {
        let world = World::start(backend).await;
        let id = many_due(&world).await;
        world.app.clock.advance(TimeDelta::seconds(7));
        world.receiver.hang_after(FAST);
        world.look(&id).await;
        until("the places to hang", 20, async || (world.receiver.open() == 16).then_some(())).await;
        until("the others to be free", 20, async || {
            (in_hand(&world).await <= 16).then_some(())
        }).await;
        world.receiver.answer(200);
        rest(&world).await;
        // What hung is due again by its schedule.
        world.app.clock.advance(TimeDelta::minutes(7));
        world.look(&id).await;
        rest(&world).await;
        assert_eq!(world.count(&id, "status=delivered").await, EVENTS);
        assert_eq!(unaccounted(&world.app.database).await, 0, "no attempt is counted that was not made");
        world.app.stop().await;
    }

    async fn a_stop_puts_back_what_waits_for_a_place(backend) {
        let world = World::start(backend).await;
        many_due(&world).await;
        // They are due by the clock of another replica alone.
        let clock = Clock::by_hand(world.app.clock.now() + TimeDelta::seconds(7));
        world.receiver.hang_after(FAST);
        let other = world.replica(&clock).await;
        until("the places to hang", 20, async || (world.receiver.open() == 16).then_some(())).await;
        other.stop().await;
        let database = &world.app.database;
        assert_eq!(leased(database, At(clock.now() + TimeDelta::seconds(60))).await, 0, "all is free for others");
        assert_eq!(unaccounted(database).await, 0, "no attempt is counted that was not made");
        world.app.stop().await;
    }

    async fn a_receiver_that_is_gone_gets_nothing_more(backend) {
        let world = World::start(backend).await;
        let id = many_due(&world).await;
        world.app.clock.advance(TimeDelta::seconds(7));
        let before = world.receiver.received().len();
        world.receiver.answer_after(FAST, 410);
        world.look(&id).await;
        until("the end", 20, async || (world.count(&id, "status=pending").await == 0).then_some(())).await;
        let failed = world.count(&id, "status=failed").await;
        assert_eq!(world.count(&id, "status=delivered").await, FAST);
        assert_eq!(failed, EVENTS - FAST);
        let after = world.receiver.received().len() - before - FAST;
        // What was under way, and what was begun before the first 410 was read.
        assert!(after <= 32, "{after} after it was gone");
        world.app.stop().await;
    }

    async fn what_is_under_way_is_not_begun_again_after_its_lease(backend) {
        let world = World::start(backend).await;
        let slow = Receiver::start().await;
        slow.hang();
        let hook = json!({ "events": ["patient.created"], "url": slow.url() });
        let id = world.make(hook).await.text("id");
        let other = world.make(json!({ "events": ["patient.updated"] })).await.text("id");
        patient(&world.app, "ann@example.org").await;
        until("the attempt", 20, async || (slow.open() == 1).then_some(())).await;
        world.app.clock.advance(TimeDelta::minutes(2));
        // Each is a look at what is due.
        for _ in 0..3 {
            world.test_event(&other).await;
        }
        assert_eq!(slow.received().len(), 1);
        world.attempted(&id, 1).await;
        world.app.stop().await;
    }
}

/// A webhook with many deliveries that have failed once, and are due again in seven seconds.
async fn many_due(world: &World) -> String {
    let id = world.make(json!({ "events": ["patient.created"] })).await.text("id");
    world.receiver.answer(500);
    for _ in 0..EVENTS {
        world.app.deliver(&PatientCreated(facts(&world.app.clock, None))).await;
    }
    rest(world).await;
    world.receiver.answer(200);
    id
}

async fn in_hand(world: &World) -> i64 {
    leased(&world.app.database, At(world.app.clock.now() + TimeDelta::seconds(60))).await
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use hms_db::sql::{Tstz, Uid};
    webhook_deliveries (id) { id -> Uid, status -> Text, attempts -> BigInt, due_at -> Tstz, }
}

async fn leased(database: &Database, until: At) -> i64 {
    use webhook_deliveries::{due_at, status, table};
    let leased = move |db: &mut Db| {
        Ok::<i64, hms_db::Error>(
            table.filter(status.eq("pending")).filter(due_at.eq(until)).count().get_result(db)?,
        )
    };
    database.read(leased).await.unwrap()
}

/// Deliveries whose count of attempts is not that of their log.
async fn unaccounted(database: &Database) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }
    let query = "SELECT count(*) AS count FROM webhook_deliveries AS d WHERE attempts <> \
                 (SELECT count(*) FROM webhook_attempts AS a WHERE a.delivery_id = d.id)";
    let read = move |db: &mut Db| Ok::<Count, hms_db::Error>(diesel::sql_query(query).get_result(db)?);
    database.read(read).await.unwrap().count
}
