//! The loop against a server that answers by a script.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panic")]

use std::net::SocketAddr;
use std::time::Duration;

use hms_load::hospital::Hospital;
use hms_load::load::{Plan, run};
use hms_load::race;
use hms_load::tally::Report;
use hms_load::work::{Kind, Speaks, Work};
use http::{HeaderValue, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Answers each connection's requests with these, over and over; an empty one ends the connection instead.
async fn server(answers: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answers));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, answers: &'static [&'static str]) {
    let mut buffer = vec![0; 4096];
    for status in answers.iter().cycle() {
        // The requests are small and have come whole when any of one has.
        if stream.read(&mut buffer).await.unwrap_or(0) == 0 || status.is_empty() {
            return;
        }
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn load(gateway: SocketAddr, connections: u16) -> Report {
    let hospital = Hospital { patients: vec!["ann".into()], practitioners: vec!["noor".into()] };
    let work = Work::new(Kind::Read, Speaks::Hms, HeaderValue::from_static("Bearer t"), hospital);
    let (warm_up, measured) = (Duration::from_millis(20), Duration::from_millis(200));
    run(Plan { gateway, connections, warm_up, measured }, &work).await.unwrap()
}

#[tokio::test]
async fn what_is_answered_well_is_counted_and_timed() {
    let report = load(server(&["200 OK"]).await, 4).await;
    assert!(report.per_second > 0.0, "{report}");
    assert!(report.p50.unwrap() <= report.p99.unwrap(), "{report}");
    assert_eq!(report.failed(), 0, "{report}");
}

#[tokio::test]
async fn other_answers_are_failures_by_their_status() {
    let report = load(server(&["200 OK", "503 Service Unavailable", "404 Not Found"]).await, 2).await;
    assert!(report.per_second > 0.0, "{report}");
    let statuses: Vec<_> = report.failures.keys().copied().collect();
    assert_eq!(statuses, [Some(StatusCode::NOT_FOUND), Some(StatusCode::SERVICE_UNAVAILABLE)]);
}

#[tokio::test]
async fn a_broken_connection_is_a_failure_and_another_one_takes_its_place() {
    let report = load(server(&["200 OK", "200 OK", ""]).await, 2).await;
    let broken = report.failures.get(&None).copied().unwrap_or(0);
    assert!(broken > 2, "two connections have broken once each at most: {report}");
    assert_eq!(report.failed(), broken, "{report}");
}

#[tokio::test]
async fn a_server_that_is_gone_ends_the_run_in_time() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let report = load(nobody, 2).await;
    assert_eq!((report.p50, report.failures.len()), (None, 1), "{report}");
    assert!(report.failures.contains_key(&None), "{report}");
}

#[tokio::test]
async fn a_slot_that_two_rivals_got_is_seen() {
    let hospital = Hospital { patients: vec!["ann".into()], practitioners: vec!["noor".into()] };
    let work = Work::new(Kind::Book, Speaks::Hms, HeaderValue::from_static("Bearer t"), hospital);
    // Each of the eight connections gets these in turn: all have the first slot, none has the second.
    let generous = server(&["201 Created", "503 Service Unavailable"]).await;
    let report = race::run(generous, &work, 2).await.unwrap();
    assert_eq!(report.to_string(), "slots=2 double=1 none=1 failed=8");
}
