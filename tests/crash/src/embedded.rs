//! The platform in one process, on SQLite: killed under load and started again on the same folder.

use std::time::{Duration, Instant};

use fastrand::Rng;
use hms_db::DatabaseUrl;
use hms_model::service::SERVICES;
use hms_tests::{ADMIN_EMAIL, ADMIN_PASSWORD, Kind, Platform, until};
use tokio::time::sleep;

use crate::client::Client;
use crate::config::Config;
use crate::drain::Drain;
use crate::facts::Databases;
use crate::faults;
use crate::history::{History, Recorder};
use crate::load::Load;
use crate::report::Report;

/// How long a sign-in may take, in seconds.
const PATIENCE: u64 = 60;
/// The longest life of the process after it has begun to answer, in milliseconds.
const LIFE: u64 = 3_000;

/// Loads the platform and kills it again and again, until there are enough writes; then compares.
pub async fn run(config: &Config) -> Report {
    let mut rng = Rng::with_seed(config.seed);
    let mut platform = Platform::prepare(Kind::Embedded).with("TOKEN_EXPIRY", "24h");
    platform.launch().await;
    let gateway = Client::new(platform.gateway_url());
    let admin =
        until("the sign-in", PATIENCE, async || gateway.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD).await).await;
    let file = platform.folder().join("history.jsonl");
    let begun = Instant::now();
    let load = Load::start(admin, Recorder::create(file.clone()), config.seed, config.writers).await;
    let mut kills = 0;
    while kills < config.kills || load.acknowledged() < config.writes {
        if kills % 4 == 3 {
            load.round("hms up: dies between effect and ack");
            die_at(&mut platform, faults::COMMITTED).await;
        } else {
            load.round("hms up: SIGKILL");
            sleep(Duration::from_millis(rng.u64(0..LIFE))).await;
            platform.kill();
        }
        platform.launch().await;
        kills += 1;
    }
    load.stop().await;
    let took = begun.elapsed();
    let data = platform.data();
    let place = |service: &str| DatabaseUrl::sqlite(data.join(format!("{service}_db.sqlite3")));
    let databases = Databases::new(SERVICES.iter().map(|service| (service.name, place(service.name))));
    let at = |port| Client::new(format!("http://127.0.0.1:{port}"));
    let services = SERVICES.iter().map(|service| at(platform.port(service.name))).collect();
    let drained = Drain { databases: &databases, services, queues: None }.wait().await;
    platform.stop().await;
    let mut report = Report::of(&History::read(&file), &databases.facts().await);
    report.notes.push(format!("wrote for {took:.1?}; at rest {drained:.1?} later"));
    report.faults.extend(databases.broken_chain().await);
    let dead = databases.dead_letters().await;
    if dead > 0 {
        report.faults.push(format!("{dead} events are dead letters"));
    }
    report
}

/// A life that ends at a fail point; it may be so short that the process does not get to say where it listens.
async fn die_at(platform: &mut Platform, fail_point: &str) {
    platform.kill();
    platform.set("HMS_FAILPOINT", fail_point);
    platform.spawn();
    let status = platform.process().end().await;
    assert!(!status.success(), "it ended well");
    platform.set("HMS_FAILPOINT", "");
}
