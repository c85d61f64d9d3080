//! Many webhooks to a receiver that fails, hangs, redirects and answers 500 by turns.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use diesel::prelude::*;
use hms_db::At;
use hms_model::event::{Envelope, Event as _, PatientCreated};
use hms_model::id::Id;
use hms_settings::Settings;
use hms_testkit::{on_both_back_ends, until};
use serde_json::json;

use super::hook::World;
use crate::common::facts;

/// Events, unless `HMS_TEST_WEBHOOKS` says how many.
const EVENTS: usize = 2_000;
/// Receivers, each with an equal share; so that what hangs hangs beside the others.
const HOOKS_OF_EVENTS: usize = 20;

on_both_back_ends! {
    async fn each_is_delivered_or_accounted_for(backend) {
        let events = Settings::from_environment().parse_or("HMS_TEST_WEBHOOKS", EVENTS).unwrap();
        let settings = [
            ("HMS_WEBHOOK_ALLOW_HTTP", "true"),
            ("HMS_WEBHOOK_ALLOW_PRIVATE", "true"),
            ("HMS_WEBHOOK_TIMEOUT_MS", "1000"),
        ];
        let world = World::start_with(backend, &settings).await;
        let mut ids = Vec::new();
        for number in 0..HOOKS_OF_EVENTS {
            let url = format!("{}?{number}", world.receiver.url());
            ids.push(world.make(json!({ "events": ["patient.created"], "url": url })).await.text("id"));
        }
        world.receiver.by_turns();
        let mut sent = HashSet::new();
        for _ in 0..events / HOOKS_OF_EVENTS {
            let (now, event) = (world.app.clock.now(), PatientCreated(facts(&world.app.clock, None)));
            let envelope = Envelope::of(PatientCreated::PRODUCER, &event, Id::new(now), now).unwrap();
            sent.insert(envelope.id.to_string());
            world.app.deliver_envelope(envelope).await.unwrap();
        }
        for wait in [6, 361, 2_161, 8_641, 21_601, 43_201, 60_481, 86_401, 103_681, 1] {
            rest(&world).await;
            world.app.clock.advance(TimeDelta::seconds(wait));
            world.look(&ids[0]).await;
        }
        rest(&world).await;
        let mut table: HashMap<String, usize> = HashMap::new();
        for id in &ids {
            for status in ["pending", "delivered", "failed"] {
                let count = world.count(id, &format!("status={status}")).await;
                *table.entry(status.to_owned()).or_default() += count;
            }
        }
        let received = world.receiver.received();
        let taken = received.iter().filter(|received| received.taken);
        let arrived: HashSet<_> =
            taken.map(|received| (received.query.clone(), received.header("webhook-id"))).collect();
        println!("webhooks {} | requests {} | {table:?}", sent.len() * ids.len(), received.len());
        assert_eq!(table["pending"], 0);
        assert_eq!(table["delivered"] + table["failed"], sent.len() * ids.len());
        assert_eq!(table["failed"], sent.len(), "one receiver takes nothing");
        assert_eq!(arrived.len(), table["delivered"], "what counts as delivered has arrived");
        world.app.stop().await;
    }
}

/// Returns when nothing is due any more, nor under way: what is has a lease of a minute from the moment at which the
/// clock stands.
pub async fn rest(world: &World) {
    diesel::table! {
        use diesel::sql_types::Text;
        use hms_db::sql::{Tstz, Uid};
        webhook_deliveries (id) { id -> Uid, status -> Text, due_at -> Tstz, }
    }
    use webhook_deliveries::{due_at, status, table};
    let now = world.app.clock.now();
    let (due, leased) = (At(now), At(now + TimeDelta::seconds(60)));
    until("what is due", 120, async || {
        let busy = world.app.database.read(move |db| {
            let busy = table.filter(status.eq("pending")).filter(due_at.le(due).or(due_at.eq(leased)));
            Ok::<i64, hms_db::Error>(busy.count().get_result(db)?)
        });
        (busy.await.unwrap() == 0).then_some(())
    })
    .await;
}
