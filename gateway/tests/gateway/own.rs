//! The pages that the gateway answers itself.

use std::time::{Duration, Instant};

use hms_gateway::Limits;
use serde_json::{Value, json};

use crate::support::{Client, Echo, Gateway, PATIENCE, nobody, upstream};

#[tokio::test(flavor = "multi_thread")]
async fn health_is_short_and_needs_no_service() {
    let gateway = Gateway::before(&nobody().await).await;
    for path in ["/health", "/health/"] {
        let answer = gateway.get(path).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"status": "healthy"})), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn detailed_health_tells_of_each_service() {
    let (up, other) = (Echo::start().await, Echo::start().await);
    let routes =
        upstream("user", &up.address, &["patients"]) + &upstream("audit", &other.address, &["audit"]);
    let gateway =
        Gateway::of(&routes, Limits { probe: Duration::from_millis(500), ..Limits::default() }).await;
    let answer = gateway.get("/health/detailed").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let health = answer.json();
    assert_eq!(health["status"], "healthy");
    for dependency in health["dependencies"].as_array().unwrap() {
        assert_eq!(dependency["status"], "healthy");
        assert!(dependency["latency_ms"].as_f64().is_some_and(|latency| latency > 0.0), "{dependency}");
    }
    other.stop().await;
    let answer = gateway.get("/health/detailed/").await;
    assert_eq!(answer.status, 503);
    let health = answer.json();
    let states: Vec<_> = health["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|dependency| (&dependency["name"], &dependency["status"]))
        .collect();
    assert_eq!(health["status"], "unhealthy");
    assert_eq!(states, [(&json!("user"), &json!("healthy")), (&json!("audit"), &json!("unhealthy"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_needs_no_service_and_keeps_its_policy() {
    let gateway = Gateway::before(&nobody().await).await;
    for path in ["/console/analytics", "/console/analytics/"] {
        let page = gateway.get(path).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, Some("text/html; charset=utf-8")),
            "{path}"
        );
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert_eq!(
            (page.header("x-content-type-options"), page.header("referrer-policy")),
            (Some("nosniff"), Some("no-referrer"))
        );
    }
    for (name, content_type) in [
        ("chart.js", "text/javascript; charset=utf-8"),
        ("analytics.js", "text/javascript; charset=utf-8"),
        ("console.css", "text/css; charset=utf-8"),
    ] {
        let asset = gateway.get(&format!("/console/assets/{name}")).await;
        assert_eq!((asset.status, asset.header("content-type")), (200, Some(content_type)), "{name}");
    }
    assert_eq!(gateway.get("/console/assets/../analytics.html").await.status, 400);
    assert_eq!(gateway.get("/console/elsewhere").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_by_template_and_hold_no_id() {
    let echo = Echo::start().await;
    let gateway = Gateway::before(&echo.address).await;
    gateway.get("/api/v1/patients/0197a3c2-secret").await;
    gateway.get("/made-up-path").await;
    gateway.send("BREW /api/v1/patients HTTP/1.1\r\nHost: hms\r\n").await;
    let wanted = [
        r#"http_server_request_duration_seconds_count{method="GET",route="/api/v1/patients/{id}",status="200"} 1"#,
        r#"http_server_request_duration_seconds_count{method="GET",route="none",status="404"} 1"#,
        r#"http_server_request_duration_seconds_count{method="other",route="/api/v1/patients",status="200"} 1"#,
    ];
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = gateway.get("/metrics").await.text();
        assert!(!text.contains("secret") && !text.contains("made-up"), "{text}");
        if wanted.iter().all(|sample| text.contains(sample)) {
            break;
        }
        assert!(Instant::now() < deadline, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_that_of_all_services_that_are_up() {
    let operation = |schema: &str| json!({"get": {"operationId": "list", "responses": {"200": {"content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}}}}}});
    let document = |path: &str, address: Value| {
        json!({
            "openapi": "3.1.0",
            "paths": {path: operation("Address"), "/health": operation("Address"), "/api/v1/elsewhere": operation("Address"), "/api/v1/services/user/dead-letters": operation("Address")},
            "components": {"schemas": {"Address": address, "Envelope": {"type": "object"}}},
        })
    };
    let user = Echo::with_document(document("/api/v1/patients", json!({"type": "object"}))).await;
    let billing = Echo::with_document(document("/api/v1/invoices", json!({"type": "string"}))).await;
    let routes = [
        upstream("user", &user.address, &["patients"]),
        upstream("billing", &billing.address, &["invoices"]),
        upstream("audit", &nobody().await, &["audit"]),
    ];
    let gateway = Gateway::of(&routes.concat(), Limits::default()).await;
    let answer = gateway.get("/api/schema").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let merged = answer.json();
    assert_eq!(merged["openapi"], "3.1.0");
    assert_eq!(merged["info"]["title"], "HMS");
    assert_eq!(merged["servers"], json!([{"url": "/"}]));
    let paths: Vec<_> = merged["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(paths, ["/api/v1/invoices", "/api/v1/patients", "/api/v1/services/user/dead-letters"]);
    assert_eq!(
        merged["components"]["schemas"],
        json!({"Address": {"type": "object"}, "billing.Address": {"type": "string"}, "Envelope": {"type": "object"}})
    );
    let text = merged["paths"]["/api/v1/invoices"].to_string();
    assert!(text.contains("#/components/schemas/billing.Address") && text.contains("billing.list"), "{text}");
    // It is kept for a few seconds.
    user.stop().await;
    assert_eq!(gateway.get("/api/schema/").await.json(), merged);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_views_of_the_schema_are_pages() {
    let gateway = Gateway::before(&nobody().await).await;
    for path in ["/api/docs", "/api/docs/", "/api/redoc", "/api/redoc/"] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-type").unwrap().starts_with("text/html"), "{path}");
        assert!(answer.text().contains("/api/schema"), "{path}");
    }
    assert_eq!(gateway.get("/api/docs/assets/swagger-ui.css").await.status, 200);
    gateway.get("/api/docs/assets/nothing").await.assert_error(404, "ROUTE_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_is_405_in_the_envelope() {
    let gateway = Gateway::before(&nobody().await).await;
    for path in [
        "/health",
        "/health/detailed",
        "/metrics",
        "/api/schema",
        "/api/docs",
        "/api/redoc/",
        "/api/docs/assets/pages.css",
    ] {
        for method in ["POST", "PUT", "DELETE"] {
            let answer = gateway
                .send(&format!("{method} {path} HTTP/1.1\r\nHost: hms\r\nContent-Length: 0\r\n"))
                .await;
            answer.assert_error(405, "METHOD_NOT_ALLOWED");
        }
    }
    let mut client = Client::connect(&gateway.address()).await;
    client.head("HEAD /health HTTP/1.1\r\nHost: hms\r\n").await;
    assert_eq!(client.answer_to("HEAD").await.status, 200);
}
