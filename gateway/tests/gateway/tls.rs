//! TLS and HTTP/2 on a port of their own, and certificates that are renewed while the gateway runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hms_gateway::{CertificateFiles, Clients, Edge, Tls};
use hms_model::Clock;
use hms_model::id::Id;
use reqwest::{Certificate, Client, Version};

use crate::support::{Echo, Gateway, PATIENCE};

/// A folder with a certificate for `localhost` and its key.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = Id::<Folder>::new(Clock::system().now()).to_string();
        let folder = std::env::temp_dir().join(format!("hms-gateway-{name}"));
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn files(&self) -> CertificateFiles {
        CertificateFiles { chain: self.0.join("chain.pem"), key: self.0.join("key.pem") }
    }

    /// Writes a new certificate and returns it as a client trusts it.
    fn renew(&self) -> Certificate {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (chain, files) = (made.cert.pem(), self.files());
        std::fs::write(files.key, made.signing_key.serialize_pem()).unwrap();
        std::fs::write(files.chain, &chain).unwrap();
        Certificate::from_pem(chain.as_bytes()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

fn tls(files: CertificateFiles) -> Tls {
    Tls {
        listen: "127.0.0.1:0".parse().unwrap(),
        files,
        look_every: Duration::from_millis(20),
        only: false,
        public_port: 443,
        hsts_seconds: 600,
    }
}

/// A client that trusts this certificate and nothing else.
fn client(trusted: Certificate, address: SocketAddr, only_http1: bool) -> Client {
    let _already_there = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().tls_certs_only([trusted]).resolve("localhost", address).no_proxy();
    let builder = if only_http1 { builder.http1_only() } else { builder };
    builder.timeout(PATIENCE).build().unwrap()
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("https://localhost:{}{path}", address.port())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_port_speaks_both_versions_of_http_over_tls() {
    let (echo, folder) = (Echo::start().await, Folder::new());
    let trusted = folder.renew();
    let gateway =
        Gateway::edge(&echo.address, Edge { tls: Some(tls(folder.files())), ..Edge::default() }).await;
    let address = gateway.running.tls_addr().unwrap();
    for (only_http1, version) in [(false, Version::HTTP_2), (true, Version::HTTP_11)] {
        let client = client(trusted.clone(), address, only_http1);
        let answer = client
            .post(url(address, "/api/v1/patients?a=1"))
            .header("x-forwarded-for", "6.6.6.6")
            .body("x".repeat(100_000))
            .send()
            .await
            .unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=600");
        let seen: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(seen["length"], 100_000);
        assert_eq!(seen["query"], "a=1");
        assert_eq!(seen["headers"]["x-forwarded-proto"][0], "https");
        assert_eq!(seen["headers"]["x-forwarded-for"][0], "127.0.0.1");
        assert_eq!(seen["headers"]["host"][0], echo.address);
        let refused = client.get(url(address, "/api/v1/nothing")).send().await.unwrap();
        assert_eq!(refused.status().as_u16(), 404);
        let large = client.get(url(address, "/api/v1/patients/large")).send().await.unwrap();
        assert_eq!(large.bytes().await.unwrap().len(), crate::support::LARGE);
    }
    // The plain port goes on, and says nothing of TLS.
    let plain = gateway.get("/api/v1/patients").await;
    assert_eq!((plain.status, plain.header("strict-transport-security")), (200, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_takes_ends_even_where_others_share_the_connection() {
    let (echo, folder) = (Echo::start().await, Folder::new());
    let trusted = folder.renew();
    let clients = Clients { write: Duration::from_millis(500), ..Clients::default() };
    let edge = Edge { tls: Some(tls(folder.files())), clients, ..Edge::default() };
    let gateway = Gateway::edge(&echo.address, edge).await;
    let address = gateway.running.tls_addr().unwrap();
    let client = client(trusted, address, false);
    let mut untaken = client.get(url(address, "/api/v1/patients/large")).send().await.unwrap();
    assert_eq!((untaken.status().as_u16(), untaken.version()), (200, Version::HTTP_2));
    let served = r#"http_server_request_duration_seconds_count{method="GET",route="/api/v1/patients/{id}",status="200"} 1"#;
    let started = Instant::now();
    while !gateway.get("/metrics").await.text().contains(served) {
        assert!(started.elapsed() < PATIENCE);
    }
    // What is there is less than the whole, and ends with an error.
    let mut length = 0;
    while let Ok(Some(part)) = untaken.chunk().await {
        length += part.len();
    }
    assert!(length < crate::support::LARGE, "{length}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_idle_connections_of_http2_and_lets_requests_end() {
    let (echo, folder) = (Echo::start().await, Folder::new());
    let trusted = folder.renew();
    let gateway =
        Gateway::edge(&echo.address, Edge { tls: Some(tls(folder.files())), ..Edge::default() }).await;
    let address = gateway.running.tls_addr().unwrap();
    let (idle, busy) = (client(trusted.clone(), address, false), client(trusted, address, false));
    assert_eq!(idle.get(url(address, "/health")).send().await.unwrap().version(), Version::HTTP_2);
    let waiting = tokio::spawn(busy.get(url(address, "/api/v1/patients/wait")).send());
    while echo.requests() == 0 {
        tokio::task::yield_now().await;
    }
    let started = Instant::now();
    let stopping = tokio::spawn(gateway.running.stop());
    while crate::support::Client::try_connect(&address.to_string()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    echo.state.release.add_permits(1);
    assert_eq!(waiting.await.unwrap().unwrap().text().await.unwrap(), "waited");
    stopping.await.unwrap().unwrap();
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plain_port_can_send_everybody_over() {
    let (echo, folder) = (Echo::start().await, Folder::new());
    folder.renew();
    let tls = Tls { only: true, ..tls(folder.files()) };
    let gateway = Gateway::edge(&echo.address, Edge { tls: Some(tls), ..Edge::default() }).await;
    let answer = gateway.get("/api/v1/patients?search=a%2Fb").await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (308, Some("https://hms/api/v1/patients?search=a%2Fb"))
    );
    for path in ["/health", "/health/ready", "/metrics"] {
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
    }
    assert_eq!(echo.requests(), 0);
}

/// Whether the gateway shows this certificate to a new connection.
async fn shows(certificate: &Certificate, address: SocketAddr) -> bool {
    let client = client(certificate.clone(), address, true);
    client.get(url(address, "/health")).send().await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_needs_no_restart_and_a_bad_one_changes_nothing() {
    let (echo, folder) = (Echo::start().await, Folder::new());
    let first = folder.renew();
    let gateway =
        Gateway::edge(&echo.address, Edge { tls: Some(tls(folder.files())), ..Edge::default() }).await;
    let address = gateway.running.tls_addr().unwrap();
    let kept = client(first.clone(), address, false);
    assert!(kept.get(url(address, "/health")).send().await.is_ok());

    let second = folder.renew();
    let started = Instant::now();
    while !shows(&second, address).await {
        assert!(started.elapsed() < PATIENCE);
    }
    assert!(!shows(&first, address).await);
    // A connection that is open stays.
    assert!(kept.get(url(address, "/health")).send().await.is_ok());

    std::fs::write(folder.files().chain, "-----BEGIN CERTIFICATE-----\nnonsense\n").unwrap();
    let failed = |text: &str| {
        text.lines()
            .any(|line| line.starts_with("gateway_tls_reload_failures_total") && !line.ends_with(" 0"))
    };
    let started = Instant::now();
    let mut metrics = gateway.get("/metrics").await.text();
    while !failed(&metrics) {
        assert!(started.elapsed() < PATIENCE, "{metrics}");
        metrics = gateway.get("/metrics").await.text();
    }
    assert!(shows(&second, address).await);
    let expiry = metrics
        .lines()
        .find_map(|line| line.strip_prefix("gateway_tls_certificate_expiry_timestamp_seconds "));
    assert!(expiry.unwrap().parse::<i64>().unwrap() > Clock::system().now().timestamp());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_used_is_an_error_at_the_start() {
    let (other, folder) = (Folder::new(), Folder::new());
    folder.renew();
    other.renew();
    let mixed = CertificateFiles { chain: folder.files().chain, key: other.files().key };
    let missing = CertificateFiles { chain: folder.0.join("none.pem"), key: folder.files().key };
    for (files, reason) in [(mixed, "not the key"), (missing, "none.pem")] {
        let error = Gateway::try_edge("127.0.0.1:1", Edge { tls: Some(tls(files)), ..Edge::default() }).await;
        let error = format!("{:#}", error.err().unwrap());
        assert!(error.contains(reason), "{error}");
    }
}
