//! Clients that are too many, too slow, or too talkative.

use std::time::{Duration, Instant};

use hms_gateway::{Clients, Edge, Heads, Pace};

use crate::support::{Client, Echo, Gateway, PATIENCE, nobody};

const GET: &str = "GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\n";

fn clients(clients: Clients) -> Edge {
    Edge { clients, ..Edge::default() }
}

/// Asks for the metrics until one of them has this value.
async fn until_metric(gateway: &Gateway, line: &str) {
    let started = Instant::now();
    loop {
        let metrics = gateway.get("/metrics").await.text();
        if metrics.lines().any(|known| known == line) {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{line} did not come:\n{metrics}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_has_its_limits() {
    let echo = Echo::start().await;
    let heads = Heads { count: 5, bytes: 200, uri: 60 };
    let gateway = Gateway::edge(&echo.address, Edge { heads, ..Edge::default() }).await;
    let many = "X-A: 1\r\n".repeat(5);
    gateway.send(&format!("{GET}{many}")).await.assert_error(431, "HEADERS_TOO_LARGE");
    let long = "x".repeat(200);
    gateway.send(&format!("{GET}X-A: {long}\r\n")).await.assert_error(431, "HEADERS_TOO_LARGE");
    gateway.get(&format!("/api/v1/patients?search={long}")).await.assert_error(414, "URI_TOO_LONG");
    assert_eq!(echo.requests(), 0);
    assert_eq!(gateway.get("/api/v1/patients").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_come_ends_its_connection() {
    let gateway = Gateway::edge(
        &nobody().await,
        clients(Clients { head: Duration::from_millis(200), ..Clients::default() }),
    )
    .await;
    let mut client = Client::connect(&gateway.address()).await;
    client.write(b"GET /health HTTP/1.1\r\nHost: h").await;
    assert_eq!(client.answer().await.status, 408);
    assert!(client.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_head_that_does_not_come_ends_its_connection_too() {
    let gateway = Gateway::edge(
        &nobody().await,
        clients(Clients { idle: Duration::from_millis(500), ..Clients::default() }),
    )
    .await;
    let mut client = Client::connect(&gateway.address()).await;
    client.head("GET /health HTTP/1.1\r\nHost: hms\r\n").await;
    assert_eq!(client.answer().await.status, 200);
    client.write(b"GET /health HTTP/1.1\r\nHost: h").await;
    assert!(client.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_must_keep_its_pace() {
    let echo = Echo::start().await;
    let pace = Pace { grace: Duration::from_millis(300), bytes_per_second: 1_000_000 };
    let gateway = Gateway::edge(&echo.address, Edge { pace, ..Edge::default() }).await;
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let started = Instant::now();
        let mut client = Client::connect(&gateway.address()).await;
        client.head(&format!("POST /api/v1/patients HTTP/1.1\r\nHost: hms\r\n{framing}\r\n")).await;
        client.write(b"5\r\nabc").await;
        let answer = client.answer().await;
        answer.assert_error(408, "REQUEST_TIMEOUT");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(echo.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_loses_its_connection() {
    let echo = Echo::start().await;
    let gateway = Gateway::edge(
        &echo.address,
        clients(Clients { write: Duration::from_millis(500), ..Clients::default() }),
    )
    .await;
    let mut client = Client::connect(&gateway.address()).await;
    client.head("GET /api/v1/patients/large HTTP/1.1\r\nHost: hms\r\n").await;
    client.read_until("\r\n\r\n").await;
    until_metric(&gateway, "gateway_connections 1").await;
    let (answer, _) = (gateway.get("/metrics").await.text(), &client);
    let broken = r#"http_server_request_duration_seconds_count{method="GET",route="/api/v1/patients/{id}",status="200"} 1"#;
    assert!(answer.contains(broken), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_its_share_of_connections() {
    let gateway =
        Gateway::edge(&nobody().await, clients(Clients { per_address: 2, ..Clients::default() })).await;
    let mut first = Client::connect(&gateway.address()).await;
    let mut second = Client::connect(&gateway.address()).await;
    for client in [&mut first, &mut second] {
        client.head("GET /health HTTP/1.1\r\nHost: hms\r\n").await;
        assert_eq!(client.answer().await.status, 200);
    }
    let mut third = Client::connect(&gateway.address()).await;
    third.head("GET /health HTTP/1.1\r\nHost: hms\r\n").await;
    let answer = third.answer().await;
    answer.assert_error(503, "UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert!(third.is_closed().await);
    // One that says nothing is not kept either.
    assert!(Client::connect(&gateway.address()).await.is_closed().await);
    drop(first);
    drop(third);
    let started = Instant::now();
    while gateway.get("/health").await.status != 200 {
        assert!(started.elapsed() < PATIENCE);
    }
}

/// 2,000 connections that do nothing, and beside them requests: none fails, and none waits for them. Each is one open
/// file of the gateway, and one of the client here.
#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_idle_connections_are_in_nobodys_way() {
    const IDLE: usize = 2_000;
    const REQUESTS: usize = 300;
    let echo = Echo::start().await;
    let gateway =
        Gateway::edge(&echo.address, clients(Clients { per_address: 3_000, ..Clients::default() })).await;
    let mut busy = Client::connect(&gateway.address()).await;
    let alone = slowest(&mut busy, REQUESTS).await;
    let files = open_files();
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        idle.push(Client::connect(&gateway.address()).await);
    }
    until_metric(&gateway, &format!("gateway_connections {}", IDLE + 2)).await;
    let beside = slowest(&mut busy, REQUESTS).await;
    let files = open_files() - files;
    assert!(files < 2 * IDLE + 100, "{files} open files for {IDLE} connections");
    println!("p99 alone {alone:?}, beside {IDLE} idle connections {beside:?}");
    assert_eq!(echo.requests(), 2 * REQUESTS);
    assert!(beside < Duration::from_millis(500), "{beside:?}");
}

/// How many files this process has open.
fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The time that 99 of 100 requests stay below.
async fn slowest(client: &mut Client, requests: usize) -> Duration {
    let mut times = Vec::with_capacity(requests);
    for _ in 0..requests {
        let started = Instant::now();
        client.head(GET).await;
        assert_eq!(client.answer().await.status, 200);
        times.push(started.elapsed());
    }
    times.sort_unstable();
    times[requests * 99 / 100]
}
