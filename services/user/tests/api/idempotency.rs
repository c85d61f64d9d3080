//! The same request twice, with a key: done once.

use hms_testkit::on_both_back_ends;
use serde_json::json;

use crate::surroundings::{App, Role, patient, practitioner};

on_both_back_ends! {
    async fn a_key_makes_a_repetition_harmless(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        for (path, body, other) in [
            ("/api/v1/patients", patient(json!({})), patient(json!({"given_name": "Bob"}))),
            ("/api/v1/practitioners", practitioner(json!({})), practitioner(json!({"prefix": "Dr."}))),
            ("/api/v1/departments", json!({"name": "Cardiology"}), json!({"name": "Oncology"})),
        ] {
            let key = [("idempotency-key", "once")];
            let first = admin.post_with(path, &body, &key).await;
            let again = admin.post_with(path, &body, &key).await;
            assert_eq!((again.status, &again.body), (first.expect(201).status, &first.body));
            assert_eq!(again.header("etag"), first.header("etag"));
            assert_eq!(again.header("location"), first.header("location"));
            admin.post_with(path, &other, &key).await.expect_problem(422, "IDEMPOTENCY_MISMATCH");
            assert_eq!(admin.get(path).await["count"], 1, "{path}");
        }
    }
}
