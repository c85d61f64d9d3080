//! The listeners at the real service, and at a server that is not good to all of them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panic")]

use std::net::SocketAddr;
use std::time::Duration;

use hms_load::api::Api;
use hms_load::listeners::{Plan, measure};
use hms_model::event::{DepartmentCreated, DepartmentFacts};
use hms_model::id::Id;
use hms_model::role::Role;
use hms_testkit::TestService;
use http::HeaderValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

fn plan(gateway: SocketAddr, department: String) -> Plan {
    Plan { gateway, department, listeners: 20, changes: 5, patience: Duration::from_secs(20) }
}

hms_testkit::on_both_back_ends! {
    async fn each_of_them_hears_of_each_change(backend) {
        let app = TestService::<hms_appointment::Service>::start(backend).await;
        let department_id = Id::new(app.clock.now());
        let facts = DepartmentFacts { department_id, version: 1, name: "Radiology".into(), active: true };
        app.deliver(&DepartmentCreated(facts)).await;
        let address = app.base().strip_prefix("http://").unwrap().parse().unwrap();
        let desk = app.client(&[Role::Receptionist]);
        let token = HeaderValue::try_from(format!("Bearer {}", desk.token().unwrap())).unwrap();
        let mut api = Api::of_token(address, token).await.unwrap();
        // A second time they hear nothing of the first.
        for _ in 0..2 {
            let report = measure(&mut api, &plan(address, department_id.to_string())).await.unwrap().to_string();
            assert!(report.starts_with("listeners=20 changes=5 last_p50_ms="), "{report}");
        }
        app.stop().await;
    }
}

/// What the server does to its 20th listener at a change.
#[derive(Debug, Clone, Copy)]
enum Fault {
    TellsNothing,
    TellsTwice,
    Ends,
}

/// A queue whose 20th listener has bad luck.
async fn queue(fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let changes = broadcast::Sender::new(16);
    tokio::spawn(async move {
        let mut listeners = 0;
        while let Ok((stream, _)) = listener.accept().await {
            let mut first = [0; 1];
            let is_listener = stream.peek(&mut first).await.is_ok() && first == *b"G";
            listeners += u32::from(is_listener);
            match (is_listener, listeners) {
                (true, 20) => drop(tokio::spawn(unlucky(stream, changes.subscribe(), fault))),
                (true, _) => drop(tokio::spawn(listen(stream, changes.subscribe()))),
                (false, _) => drop(tokio::spawn(answer(stream, changes.clone()))),
            }
        }
    });
    address
}

const STREAM: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\nretry: 2000\n\n";
const EVENT: &[u8] = b"id: 7\nevent: ticket\ndata: {}\n\n";

async fn listen(mut stream: TcpStream, mut changes: broadcast::Receiver<()>) {
    let _ = stream.write_all(STREAM).await;
    while changes.recv().await.is_ok() {
        let _ = stream.write_all(EVENT).await;
    }
}

async fn unlucky(mut stream: TcpStream, mut changes: broadcast::Receiver<()>, fault: Fault) {
    let _ = stream.write_all(STREAM).await;
    while changes.recv().await.is_ok() {
        match fault {
            Fault::TellsNothing => {}
            Fault::TellsTwice => drop(stream.write_all(&[EVENT, EVENT].concat()).await),
            Fault::Ends => return,
        }
    }
}

/// Gives a ticket, and changes it.
async fn answer(mut stream: TcpStream, changes: broadcast::Sender<()>) {
    let mut buffer = vec![0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        let status = match buffer.get(..read).and_then(|request| request.first()) {
            Some(b'P') if buffer.starts_with(b"PATCH") => "200 OK",
            Some(b'P') => "201 Created",
            _ => return,
        };
        if status == "200 OK" {
            let _ = changes.send(());
        }
        let body = r#"{"id":"7"}"#;
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

#[tokio::test]
async fn one_who_hears_of_a_change_never_or_twice_fails_the_measurement() {
    let cases = [
        (Fault::TellsNothing, "somebody did not hear of change 1"),
        (Fault::TellsTwice, "a listener heard of one change twice"),
        (Fault::Ends, "the stream of a listener has ended"),
    ];
    for (fault, expected) in cases {
        let address = queue(fault).await;
        let mut api = Api::of_token(address, HeaderValue::from_static("Bearer t")).await.unwrap();
        let plan = Plan { patience: Duration::from_secs(1), ..plan(address, "7".into()) };
        let error = measure(&mut api, &plan).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{fault:?}: {error:#}");
    }
}
