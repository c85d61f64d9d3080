//! The reads beside a storm, against a server that answers by a script.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panic")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use hms_load::hospital::Hospital;
use hms_load::storm::{Storm, measure};
use hms_load::work::{Kind, Speaks, Work};
use http::HeaderValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How long a read takes while somebody signs in.
const SLOW: Duration = Duration::from_millis(40);

/// A server that answers sign-ins with this, and reads at once, until the first sign-in: then slowly.
async fn server(sign_in: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stormy = Arc::new(AtomicBool::new(false));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, sign_in, Arc::clone(&stormy)));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, sign_in: &str, stormy: Arc<AtomicBool>) {
    let mut buffer = vec![0; 4096];
    // The requests are small and have come whole when any of one has.
    while stream.read(&mut buffer).await.unwrap_or(0) > 0 {
        let is_read = buffer.starts_with(b"GET");
        stormy.fetch_or(!is_read, SeqCst);
        if stormy.load(SeqCst) {
            tokio::time::sleep(SLOW).await;
        }
        let status = if is_read { "200 OK" } else { sign_in };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The values of the line by their names, for reads at this rate.
async fn report(sign_in: &'static str, rate: u32) -> impl Fn(&str) -> String {
    let hospital = Hospital { patients: vec!["ann".into()], practitioners: vec!["noor".into()] };
    let work = |kind| Work::new(kind, Speaks::Hms, HeaderValue::from_static("Bearer t"), hospital.clone());
    let (gateway, measured) = (server(sign_in).await, Duration::from_millis(500));
    let storm = Storm { gateway, connections: 4, rate, measured };
    let report = measure(storm, &work(Kind::Read), &work(Kind::SignIn)).await.unwrap().to_string();
    move |name| {
        let value = report.split(' ').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        value.unwrap_or_else(|| panic!("no {name} in {report}")).to_owned()
    }
}

#[tokio::test]
async fn reads_are_compared_with_those_that_nobody_disturbs() {
    let value = report("200 OK", 40).await;
    let number = |name: &str| value(name).parse::<f64>().unwrap();
    assert!(number("alone_p99_ms") < 40.0 && number("beside_p50_ms") >= 40.0, "{}", value("alone_p99_ms"));
    assert!(number("ratio") > 1.0 && number("logins_per_s") > 0.0);
    assert_eq!((value("failed"), value("failures")), ("0".into(), "-/-/-".into()));
}

#[tokio::test]
async fn a_read_that_waits_for_the_one_before_it_is_as_late_as_it_is() {
    // Eight readers with a read each 10 ms, of which each takes 40: the last one comes more than a second too late.
    let value = report("200 OK", 800).await;
    assert!(value("beside_p99_ms").parse::<f64>().unwrap() > 500.0, "{}", value("beside_p99_ms"));
}

#[tokio::test]
async fn a_sign_in_that_is_refused_is_a_failure() {
    let value = report("503 Service Unavailable", 40).await;
    assert_ne!(value("failed"), "0");
    assert!(value("failures").starts_with("-/-/503:"), "{}", value("failures"));
}
