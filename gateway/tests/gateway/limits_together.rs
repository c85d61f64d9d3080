//! Several gateways with one Redis. Each test starts a redis-server of its own: one of them kills it.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::join_all;
use hms_access::Claims;
use hms_model::id::Id;
use hms_model::role::Role;

use crate::support::{Echo, Gateway, Made, PATIENCE, PAUSE, get};

/// A redis-server that keeps nothing; gone when it is dropped.
struct Redis {
    port: u16,
    child: Child,
}

impl Redis {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::start_at(port)
    }

    fn start_at(port: u16) -> Self {
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
            .arg(port.to_string());
        let child = command.stdout(Stdio::null()).spawn();
        let child = child.expect("redis-server is needed: deploy/dev/services.sh up installs it on Debian");
        Self { port, child }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// SIGKILL.
    fn kill(mut self) -> u16 {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.port
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _gone = self.child.kill().and_then(|()| self.child.wait().map(drop));
    }
}

/// A gateway with this Redis, once it has found it.
async fn gateway(redis: &Redis, echo: &Echo, issuer: Option<&Gateway>, file: &str) -> Gateway {
    let mut made = Made::new();
    if let Some(other) = issuer {
        made = made.trusting(other);
    }
    let gateway =
        made.limited([("REDIS_URL", &redis.url()), ("HMS_LIMITS", file)]).before(&echo.address).await;
    until_redis(&gateway, 1).await;
    gateway
}

async fn until_redis(gateway: &Gateway, up: u8) {
    let begun = Instant::now();
    let line = format!("hms_gateway_limits_redis_up {up}");
    while !get(&gateway.address(), "/metrics").await.text().contains(&line) {
        assert!(begun.elapsed() < PATIENCE, "not in time: {line}");
        tokio::time::sleep(PAUSE).await;
    }
}

fn token(gateway: &Gateway) -> String {
    let now = gateway.clock.now();
    let claims = Claims::new(Id::new(now), Id::new(now), vec![Role::Nurse], now, TimeDelta::hours(1));
    gateway.issuer.issue(&claims).unwrap()
}

async fn asked(gateway: &Gateway, token: &str) -> crate::support::Answer {
    let head = format!("GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\nAuthorization: Bearer {token}\r\n");
    gateway.send(&head).await
}

/// How many of so many requests pass.
async fn passed(gateway: &Gateway, token: &str, count: usize) -> usize {
    let mut passed = 0;
    for _ in 0..count {
        passed += usize::from(asked(gateway, token).await.status == 200);
    }
    passed
}

fn file(name: &str, text: &str) -> String {
    let path = std::env::temp_dir().join(format!("hms-together-{name}-{}.toml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_gateways_keep_one_limit() {
    let (redis, echo) = (Redis::start(), Echo::start().await);
    let file = file("three", "[[limit]]\nplan = \"default\"\nper_hour = 400\n");
    let first = gateway(&redis, &echo, None, &file).await;
    let second = gateway(&redis, &echo, Some(&first), &file).await;
    let third = gateway(&redis, &echo, Some(&first), &file).await;
    let token = token(&first);
    let clients = [&first, &first, &second, &second, &third, &third];
    let all = join_all(clients.map(|gateway| passed(gateway, &token, 120))).await;
    let sum: usize = all.iter().sum();
    assert!((380..=420).contains(&sum), "{sum} of 400: {all:?}");
    let refused = asked(&second, &token).await;
    refused.assert_error(429, "RATE_LIMITED");
    assert_eq!(refused.header("ratelimit-policy"), Some("\"hour\";q=400;w=3600"));
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((3540..=3660).contains(&wait), "{wait}");
    assert_eq!(asked(&third, &self::token(&first)).await.status, 200, "another user is not concerned");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_by_one_window_is_counted_by_none_and_what_is_forgiven_is_not_there() {
    let (redis, echo) = (Redis::start(), Echo::start().await);
    let file = file("windows", "[[limit]]\nplan = \"default\"\nper_minute = 3\nper_hour = 10\n");
    let gateway = gateway(&redis, &echo, None, &file).await;
    let token = token(&gateway);
    assert_eq!(passed(&gateway, &token, 8).await, 3);
    let refused = asked(&gateway, &token).await;
    assert!(refused.header("ratelimit").unwrap().contains("\"hour\";r=7"), "{refused:?}");
    // Sign-ins that succeed are no failures, however many.
    for number in 0..150 {
        let answer = gateway.get("/api/v1/auth/login").await;
        assert_eq!(answer.status, 200, "{number}");
        assert!(answer.header("ratelimit").unwrap().contains("\"failures-minute\";r=59"), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_a_gateway_counts_by_itself_and_returns_to_it() {
    let (redis, echo) = (Redis::start(), Echo::start().await);
    let file = file("away", "[[limit]]\nplan = \"default\"\nper_hour = 20\n");
    let gateway = gateway(&redis, &echo, None, &file).await;
    let one = token(&gateway);
    assert_eq!(passed(&gateway, &one, 25).await, 20);
    let port = redis.kill();
    let asked_at = Instant::now();
    let answer = asked(&gateway, &one).await;
    assert!(asked_at.elapsed() < Duration::from_secs(2), "{:?}", asked_at.elapsed());
    assert_eq!(answer.status, 200, "its own count begins at nothing");
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("19"));
    until_redis(&gateway, 0).await;
    assert_eq!(passed(&gateway, &one, 25).await, 19, "and holds the same limit");
    let redis = Redis::start_at(port);
    until_redis(&gateway, 1).await;
    assert_eq!(passed(&gateway, &one, 25).await, 20, "a Redis that kept nothing begins at nothing");
    drop(redis);
}
