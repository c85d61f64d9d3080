//! Services that are away, slow or broken, and connections that died unseen.

use std::time::Duration;

use hms_gateway::{Limits, start};

use crate::support::{Client, Echo, Gateway, RawService, Reply, get, nobody, upstream};

fn impatient() -> Limits {
    Limits { head: Duration::from_millis(200), ..Limits::default() }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const POST: &str = "POST /api/v1/patients HTTP/1.1\r\nHost: hms\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_away_is_503() {
    let gateway = Gateway::before(&nobody().await).await;
    let answer = gateway.get("/api/v1/patients").await;
    answer.assert_error(503, "UNAVAILABLE");
    assert_eq!(answer.json()["error"]["details"]["service"], "user");
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_breaks_off_or_talks_nonsense_is_502() {
    for text in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "220 mail.example ESMTP\r\n\r\n",
        "HTTP/1.1 99999 What\r\n\r\n",
    ] {
        let service = RawService::start(move |_| Reply::Last(text)).await;
        let gateway = Gateway::before(&service.address).await;
        let answer = gateway.get("/api/v1/patients").await;
        answer.assert_error(502, "BAD_GATEWAY");
        assert_eq!(service.heads().len(), 1, "a fresh connection is not tried twice: {text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_slow_is_504_and_others_are_not() {
    let (slow, quick) = (RawService::start(|_| Reply::Silence).await, Echo::start().await);
    let routes =
        upstream("user", &slow.address, &["patients"]) + &upstream("audit", &quick.address, &["audit"]);
    let gateway = Gateway::of(&routes, impatient()).await;
    let (slow, quick) = tokio::join!(gateway.get("/api/v1/patients"), gateway.get("/api/v1/audit"));
    slow.assert_error(504, "GATEWAY_TIMEOUT");
    assert_eq!(quick.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_sending_is_408() {
    let echo = Echo::start().await;
    let gateway = Gateway::with(&echo.address, impatient()).await;
    let answer = gateway.send_body(&format!("{POST}Content-Length: 100\r\n"), b"half").await;
    answer.assert_error(408, "REQUEST_TIMEOUT");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_a_service_are_used_again() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    for number in 0..20 {
        let answer = match number % 4 {
            0 => gateway.get("/api/v1/patients").await,
            1 => gateway.send_body(&format!("{POST}Content-Length: 4\r\n"), b"body").await,
            2 => gateway.get("/api/v1/patients/unchanged").await,
            _ => gateway.get("/api/v1/patients/large").await,
        };
        assert!([200, 304].contains(&answer.status));
    }
    assert_eq!(echo.connections(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_connection_is_replaced_where_the_request_can_be_sent_again() {
    // It answers once on each connection and hangs up on the second request.
    let service =
        RawService::start(|number| if number == 0 { Reply::Send(OK) } else { Reply::Last("") }).await;
    let gateway = Gateway::before(&service.address).await;
    let with_key = format!("{POST}Content-Length: 0\r\nIdempotency-Key: 1\r\n");
    let with_key_and_body = format!("{POST}Content-Length: 4\r\nIdempotency-Key: 1\r\n");
    for head in [
        "GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\n",
        "DELETE /api/v1/patients/7 HTTP/1.1\r\nHost: hms\r\n",
        &with_key,
        &with_key_and_body,
    ] {
        assert_eq!(gateway.get("/api/v1/patients").await.status, 200, "leaves a connection behind");
        let before = service.heads().len();
        let body: &[u8] = if head.contains("Length: 4") { b"body" } else { b"" };
        let answer = gateway.send_body(head, body).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"), "{head}");
        assert_eq!(service.heads().len(), before + 2, "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_done_is_not_done_twice() {
    for (head, body) in
        [(format!("{POST}Content-Length: 0\r\n"), ""), (format!("{POST}Content-Length: 4\r\n"), "body")]
    {
        let service =
            RawService::start(|number| if number == 0 { Reply::Send(OK) } else { Reply::Last("") }).await;
        let gateway = Gateway::before(&service.address).await;
        assert_eq!(gateway.get("/api/v1/patients").await.status, 200);
        gateway.send_body(&head, body.as_bytes()).await.assert_error(502, "BAD_GATEWAY");
        assert_eq!(service.heads().len(), 2, "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_hung_up_meanwhile_costs_no_request() {
    let service = RawService::start(|_| Reply::Last(OK)).await;
    let gateway = Gateway::before(&service.address).await;
    for _ in 0..20 {
        let answer = gateway.send_body(&format!("{POST}Content-Length: 4\r\n"), b"body").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        service.all_closed().await;
    }
    assert_eq!(service.heads().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stops_is_503_afterwards() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    assert_eq!(gateway.get("/api/v1/patients").await.status, 200);
    echo.stop().await;
    gateway.get("/api/v1/patients").await.assert_error(503, "UNAVAILABLE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named() {
    let gateway = Gateway::before(&nobody().await).await;
    let settings = hms_settings::Settings::default();
    let mut config = hms_gateway::Config::from_settings(&settings).unwrap();
    config.listen = gateway.running.addr();
    let error = start(config).await.err().expect("the port is taken");
    let port = gateway.running.addr().port();
    assert!(error.to_string().contains(&format!("port {port} is taken")), "{error:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_a_request_end_and_idle_connections_do_not_keep_it() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let address = gateway.address();
    let mut idle = Client::connect(&address).await;
    idle.head("GET /health HTTP/1.1\r\nHost: hms\r\n").await;
    assert_eq!(idle.answer().await.status, 200);
    let waiting = tokio::spawn(async move { get(&address, "/api/v1/patients/wait").await });
    while echo.requests() == 0 {
        tokio::task::yield_now().await;
    }
    let address = gateway.address();
    let stopping = tokio::spawn(gateway.running.stop());
    assert!(idle.is_closed().await);
    while Client::try_connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    echo.state.release.add_permits(1);
    assert_eq!(waiting.await.unwrap().text(), "waited");
    stopping.await.unwrap().unwrap();
}
