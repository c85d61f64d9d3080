//! A replica that is killed in the middle.

use std::collections::HashMap;
use std::process::Stdio;

use chrono::TimeDelta;
use hms_model::Clock;
use hms_model::event::PatientCreated;
use hms_testkit::{on_both_back_ends, until};
use serde_json::json;
use tokio::process::{Child, Command};

use super::hook::World;
use super::load::rest;
use crate::common::facts;

const EVENTS: usize = 300;
/// The replica is killed after so many have arrived.
const ENOUGH: usize = 40;

on_both_back_ends! {
    async fn what_a_killed_replica_had_in_hand_is_sent_by_another(backend) {
        let world = World::start(backend).await;
        let id = world.make(json!({ "events": ["patient.created"] })).await.text("id");
        world.receiver.answer(500);
        for _ in 0..EVENTS {
            world.app.deliver(&PatientCreated(facts(&world.app.clock, None))).await;
        }
        // Here they are due again five seconds later, which the clock never reaches; the other one's clock goes.
        rest(&world).await;
        world.receiver.answer(200);
        let mut other = replica(&world);
        until("some deliveries", 60, async || (taken(&world).len() >= ENOUGH).then_some(())).await;
        other.start_kill().unwrap();
        other.wait().await.unwrap();
        let left = world.count(&id, "status=pending").await;
        assert!(left > 0, "nothing was left to send when it was killed");
        let (arrived, written) = (taken(&world).len(), EVENTS - left);

        // Later than any lease of the one that is gone.
        world.app.clock.advance(Clock::system().now() - world.app.clock.now() + TimeDelta::minutes(2));
        world.look(&id).await;
        until("the rest", 60, async || (world.count(&id, "status=pending").await == 0).then_some(())).await;
        let taken = taken(&world);
        let twice = taken.values().filter(|times| **times > 1).count();
        println!("webhooks {EVENTS} | left at the kill {left} | arrived {} | twice {twice}", taken.len());
        assert_eq!(taken.len(), EVENTS, "each event has arrived");
        // And what was under way.
        assert!(twice <= arrived - written + 16, "{twice} came again, of {arrived} {written} were written down");
        world.app.stop().await;
    }
}

/// The program of the service, at the same database and data folder.
fn replica(world: &World) -> Child {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    Command::new(env!("CARGO_BIN_EXE_hms-notification"))
        .env("DATABASE_URL", world.app.database_url().expose())
        .env("HMS_DATA_DIR", world.app.folder.path())
        .env("HMS_PORT_OFFSET", (port - 8003).to_string())
        .env("HMS_WEBHOOK_ALLOW_HTTP", "true")
        .env("HMS_WEBHOOK_ALLOW_PRIVATE", "true")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// How often the receiver has taken each event.
fn taken(world: &World) -> HashMap<String, usize> {
    let mut times = HashMap::new();
    for received in world.receiver.received().into_iter().filter(|received| received.taken) {
        *times.entry(received.header("webhook-id")).or_default() += 1;
    }
    times
}
