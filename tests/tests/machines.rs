//! Programs at the gateway: API keys in the place of tokens, tokens of services, and another signing key by command.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

use hms_tests::{Client, PATIENCE, Platform, on_both_kinds, records, until};
use serde_json::json;

const KEYS: &str = "/api/v1/api-keys";

async fn with_key(client: &Client, path: &str, key: &str) -> u16 {
    client.request("GET", path, &[("x-api-key", key)], None).await.status
}

on_both_kinds! {
    async fn an_api_key_is_good_until_it_is_revoked(kind) {
        let platform = Platform::start(kind).await;
        let (admin, gateway) = (platform.admin().await, platform.gateway());
        admin.make("/api/v1/patients", &records::patient("Ann", "Andersson")).await;
        let made = admin.client.post(KEYS, &json!({"name": "import", "scopes": ["patient:read"]})).await;
        let (key, path) = (made.expect(201).text("key"), format!("{KEYS}/{}", made.text("id")));
        assert_eq!(with_key(&gateway, "/api/v1/patients", &key).await, 200);
        let authorization = format!("ApiKey {key}");
        let again = gateway.request("GET", "/api/v1/patients", &[("authorization", &authorization)], None).await;
        assert_eq!(again.expect(200)["count"], json!(1));
        assert_eq!(with_key(&gateway, "/api/v1/accounts", &key).await, 403);
        // The last letter is another one: a typo.
        let typo = format!("{}{}", &key[..key.len() - 1], if key.ends_with('0') { '1' } else { '0' });
        assert_eq!(with_key(&gateway, "/api/v1/patients", &typo).await, 401);
        // Bound to a department, it reaches no patient: their records belong to none.
        let department = admin.make("/api/v1/departments", &json!({"name": "Cardiology"})).await;
        let form = json!({"name": "ward", "scopes": ["patient:read"], "department_id": department});
        let bound = admin.client.post(KEYS, &form).await.expect(201).text("key");
        let seen = gateway.request("GET", "/api/v1/patients", &[("x-api-key", &bound)], None).await;
        assert_eq!(seen.expect(200)["count"], json!(0));
        admin.client.delete(&path).await.expect(204);
        until("the end of the key", PATIENCE, async || {
            (with_key(&gateway, "/api/v1/patients", &key).await == 401).then_some(())
        })
        .await;
    }

    async fn the_token_of_a_service_opens_no_door(kind) {
        let platform = Platform::start(kind).await;
        let secret = std::fs::read_to_string(platform.data().join("clients/appointment")).unwrap();
        let form = format!("grant_type=client_credentials&client_id=appointment&client_secret={secret}");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer =
            platform.gateway().request("POST", "/api/v1/oauth/token", &headers, Some(form.into_bytes())).await;
        let token = answer.expect(200).text("access_token");
        for service in hms_model::service::SERVICES {
            let path = format!("/api/v1/{}", service.resources[0]);
            for client in [platform.gateway(), platform.service(service.name)] {
                let refused = client.with_token(token.clone()).get(&path).await;
                // `/auth` itself is no route at the service.
                assert!(matches!(refused.status, 401 | 404), "{path}: {}", refused.status);
            }
        }
        platform.gateway().get("/internal/revocations").await.expect(404);
    }

    async fn another_signing_key_follows_by_command(kind) {
        let platform = Platform::start(kind).await;
        let keys = async || {
            let set = platform.gateway().get("/.well-known/jwks.json").await;
            set.expect(200)["keys"].as_array().unwrap().len()
        };
        assert_eq!(keys().await, 1);
        let said = platform.run(&["keys", "rotate"]).await;
        assert!(said.expect(0).stdout.contains("is published, and signs from"), "{}", said.stdout);
        assert_eq!(keys().await, 2);
    }
}
