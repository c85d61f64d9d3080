//! Event streams and WebSockets pass for as long as they last, and end properly.

use futures_util::{SinkExt as _, StreamExt as _};
use hms_gateway::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_async, connect_async};

use crate::support::{Client, Gateway, PATIENCE, until};

const EVENTS: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";
const GET: &str = "GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\n";

/// One service, `user`, with settings.
fn routes(address: &str, settings: &str) -> String {
    format!(
        "[[upstream]]\nname = \"user\"\nurl = \"http://{address}\"\nresources = [\"patients\", \"accounts\"]\n\
         [upstream.settings]\nhealth = {{ interval_ms = 0 }}\n{settings}\n"
    )
}

/// A service that answers every request with this, and then with what it is told to say.
async fn talker(head: &'static str) -> (String, mpsc::Sender<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (say, mut told) = mpsc::channel::<&str>(8);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _head = stream.read(&mut [0; 4096]).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        while let Some(text) = told.recv().await {
            if stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await.is_err() {
                return;
            }
        }
    });
    (address, say)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_lasts_longer_than_any_other_answer_may() {
    let (address, say) = talker(EVENTS).await;
    let gateway = Gateway::of(&routes(&address, "deadlines = { total_ms = 100 }"), Limits::default()).await;
    let mut client = Client::connect(&gateway.address()).await;
    client.head(GET).await;
    say.send("data: 1\n\n").await.unwrap();
    client.read_until("data: 1\n\n").await;

    let (slow, kept_open) = talker("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let other = Gateway::of(&routes(&slow, "deadlines = { total_ms = 100 }"), Limits::default()).await;
    assert!(!other.get("/api/v1/patients").await.whole, "an ordinary answer is over after the total time");
    drop(kept_open);

    say.send("data: 2\n\n").await.unwrap();
    client.read_until("data: 2\n\n").await;
    assert_eq!(gateway.metric("gateway_upstream_streams{upstream=\"user\"}").await, Some(1.0));
    assert_eq!(gateway.metric("gateway_upstream_requests{upstream=\"user\"}").await, Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_event_stream_ends_after_its_own_time() {
    let (address, say) = talker(EVENTS).await;
    let text = routes(&address, "deadlines = { stream_idle_ms = 60000 }")
        + "[[route]]\nprefix = \"patients/live\"\nupstream = \"user\"\nstream_idle_ms = 50\n";
    let gateway = Gateway::of(&text, Limits::default()).await;
    let mut client = Client::connect(&gateway.address()).await;
    client.head("GET /api/v1/patients/live HTTP/1.1\r\nHost: hms\r\n").await;
    say.send("data: 1\n\n").await.unwrap();
    let answer = client.answer().await;
    assert_eq!((answer.text().as_str(), answer.whole), ("data: 1\n\n", false));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_ends_whole_when_the_gateway_stops() {
    let (address, say) = talker(EVENTS).await;
    let gateway = Gateway::of(&routes(&address, ""), Limits::default()).await;
    let mut client = Client::connect(&gateway.address()).await;
    client.head(GET).await;
    say.send("data: 1\n\n").await.unwrap();
    client.read_until("data: 1\n\n").await;
    timeout(PATIENCE, gateway.running.stop()).await.expect("a stream does not hold it up").unwrap();
    let answer = client.answer().await;
    assert_eq!((answer.text().as_str(), answer.whole), ("data: 1\n\n", true));
}

/// A WebSocket service that sends back what it gets, until it gets `bye`.
async fn echoing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut socket) = accept_async(stream).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    if message.to_text().is_ok_and(|text| text == "bye") {
                        let _gone = socket.close(None).await;
                    } else if message.is_text() || message.is_binary() {
                        socket.send(message).await.unwrap();
                    }
                }
            });
        }
    });
    address
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn dial(gateway: &Gateway) -> tungstenite::Result<Socket> {
    let url = format!("ws://{}/api/v1/patients/live", gateway.address());
    connect_async(url).await.map(|(socket, _)| socket)
}

async fn next(socket: &mut Socket) -> Option<tungstenite::Result<Message>> {
    timeout(PATIENCE, socket.next()).await.expect("a message in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_passes_both_ways() {
    let gateway =
        Gateway::of(&routes(&echoing().await, "deadlines = { total_ms = 50 }"), Limits::default()).await;
    let mut socket = dial(&gateway).await.unwrap();
    let open = "gateway_upstream_streams{upstream=\"user\"}";
    assert_eq!(gateway.metric(open).await, Some(1.0));
    for message in [Message::text("hello"), Message::binary(vec![7; 300_000]), Message::text("")] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(next(&mut socket).await.unwrap().unwrap(), message);
    }
    socket.send(Message::Ping(vec![1].into())).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap().unwrap(), Message::Pong(vec![1].into()));
    socket.send(Message::text("bye")).await.unwrap();
    assert!(matches!(next(&mut socket).await, Some(Ok(Message::Close(_)))));
    drop(socket);
    until("the place is free again", async || gateway.metric(open).await == Some(0.0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_takes_its_websocket_with_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let service = tokio::spawn(async move {
        let mut socket = accept_async(listener.accept().await.unwrap().0).await.unwrap();
        // Without a goodbye, the end of the connection is all that it sees.
        while let Some(Ok(_)) = socket.next().await {}
    });
    let gateway = Gateway::of(&routes(&address, ""), Limits::default()).await;
    let socket = dial(&gateway).await.unwrap();
    drop(socket);
    timeout(PATIENCE, service).await.expect("the service is told").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_told_when_the_gateway_stops() {
    let gateway = Gateway::of(&routes(&echoing().await, ""), Limits::default()).await;
    let mut socket = dial(&gateway).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap().unwrap(), Message::text("hello"));
    let stopping = tokio::spawn(gateway.running.stop());
    match next(&mut socket).await {
        Some(Ok(Message::Close(Some(goodbye)))) => assert_eq!(goodbye.code, CloseCode::Away),
        other => panic!("{other:?}"),
    }
    timeout(PATIENCE, stopping).await.expect("a WebSocket does not hold it up").unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_websocket_ends_and_a_busy_one_does_not() {
    let settings = "deadlines = { stream_idle_ms = 300 }";
    let gateway = Gateway::of(&routes(&echoing().await, settings), Limits::default()).await;
    let (mut silent, mut busy) = (dial(&gateway).await.unwrap(), dial(&gateway).await.unwrap());
    let ended = tokio::spawn(async move { next(&mut silent).await });
    while !ended.is_finished() {
        busy.send(Message::text("still here")).await.unwrap();
        assert_eq!(next(&mut busy).await.unwrap().unwrap(), Message::text("still here"));
    }
    assert!(!matches!(ended.await.unwrap(), Some(Ok(_))), "there was nothing to say");
    busy.send(Message::text("still here")).await.unwrap();
    assert_eq!(next(&mut busy).await.unwrap().unwrap(), Message::text("still here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_only_so_many_websockets() {
    let gateway = Gateway::of(&routes(&echoing().await, "bounds = { streams = 1 }"), Limits::default()).await;
    let first = dial(&gateway).await.unwrap();
    match dial(&gateway).await {
        Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 503),
        other => panic!("{other:?}"),
    }
    drop(first);
    until("the place is free again", async || dial(&gateway).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_the_service_refuses_is_an_ordinary_answer() {
    let echo = crate::support::Echo::start().await;
    let gateway = Gateway::of(&routes(&echo.address, ""), Limits::default()).await;
    let url = format!("ws://{}/api/v1/patients/unchanged", gateway.address());
    match connect_async(url).await {
        Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 304),
        other => panic!("{other:?}"),
    }
    let head = "GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    let answer = gateway.send_body(&format!("{head}Content-Length: 4\r\n"), b"body").await;
    answer.assert_error(400, "INVALID_REQUEST");
    assert_eq!(echo.requests(), 0);
}
