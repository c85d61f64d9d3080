//! What the gateway tells of requests: traces, the access log, metrics.

use std::io::{self, Write};
use std::sync::Arc;

use hms_gateway::{AccessLog, Edge};
use hms_telemetry::Lines;
use parking_lot::Mutex;
use serde_json::Value;

use crate::support::{Echo, Gateway};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines of the access log for these requests, each given as its head.
async fn lines(log_client: bool, heads: &[String]) -> (Vec<Value>, Value) {
    let kept = Kept::default();
    let log = Lines::to(kept.clone()).unwrap();
    let edge = Edge { access_log: AccessLog::Json(log.clone()), log_client, ..Edge::default() };
    let echo = Echo::start().await;
    let gateway = Gateway::edge(&echo.address, edge).await;
    let mut seen = Value::Null;
    for head in heads {
        let answer = gateway.send(head).await;
        seen = serde_json::from_slice(&answer.body).unwrap_or_default();
    }
    gateway.running.stop().await.unwrap();
    log.flush();
    let text = String::from_utf8(kept.0.lock().clone()).unwrap();
    (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_log_tells_of_requests_and_of_nobody() {
    let secret = "GET /api/v1/patients/doe?search=Jane HTTP/1.1\r\nHost: hms\r\nX-Request-Id: r-1\r\nCookie: s=secret\r\n\
                  Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
    let refused = "GET /api/v1/patients/.. HTTP/1.1\r\nHost: hms\r\n";
    let (lines, seen) = lines(true, &[refused.to_owned(), secret.to_owned()]).await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    let (refused, served) = (&lines[0], &lines[1]);
    assert_eq!((refused["status"].as_u64(), refused["route"].as_str()), (Some(400), Some("none")));
    assert!(refused.get("upstream").is_none());
    for (field, value) in [
        ("method", "GET"),
        ("route", "/api/v1/patients/{id}"),
        ("upstream", "user"),
        ("request_id", "r-1"),
        ("trace_id", "0af7651916cd43dd8448eb211c80319c"),
        ("client", "127.0.0.0"),
    ] {
        assert_eq!(served[field], value, "{served}");
    }
    assert!(served["ms"].as_f64() >= served["upstream_ms"].as_f64(), "{served}");
    assert!(served["sent"].as_u64() > Some(100));
    for hidden in ["doe", "Jane", "secret"] {
        assert!(!served.to_string().contains(hidden), "{served}");
    }
    // The service got the trace with a span of the gateway's own.
    let trace = seen["headers"]["traceparent"][0].as_str().unwrap().to_owned();
    assert!(trace.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && trace.ends_with("-01"), "{trace}");
    assert!(!trace.contains("b7ad6b7169203331"), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_trace_one_begins_and_addresses_are_told_only_if_asked() {
    let head = "GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\nTraceparent: nonsense\r\nTracestate: a=b\r\n";
    let (lines, seen) = lines(false, &[head.to_owned()]).await;
    assert!(lines[0].get("client").is_none(), "{}", lines[0]);
    let id = lines[0]["trace_id"].as_str().unwrap();
    assert_eq!(id.len(), 32);
    assert!(seen["headers"]["traceparent"][0].as_str().unwrap().contains(id), "{seen}");
    assert!(seen["headers"].get("tracestate").is_none(), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_tell_of_routes_and_services() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    for id in 0..50 {
        assert_eq!(gateway.get(&format!("/api/v1/patients/{id}")).await.status, 200);
        gateway.get(&format!("/made/up/{id}")).await.assert_error(404, "ROUTE_NOT_FOUND");
    }
    let post = "POST /api/v1/patients HTTP/1.1\r\nHost: hms\r\nContent-Length: 5\r\n";
    assert_eq!(gateway.send_body(post, b"12345").await.status, 200);
    gateway.send("BREW /api/v1/patients HTTP/1.1\r\nHost: hms\r\n").await;
    let metrics = gateway.get("/metrics").await.text();
    for line in [
        r#"http_server_request_duration_seconds_count{method="GET",route="/api/v1/patients/{id}",status="200"} 50"#,
        r#"http_server_request_duration_seconds_count{method="GET",route="none",status="404"} 50"#,
        r#"gateway_upstream_duration_seconds_count{upstream="user"} 52"#,
        r#"gateway_request_bytes_total{route="/api/v1/patients",upstream="user"} 5"#,
        "http_server_active_requests 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    assert!(metrics.contains(r#"method="other",route="/api/v1/patients""#), "{metrics}");
    let series = metrics.lines().filter(|line| line.starts_with("gateway_response_bytes_total{")).count();
    assert!(series <= 4, "{metrics}");
}
