//! What browsers meet: CORS, the headers that protect them, and compressed answers.

use hms_gateway::{Cors, Edge};

use crate::support::{Answer, Echo, Gateway, RawService, Reply};

fn preflight(origin: &str) -> String {
    format!(
        "OPTIONS /api/v1/patients/7 HTTP/1.1\r\nHost: hms\r\nOrigin: {origin}\r\n\
         Access-Control-Request-Method: PATCH\r\nAccess-Control-Request-Headers: authorization,if-match\r\n"
    )
}

async fn gateway(address: &str) -> Gateway {
    let cors = Cors::parse("https://app.example.org, https://*.clinic.example").unwrap();
    Gateway::edge(address, Edge { cors, ..Edge::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_list_may_use_the_api() {
    let echo = Echo::start().await;
    let gateway = gateway(&echo.address).await;
    for origin in ["https://app.example.org", "https://north.clinic.example"] {
        let answer = gateway.send(&preflight(origin)).await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.all("access-control-allow-origin"), [origin]);
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert!(answer.header("access-control-allow-methods").unwrap().contains("PATCH"));
        assert!(answer.header("access-control-allow-headers").unwrap().contains("If-Match"));
        assert_eq!(answer.header("access-control-max-age"), Some("7200"));
        assert!(answer.all("vary").join(",").contains("Access-Control-Request-Headers"));
        let answer = gateway
            .send(&format!("GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\nOrigin: {origin}\r\n"))
            .await;
        assert_eq!(answer.all("access-control-allow-origin"), [origin]);
        assert!(answer.header("access-control-expose-headers").unwrap().contains("ETag"));
        assert!(answer.all("vary").contains(&"Origin"));
    }
    // The service has seen no preflight.
    assert_eq!(echo.requests(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_origin_is_never_reflected() {
    let service = RawService::start(|_| {
        Reply::Send(
            "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n\
             Content-Length: 2\r\n\r\n{}",
        )
    })
    .await;
    let gateway = gateway(&service.address).await;
    for origin in ["https://evil.example", "null", "https://app.example.org.evil.example"] {
        gateway.send(&preflight(origin)).await.assert_error(403, "FORBIDDEN");
        let get = format!("GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\nOrigin: {origin}\r\n");
        let answer = gateway.send(&get).await;
        assert_eq!(answer.status, 200);
        assert!(
            !answer.headers.iter().any(|(name, _)| name.starts_with("access-control-")),
            "{:?}",
            answer.headers
        );
        assert!(answer.all("vary").contains(&"Origin"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_protects_its_reader() {
    let service = RawService::start(|_| {
        Reply::Send("HTTP/1.1 200 OK\r\nCache-Control: private, max-age=60\r\nContent-Length: 2\r\n\r\n{}")
    })
    .await;
    let gateway = gateway(&service.address).await;
    for path in ["/api/v1/patients", "/api/v1/nothing", "/health", "/api/docs", "/api/v1/patients/.."] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.all("x-content-type-options"), ["nosniff"], "{path}");
        assert_eq!(answer.all("referrer-policy").len(), 1, "{path}");
        assert!(
            answer.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(answer.header("strict-transport-security"), None, "{path}");
        assert_eq!(answer.all("cache-control").len(), 1, "{path}");
    }
    // What the service says of its answer holds.
    let answer = gateway.get("/api/v1/patients").await;
    assert_eq!(answer.all("cache-control"), ["private, max-age=60"]);
    assert_eq!(gateway.get("/api/v1/nothing").await.all("cache-control"), ["no-store"]);
}

async fn asked(gateway: &Gateway, path: &str, lines: &str) -> Answer {
    gateway.send(&format!("GET {path} HTTP/1.1\r\nHost: hms\r\n{lines}")).await
}

/// A service whose answer is JSON of this many bytes with the tag "7".
async fn service(bytes: usize, more: &'static str) -> RawService {
    let body = format!("\"{}\"", "x".repeat(bytes - 2));
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"7\"\r\n{more}Content-Length: {bytes}\r\n\r\n{body}"
    );
    let answer: &'static str = Box::leak(answer.into_boxed_str());
    RawService::start(move |_| Reply::Send(answer)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_compressed_for_who_asks_if_it_is_worth_it() {
    let service = service(5_000, "").await;
    let gateway = gateway(&service.address).await;
    for (accepted, coding, tag) in [
        ("gzip", Some("gzip"), "\"7-gzip\""),
        ("br", Some("br"), "\"7-br\""),
        ("zstd", Some("zstd"), "\"7-zstd\""),
        ("gzip;q=0, br;q=0.5", Some("br"), "\"7-br\""),
        ("gzip;q=0.1, identity", None, "\"7\""),
        ("identity", None, "\"7\""),
        ("compress", None, "\"7\""),
    ] {
        let answer = asked(&gateway, "/api/v1/patients", &format!("Accept-Encoding: {accepted}\r\n")).await;
        assert_eq!(answer.header("content-encoding"), coding, "{accepted}");
        assert_eq!(answer.header("etag"), Some(tag), "{accepted}");
        assert!(answer.all("vary").join(",").to_lowercase().contains("accept-encoding"), "{accepted}");
        assert!(answer.whole);
        assert_eq!(answer.body.len() < 1_000, coding.is_some(), "{accepted}: {}", answer.body.len());
    }
    let plain = asked(&gateway, "/api/v1/patients", "").await;
    assert_eq!((plain.header("content-encoding"), plain.body.len()), (None, 5_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_worth_it_or_must_not_be_touched_is_passed_on() {
    let gzip = "Accept-Encoding: gzip\r\n";
    for (bytes, more) in
        [(500, ""), (5_000, "Content-Encoding: br\r\n"), (5_000, "Cache-Control: no-transform\r\n")]
    {
        let service = service(bytes, more).await;
        let gateway = gateway(&service.address).await;
        let answer = asked(&gateway, "/api/v1/patients", gzip).await;
        assert_ne!(answer.header("content-encoding"), Some("gzip"), "{bytes} {more}");
        assert_eq!(answer.header("etag"), Some("\"7\""));
        assert_eq!(answer.body.len(), bytes);
    }
    let service = service(5_000, "").await;
    let gateway = gateway(&service.address).await;
    let post =
        "POST /api/v1/patients HTTP/1.1\r\nHost: hms\r\nAccept-Encoding: gzip\r\nContent-Length: 0\r\n";
    assert_eq!(gateway.send(post).await.header("content-encoding"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tag_of_a_compressed_answer_can_be_given_back() {
    let echo = Echo::start().await;
    let gateway = gateway(&echo.address).await;
    let seen = asked(&gateway, "/api/v1/patients/7", "If-Match: \"3-gzip\"\r\n").await.json();
    assert_eq!(seen["headers"]["if-match"], serde_json::json!(["\"3\""]));
    let unchanged = asked(&gateway, "/api/v1/patients/unchanged", "If-None-Match: \"1-br\"\r\n").await;
    assert_eq!((unchanged.status, unchanged.header("etag")), (304, Some("\"1-br\"")));
}
