//! Tokens: given for a password, renewed, ended.

use hms_tests::{ADMIN_EMAIL, ADMIN_PASSWORD, Platform, password, records};
use serde_json::json;

pub async fn tokens_are_given_renewed_and_ended(platform: &Platform) {
    the_admin_signs_in(platform).await;
    a_patient_registers(platform).await;
    a_refresh_token_is_used_once(platform).await;
}

async fn the_admin_signs_in(platform: &Platform) {
    let gateway = platform.gateway();
    for username in [ADMIN_EMAIL, "admin"] {
        let body = json!({"username": username, "password": ADMIN_PASSWORD});
        let answer = gateway.post("/api/v1/auth/login", &body).await;
        answer.expect(200);
        assert_eq!(answer["token_type"], "Bearer");
        assert_eq!(answer["expires_in"], 900);
        assert_eq!(answer["account"]["roles"], json!(["admin"]));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let body = json!({"username": "admin", "password": ADMIN_PASSWORD});
    let answer = gateway.post("/api/auth/token/", &body).await;
    let me = gateway.with_token(answer.expect(200).text("access")).get("/api/v1/auth/me").await;
    assert_eq!(me.expect(200)["email"], ADMIN_EMAIL);
    assert!(answer["refresh"].is_string());
    for username in ["admin", "nobody"] {
        let body = json!({"username": username, "password": "not the password"});
        let refused = gateway.post("/api/v1/auth/login", &body).await;
        refused.expect_problem(401, "INVALID_CREDENTIALS");
    }
}

async fn a_patient_registers(platform: &Platform) {
    let gateway = platform.gateway();
    let email = records::email("ann");
    let body = json!({"email": email, "password": password(&email)});
    let made = gateway.post("/api/v1/auth/register", &body).await;
    assert_eq!(made.expect(201)["roles"], json!(["patient"]));
    assert!(made["password"].is_null());
    gateway.post("/api/v1/auth/register", &body).await.expect_problem(409, "DUPLICATE");
    let weak = json!({"email": records::email("bo"), "password": "123456789012345"});
    gateway.post("/api/v1/auth/register", &weak).await.expect_problem(422, "WEAK_PASSWORD");
    let ann = platform.sign_in(&email, &password(&email)).await;
    assert!(ann.account["patient_id"].is_null());
}

async fn a_refresh_token_is_used_once(platform: &Platform) {
    let gateway = platform.gateway();
    let mut bo = platform.register().await;
    let first = bo.refresh.clone();
    bo.renew(&gateway).await;
    assert_ne!(bo.refresh, first);
    bo.client.get("/api/v1/auth/me").await.expect(200);
    gateway.post("/api/v1/auth/logout", &json!({"refresh": bo.refresh})).await.expect(204);
    let ended = gateway.post("/api/v1/auth/refresh", &json!({"refresh": bo.refresh})).await;
    ended.expect_problem(401, "UNAUTHENTICATED");
}
