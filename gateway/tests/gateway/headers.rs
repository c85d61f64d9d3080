//! What a client may say to a service, what a service may say to a client, and what only the gateway says.

use crate::support::{Echo, Gateway, RawService, Reply};

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_gateway_says_cannot_be_said_by_a_client() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let answer = gateway
        .send(
            "GET /api/v1/patients HTTP/1.1\r\nHost: evil.example\r\n\
             X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 198.51.100.7\r\nX_Forwarded_For: 203.0.113.9\r\n\
             X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Prefix: /admin\r\n\
             Forwarded: for=203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\n\
             X-HMS-Account: 1\r\nX-HMS-Roles: admin\r\nx_hms_roles: admin\r\n",
        )
        .await;
    let seen = answer.json()["headers"].clone();
    assert_eq!(seen["x-forwarded-for"], serde_json::json!(["127.0.0.1"]));
    assert_eq!(seen["x-forwarded-proto"], serde_json::json!(["http"]));
    assert_eq!(seen["host"], serde_json::json!([echo.address]));
    let names: Vec<_> = seen.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names,
        ["host", "traceparent", "x-forwarded-for", "x-forwarded-proto", "x-request-id"],
        "{seen}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_one_connection_stay_on_it() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let answer = gateway
        .send(
            "GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\nConnection: keep-alive, X-Named\r\nConnection: upgrade, TE\r\n\
             X-Named: 1\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nTrailer: X-T\r\nUpgrade: h2c\r\n\
             Proxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\nExpect: nothing\r\n\
             Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nIf-Match: \"3\"\r\nCookie: a=1\r\n",
        )
        .await;
    let seen = answer.json()["headers"].clone();
    let names: Vec<_> = seen.as_object().unwrap().keys().cloned().collect();
    let kept =
        ["cookie", "host", "if-match", "traceparent", "x-forwarded-for", "x-forwarded-proto", "x-request-id"];
    assert_eq!(names, kept, "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_header_cannot_take_away_what_the_gateway_says() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let head = "POST /api/v1/patients HTTP/1.1\r\nHost: hms\r\nX-Request-Id: mine\r\nContent-Length: 4\r\n\
                Connection: close, Host, X-Forwarded-For, X-Forwarded-Proto, X-Request-Id, Content-Length\r\n";
    let answer = gateway.send_body(head, b"body").await;
    let seen = answer.json();
    assert_eq!(seen["length"], 4);
    assert_eq!(seen["headers"]["x-forwarded-for"][0], "127.0.0.1");
    assert_eq!(seen["headers"]["x-request-id"][0], "mine");
    assert_eq!(seen["headers"]["content-length"][0], "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_loses_what_concerns_its_connection_only() {
    let service = RawService::start(|_| {
        Reply::Send(
            "HTTP/1.1 201 Created\r\nConnection: keep-alive, X-Internal\r\nX-Internal: 1\r\nKeep-Alive: timeout=5\r\n\
             Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nX-HMS-Route: /api/v1/patients/{id}\r\nX-HMS-Shard: 3\r\n\
             X-Request-Id: another\r\nETag: \"3\"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        )
    })
    .await;
    let gateway = Gateway::before(&service.address).await;
    let answer = gateway.send("GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\nX-Request-Id: mine\r\n").await;
    assert_eq!((answer.status, answer.text().as_str()), (201, "{}"));
    let mut names: Vec<_> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let kept = ["content-length", "content-type", "date", "etag", "set-cookie", "set-cookie", "x-request-id"];
    let added = ["cache-control", "content-security-policy", "referrer-policy", "x-content-type-options"];
    names.retain(|name| !added.contains(name));
    assert_eq!(names, kept);
    assert_eq!(answer.all("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(answer.all("x-request-id"), ["mine"]);
    assert_eq!(answer.header("date"), Some("Thu, 01 Jan 2026 00:00:00 GMT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_is_taken_where_it_is_harmless_and_made_otherwise() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    let longest = "x".repeat(64);
    for good in ["a", "Case-1_b", &longest] {
        let answer = gateway
            .send(&format!("GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\nX-Request-Id: {good}\r\n"))
            .await;
        assert_eq!(answer.all("x-request-id"), [good]);
        assert_eq!(answer.json()["headers"]["x-request-id"], serde_json::json!([good]));
    }
    let too_long = "x".repeat(65);
    for bad in ["", "a b", "a\"b", "<script>", &too_long] {
        let answer = gateway
            .send(&format!("GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\nX-Request-Id: {bad}\r\n"))
            .await;
        let made = answer.header("x-request-id").unwrap();
        assert_eq!(made.len(), 36, "{bad:?} gave {made}");
        assert_eq!(made.as_bytes()[14], b'7', "a UUID of version 7: {made}");
        assert_eq!(answer.json()["headers"]["x-request-id"], serde_json::json!([made]));
    }
    for path in ["/health", "/nothing", "/api/v1/patients/..", "/api/docs"] {
        let answer =
            gateway.send(&format!("GET {path} HTTP/1.1\r\nHost: hms\r\nX-Request-Id: everywhere\r\n")).await;
        assert_eq!(answer.all("x-request-id"), ["everywhere"], "{path}");
    }
}
