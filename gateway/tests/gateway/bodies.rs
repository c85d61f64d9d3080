//! Bodies stream through, both ways, up to their limit.

use std::sync::atomic::Ordering;

use crate::support::{Client, Echo, Gateway, RawService, Reply};

const LIMIT: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_body_up_to_the_limit_passes_with_and_without_its_length() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let body = vec![b'x'; LIMIT];
    let head = format!("POST /api/v1/patients HTTP/1.1\r\nHost: hms\r\nContent-Length: {LIMIT}\r\n");
    let seen = gateway.send_body(&head, &body).await.json();
    assert_eq!(
        (&seen["length"], &seen["headers"]["content-length"][0]),
        (&LIMIT.into(), &LIMIT.to_string().into())
    );

    for method in ["POST", "PUT", "GET"] {
        let head =
            format!("{method} /api/v1/patients HTTP/1.1\r\nHost: hms\r\nTransfer-Encoding: chunked\r\n");
        let seen = gateway.send_body(&head, &chunked(&body)).await.json();
        assert_eq!((&seen["length"], &seen["method"]), (&LIMIT.into(), &method.into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_says_it_is_too_large_is_refused_before_it_comes() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    for path in ["/api/v1/patients", "/health"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: hms\r\nContent-Length: {}\r\n", LIMIT + 1);
        let answer = gateway.send(&head).await;
        answer.assert_error(413, "PAYLOAD_TOO_LARGE");
        assert_eq!(answer.json()["error"]["details"]["limit_bytes"], LIMIT);
    }
    assert_eq!(echo.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_grows_too_large_is_refused_when_it_does() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let head = "POST /api/v1/patients HTTP/1.1\r\nHost: hms\r\nTransfer-Encoding: chunked\r\n";
    let answer = gateway.send_body(head, &chunked(&vec![b'x'; LIMIT + 1])).await;
    answer.assert_error(413, "PAYLOAD_TOO_LARGE");
    assert_eq!(echo.requests(), 0);
    assert_eq!(gateway.get("/api/v1/patients").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_whole_reaches_no_handler() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let head = "POST /api/v1/patients HTTP/1.1\r\nHost: hms\r\nTransfer-Encoding: chunked\r\n";
    let mut client = Client::connect(&gateway.address()).await;
    client.head(head).await;
    client.write(b"4\r\nbody\r\nnot a length\r\n").await;
    // actix hangs up on what is no HTTP in the middle of a request.
    assert!(client.is_closed().await);
    assert_eq!(echo.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn shapes_that_two_servers_could_read_differently_are_refused() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    for framing in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4\r\nContent-Length: 4\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: 4, 4\r\n",
        "Content-Length: -4\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
    ] {
        let head = format!("POST /api/v1/patients HTTP/1.1\r\nHost: hms\r\n{framing}");
        let smuggled = b"0\r\n\r\nGET /api/v1/accounts HTTP/1.1\r\nHost: hms\r\n\r\n";
        let mut client = Client::connect(&gateway.address()).await;
        client.head(&head).await;
        client.write(smuggled).await;
        assert_eq!(client.answer().await.status, 400, "{framing}");
        assert!(client.is_closed().await, "{framing}");
    }
    assert_eq!(echo.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_another_protocol_is_an_ordinary_request() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let head = "GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n";
    let answer = gateway.send(head).await;
    assert_eq!(answer.status, 200);
    assert!(answer.json()["headers"].get("upgrade").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_part_of_an_answer_arrives_before_the_last_is_made() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let mut client = Client::connect(&gateway.address()).await;
    client.head("GET /api/v1/patients/parts HTTP/1.1\r\nHost: hms\r\n").await;
    client.read_until("first").await;
    echo.state.release.add_permits(1);
    let answer = client.answer().await;
    assert_eq!((answer.text().as_str(), answer.whole), ("firstsecond", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_answer_arrives_whole() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let answer = gateway.get("/api/v1/patients/large").await;
    assert_eq!((answer.body.len(), answer.whole), (20 * 1024 * 1024, true));
    assert!(answer.body.iter().all(|byte| *byte == b'x'));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_breaks_off_for_the_client_too() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ] {
        let service = RawService::start(move |_| Reply::Last(text)).await;
        let gateway = Gateway::before(&service.address).await;
        let answer = gateway.get("/api/v1/patients").await;
        assert_eq!((answer.status, answer.whole), (200, false), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_a_body_keep_their_meaning() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let mut client = Client::connect(&gateway.address()).await;
    client.head("GET /api/v1/patients/unchanged HTTP/1.1\r\nHost: hms\r\n").await;
    let unchanged = client.answer().await;
    assert_eq!((unchanged.status, unchanged.header("etag")), (304, Some("\"1\"")));
    client.head("DELETE /api/v1/patients/gone HTTP/1.1\r\nHost: hms\r\n").await;
    let gone = client.answer().await;
    assert_eq!((gone.status, gone.header("content-length")), (204, None));
    client.head("HEAD /api/v1/patients HTTP/1.1\r\nHost: hms\r\nX-Request-Id: a\r\n").await;
    let head = client.answer_to("HEAD").await;
    let length: usize = head.header("content-length").unwrap().parse().unwrap();
    assert!(head.status == 200 && length > 100, "{head:?}");
    // The same connection goes on after each of them: nothing was left on it.
    client.head("GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\n").await;
    assert_eq!(client.answer().await.json()["method"], "GET");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_wait_for_the_body_arrives() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    for _ in 0..5 {
        let head =
            format!("POST /api/v1/patients/unread HTTP/1.1\r\nHost: hms\r\nContent-Length: {LIMIT}\r\n");
        let answer = gateway.send_body(&head, &vec![b'x'; LIMIT]).await;
        assert_eq!((answer.status, answer.text().as_str()), (403, "no"));
    }
    assert_eq!(gateway.get("/api/v1/patients").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_takes_its_request_along() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let mut client = Client::connect(&gateway.address()).await;
    client.head("POST /api/v1/patients HTTP/1.1\r\nHost: hms\r\nContent-Length: 100\r\n").await;
    client.write(b"half").await;
    drop(client);
    assert_eq!(gateway.get("/api/v1/patients").await.status, 200);
    assert_eq!(echo.state.requests.load(Ordering::SeqCst), 1);
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(body.len() + 1024);
    for chunk in body.chunks(16 * 1024) {
        text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        text.extend_from_slice(chunk);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"0\r\n\r\n");
    text
}
