//! What the platform does while something it depends on is away: it says so, keeps what it can, and comes back by
//! itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use hms_crash::client::{Client, Raw};
use hms_crash::production::Platform;
use hms_crash::servers::Server;
use hms_model::service::SERVICES;
use hms_tests::{Kind, PATIENCE, records, until, wanted};
use serde_json::json;
use tokio::task::JoinSet;

/// No request hangs, whatever is away: a wait for a turn and a wait for a lock take 5 s each (`hms_db::PoolOptions`).
const IN_TIME: Duration = Duration::from_secs(20);

mod what_is_away_is_told_and_comes_back {
    use super::*;

    /// One after the other on one platform: it takes a while to start.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn production() {
        if !wanted(Kind::Production) {
            return;
        }
        let mut platform = Platform::prepare("outages").await;
        platform.launch();
        the_database_is_away_at_the_start(&platform).await;
        platform.servers.up().await;
        platform.recovered().await;
        let admin = platform.admin().await;
        the_database_goes_away(&platform, &admin).await;
        all_connections_are_taken(&platform, &admin).await;
        the_broker_goes_away(&platform, &admin).await;
        for (name, program) in &platform.programs {
            let seen = program.seen();
            assert_eq!((seen.starts, seen.by_itself), (1, Vec::new()), "{name} came back by itself");
        }
    }
}

async fn the_database_is_away_at_the_start(platform: &Platform) {
    for service in SERVICES {
        let client = platform.service(service.name);
        let health = until("an answer without a database", PATIENCE, async || {
            client.get("/health/detailed").await.ok()
        });
        expect_unhealthy(&health.await);
        assert_eq!(client.get("/health").await.unwrap().status, 200, "the process is there");
    }
    let gateway = platform.gateway();
    let answer = until("the gateway", PATIENCE, async || {
        gateway.post("/api/v1/auth/login", &json!({"username": "a", "password": "b"}), None).await.ok()
    });
    expect_unavailable(&answer.await);
}

async fn the_database_goes_away(platform: &Platform, admin: &Client) {
    expect_created(&register(admin).await);
    platform.servers.down(Server::Postgres).await;
    let begun = Instant::now();
    expect_unavailable(&register(admin).await);
    expect_unavailable(&admin.get("/api/v1/patients").await.unwrap());
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
    expect_unhealthy(&platform.service("user").get("/health/detailed").await.unwrap());
    platform.servers.up().await;
    platform.recovered().await;
    expect_created(&register(admin).await);
}

/// Somebody holds a lock that every write of a service needs, and there are more writes than connections.
async fn all_connections_are_taken(platform: &Platform, admin: &Client) {
    let mut other = PgConnection::establish(&platform.servers.database("user").expose()).unwrap();
    other.batch_execute("BEGIN; LOCK TABLE patients IN ACCESS EXCLUSIVE MODE").unwrap();
    let begun = Instant::now();
    let mut requests = JoinSet::new();
    for _ in 0..40 {
        let admin = admin.clone();
        requests.spawn(async move { register(&admin).await });
    }
    let appointments = admin.get("/api/v1/appointments").await.unwrap();
    assert_eq!(appointments.status, 200, "other services have connections of their own");
    for answer in requests.join_all().await {
        expect_unavailable(&answer);
    }
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
    other.batch_execute("COMMIT").unwrap();
    platform.recovered().await;
    expect_created(&register(admin).await);
}

async fn the_broker_goes_away(platform: &Platform, admin: &Client) {
    platform.servers.down(Server::Rabbitmq).await;
    for _ in 0..5 {
        expect_created(&register(admin).await);
    }
    let user = platform.service("user");
    until("a word of the broker in the health", PATIENCE, async || {
        let health = user.get("/health/detailed").await.unwrap();
        assert_eq!(health.status, 200, "requests are answered all the same");
        (health.body["status"] == "degraded").then_some(())
    })
    .await;
    // An event and an entry for the audit each.
    assert!(outbox_events(&user).await >= 10);
    platform.servers.up().await;
    platform.recovered().await;
    until("the outbox to be empty", PATIENCE, async || (outbox_events(&user).await == 0).then_some(())).await;
}

async fn register(admin: &Client) -> Raw {
    admin.post("/api/v1/patients", &records::patient("Ann", "Andersson"), None).await.unwrap()
}

async fn outbox_events(service: &Client) -> u64 {
    let metrics = service.text("/metrics").await.unwrap();
    let line = metrics.lines().find_map(|line| line.strip_prefix("hms_outbox_events "));
    line.unwrap().parse().unwrap()
}

#[track_caller]
fn expect_created(answer: &Raw) {
    assert_eq!(answer.status, 201, "{answer:?}");
}

#[track_caller]
fn expect_unavailable(answer: &Raw) {
    assert_eq!((answer.status, answer.code()), (503, "UNAVAILABLE"), "{answer:?}");
    assert!(answer.retry_after.is_some(), "no Retry-After: {answer:?}");
}

#[track_caller]
fn expect_unhealthy(health: &Raw) {
    assert_eq!((health.status, health.body["status"].as_str()), (503, Some("unhealthy")), "{health:?}");
    let dependencies = health.body["dependencies"].as_array().unwrap();
    let database = dependencies.iter().find(|dependency| dependency["name"] == "database").unwrap();
    assert_eq!(database["status"], "unhealthy", "{health:?}");
}
