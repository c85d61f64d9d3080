//! Whose word counts about where a request came from.

use hms_gateway::{Edge, ForwardedHeader, Proxies};
use serde_json::json;

use crate::support::{Echo, Gateway};

const SPOOFED: &str = "GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\nX-Forwarded-For: 6.6.6.6, 198.51.100.7\r\n\
                       X-Forwarded-Proto: https\r\nForwarded: for=192.0.2.1;proto=https\r\n";

async fn seen(trusted: &str, header: ForwardedHeader) -> (serde_json::Value, Option<String>) {
    let echo = Echo::start().await;
    let proxies = Proxies::new(Proxies::networks(trusted).unwrap(), header);
    let gateway = Gateway::edge(&echo.address, Edge { proxies, ..Edge::default() }).await;
    let answer = gateway.send(SPOOFED).await;
    let headers = answer.json()["headers"].clone();
    assert!(headers.get("forwarded").is_none(), "{headers}");
    let origin = json!([headers["x-forwarded-for"], headers["x-forwarded-proto"]]);
    (origin, answer.header("strict-transport-security").map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_trusted_proxy_is_believed() {
    let (stranger, _) = seen("10.0.0.0/8", ForwardedHeader::XForwardedFor).await;
    assert_eq!(stranger, json!([["127.0.0.1"], ["http"]]));
    let (proxy, _) = seen("127.0.0.0/8", ForwardedHeader::XForwardedFor).await;
    assert_eq!(proxy, json!([["198.51.100.7"], ["https"]]));
    let (proxy, _) = seen("127.0.0.1", ForwardedHeader::Forwarded).await;
    assert_eq!(proxy, json!([["192.0.2.1"], ["https"]]));
}
