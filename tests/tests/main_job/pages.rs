//! What each service, and the gateway for all of them, says of itself: health, metrics, documents.

use hms_model::service::SERVICES;
use hms_tests::{ADMIN_PASSWORD, Client, PATIENCE, Platform, api, until};
use serde_json::{Value, json};

pub async fn each_service_shows_itself(platform: &Platform) {
    for service in SERVICES {
        let client = platform.service(service.name);
        assert_eq!(
            client.get("/health").await.expect(200).body,
            json!({"status": "healthy"}),
            "{}",
            service.name
        );
        until(&format!("{} to be wholly healthy", service.name), PATIENCE, async || {
            let health = client.get("/health/detailed").await;
            (health.expect(200)["status"] == "healthy").then_some(())
        })
        .await;
        let health = client.get("/health/detailed").await;
        assert_eq!(health["service"], service.name);
        let dependencies = health["dependencies"].as_array().unwrap();
        let named = |name| dependencies.iter().find(|dependency| dependency["name"] == name).unwrap();
        assert!(named("database")["latency_ms"].is_number(), "{:#}", health.body);
        assert_eq!(named("bus")["status"], "healthy", "{:#}", health.body);
        metrics(&client, "/metrics", "route=\"/health\"").await;
        page(&client, "/docs", "swagger-ui").await;
        page(&client, "/redoc", "redoc").await;
        let document = client.get("/openapi.json").await;
        assert!(!api::operations(&document.expect(200).body).is_empty(), "{}", service.name);
    }
}

pub async fn the_gateway_shows_all_of_them(platform: &Platform) {
    let client = platform.gateway();
    for path in ["/health", "/health/"] {
        assert_eq!(client.get(path).await.expect(200).body, json!({"status": "healthy"}));
    }
    let health = client.get("/health/detailed").await;
    assert_eq!(health.expect(200)["status"], "healthy");
    let shown: Vec<_> = health["dependencies"].as_array().unwrap().iter().collect();
    for service in SERVICES {
        let one = shown.iter().find(|dependency| dependency["name"] == service.name).unwrap();
        assert!(one["status"] == "healthy" && one["latency_ms"].is_number(), "{one:#}");
    }
    client.get("/api/v1/auth/me").await.expect(401);
    metrics(&client, "/metrics", "route=\"/api/v1/auth/me\",status=\"401\"").await;
    for path in ["/api/docs", "/api/docs/"] {
        page(&client, path, "swagger-ui").await;
    }
    for path in ["/api/redoc", "/api/redoc/"] {
        page(&client, path, "redoc").await;
    }
    for path in ["/api/schema", "/api/schema/"] {
        let merged = client.get(path).await;
        assert!(merged.expect(200)["openapi"].as_str().unwrap().starts_with("3.1"));
    }
}

pub async fn a_path_may_be_written_in_several_ways(platform: &Platform) {
    let body = json!({"username": "admin", "password": ADMIN_PASSWORD});
    for prefix in ["/api/v1", "/api", "/v1"] {
        for end in ["", "/"] {
            let path = format!("{prefix}/auth/token{end}");
            assert!(platform.gateway().post(&path, &body).await.expect(200)["access"].is_string(), "{path}");
        }
    }
}

async fn metrics(client: &Client, path: &str, label: &str) {
    let text = client.get(path).await.expect(200).body.clone();
    let Value::String(text) = text else { panic!("{path} is no text: {text}") };
    let line = text
        .lines()
        .find(|line| line.starts_with("http_server_request_duration_seconds_count") && line.contains(label));
    assert!(line.is_some(), "{label} is not in {text}");
}

/// Pages bring their scripts along: nothing is fetched from elsewhere.
async fn page(client: &Client, path: &str, word: &str) {
    let answer = client.get(path).await;
    assert!(answer.expect(200).header("content-type").starts_with("text/html"), "{path}");
    let text = answer.body.as_str().unwrap();
    assert!(text.contains(word) && !text.contains("https://"), "{path}: {text}");
}
