//! What cannot be read as what it should be is refused, and changes nothing.

use hms_model::role::Role;
use hms_testkit::on_both_back_ends;
use serde_json::json;

use crate::{App, PASSWORD};

const LOGIN: &str = "/api/v1/auth/login";
const REGISTER: &str = "/api/v1/auth/register";
const REFRESH: &str = "/api/v1/auth/refresh";
const LOGOUT: &str = "/api/v1/auth/logout";
const ACCOUNTS: &str = "/api/v1/accounts";

on_both_back_ends! {
    async fn each_body_of_another_shape_is_refused(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let account = json!({"email": "x@example.org", "password": PASSWORD, "roles": ["nurse"]});
        let path = admin.post(ACCOUNTS, &account).await.expect(201).header("location").to_owned();
        let told = app.published().await.len();
        for (method, path, body, named) in [
            ("POST", LOGIN, json!({"username": "admin"}), "password"),
            ("POST", LOGIN, json!({"username": "", "password": PASSWORD}), "username"),
            ("POST", LOGIN, json!({"username": "a\u{0}b", "password": PASSWORD}), "username"),
            ("POST", LOGIN, json!({"username": "admin", "password": 1}), "password"),
            ("POST", LOGIN, json!({"username": "admin", "password": PASSWORD, "otp": "1"}), "otp"),
            ("POST", LOGIN, json!([]), "Credentials"),
            ("POST", REGISTER, json!({"email": "ann", "password": PASSWORD}), "email"),
            ("POST", REGISTER, json!({"email": "a@example.org"}), "password"),
            ("POST", REGISTER, json!({"email": "a@example.org", "password": PASSWORD, "username": "a b"}), "username"),
            ("POST", REGISTER, json!({"email": "a@example.org", "password": PASSWORD, "roles": ["admin"]}), "roles"),
            ("POST", REFRESH, json!({}), "refresh"),
            ("POST", REFRESH, json!({"refresh": null}), "refresh"),
            ("POST", LOGOUT, json!({"refresh": 1}), "refresh"),
            ("POST", ACCOUNTS, json!({"email": "a@example.org", "password": PASSWORD}), "roles"),
            ("POST", ACCOUNTS, json!({"email": "a@example.org", "password": PASSWORD, "roles": ["king"]}), "roles"),
            (
                "POST",
                ACCOUNTS,
                json!({"email": "a@example.org", "password": PASSWORD, "roles": ["nurse"], "patient_id": "7"}),
                "patient_id",
            ),
            ("PATCH", &path, json!({}), "status"),
            ("PATCH", &path, json!({"status": "asleep"}), "status"),
            ("PATCH", &path, json!({"roles": ["admin"]}), "roles"),
        ] {
            let answer = admin.json(method, path, &body, &[]).await;
            answer.expect_problem(400, "INVALID_REQUEST");
            let text = answer["error"]["message"].as_str().unwrap();
            assert!(text.contains(named), "{method} {path} {body}: {text}");
        }
        assert_eq!(app.published().await.len(), told);
    }

    async fn each_request_of_another_form_is_refused(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let json = [("content-type", "application/json")];
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let large = format!(r#"{{"username": "{}"}}"#, "x".repeat(1 << 20));
        let told = app.published().await.len();
        for (method, path, headers, body, status, code) in [
            ("POST", LOGIN, &json, Some("{\"username\""), 400, "MALFORMED_JSON"),
            ("POST", LOGIN, &json, Some(""), 400, "MALFORMED_JSON"),
            ("POST", LOGIN, &form, Some("username=admin"), 415, "UNSUPPORTED_MEDIA_TYPE"),
            ("POST", LOGIN, &json, Some(large.as_str()), 413, "PAYLOAD_TOO_LARGE"),
            ("GET", LOGIN, &json, None, 405, "METHOD_NOT_ALLOWED"),
            ("DELETE", ACCOUNTS, &json, None, 405, "METHOD_NOT_ALLOWED"),
            ("GET", "/api/v1/auth/nowhere", &json, None, 404, "ROUTE_NOT_FOUND"),
            ("GET", "/api/v1/accounts/7", &json, None, 400, "INVALID_REQUEST"),
            ("GET", "/api/v1/accounts/0197a3c2-5b1e-7c4d-9f00-3b2a1c0d4e5f", &json, None, 404, "NOT_FOUND"),
            ("GET", "/api/v1/accounts?color=red", &json, None, 400, "UNKNOWN_FILTER"),
            ("GET", "/api/v1/accounts?role=king", &json, None, 400, "INVALID_REQUEST"),
            ("GET", "/api/v1/accounts?page=0", &json, None, 400, "INVALID_REQUEST"),
            ("GET", "/api/v1/accounts?ordering=version", &json, None, 400, "INVALID_REQUEST"),
        ] {
            let body = body.map(|body| body.as_bytes().to_vec());
            let answer = admin.request(method, path, headers, body).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{method} {path}: {:#}", answer.body);
        }
        assert_eq!(app.published().await.len(), told);
    }
}
