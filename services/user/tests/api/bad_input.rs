//! What is refused, and with which status; nothing is written then.

use hms_testkit::on_both_back_ends;
use serde_json::{Value, json};

use crate::surroundings::{App, Role, patient, practitioner};

on_both_back_ends! {
    async fn a_body_that_is_not_as_it_should_be_changes_nothing(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let identifier = json!({"system": "urn:x", "value": "1"});
        let patients: [(Value, u16, &str); 27] = [
            (json!({"given_name": "Ann"}), 400, "INVALID_REQUEST"),
            (json!([]), 400, "INVALID_REQUEST"),
            (patient(json!({"nickname": "Annie"})), 400, "INVALID_REQUEST"),
            (patient(json!({"mrn": "P-00000000"})), 400, "INVALID_REQUEST"),
            (patient(json!({"status": "active"})), 400, "INVALID_REQUEST"),
            (patient(json!({"given_name": ""})), 400, "INVALID_REQUEST"),
            (patient(json!({"given_name": "  "})), 400, "INVALID_REQUEST"),
            (patient(json!({"given_name": "A\u{0}"})), 400, "INVALID_REQUEST"),
            (patient(json!({"given_name": "A".repeat(101)})), 400, "INVALID_REQUEST"),
            (patient(json!({"given_name": null})), 400, "INVALID_REQUEST"),
            (patient(json!({"given_name": 7})), 400, "INVALID_REQUEST"),
            (patient(json!({"birth_date": "1985-02-29"})), 400, "INVALID_REQUEST"),
            (patient(json!({"birth_date": "1985-2-9"})), 400, "INVALID_REQUEST"),
            (patient(json!({"birth_date": "09.02.1985"})), 400, "INVALID_REQUEST"),
            (patient(json!({"gender": "f"})), 400, "INVALID_REQUEST"),
            (patient(json!({"phone": "0415 555 2671"})), 400, "INVALID_REQUEST"),
            (patient(json!({"language": "German"})), 400, "INVALID_REQUEST"),
            (patient(json!({"email": "ann@"})), 400, "INVALID_REQUEST"),
            (patient(json!({"address": {"city": "Boston"}})), 400, "INVALID_REQUEST"),
            (patient(json!({"address": {"country": "USA"}})), 400, "INVALID_REQUEST"),
            (patient(json!({"identifiers": [{"system": "urn:x"}]})), 400, "INVALID_REQUEST"),
            (patient(json!({"deceased_at": "2026-01-01T00:00:00"})), 400, "INVALID_REQUEST"),
            (patient(json!({"birth_date": "2026-03-09"})), 422, "UNPROCESSABLE"),
            (patient(json!({"birth_date": "1874-12-31"})), 422, "UNPROCESSABLE"),
            (patient(json!({"deceased_at": "2026-04-01T00:00:00Z"})), 422, "UNPROCESSABLE"),
            (patient(json!({"deceased_at": "1980-01-01T00:00:00Z"})), 422, "UNPROCESSABLE"),
            (patient(json!({"identifiers": [identifier, identifier]})), 422, "UNPROCESSABLE"),
        ];
        let others = [
            ("practitioners", practitioner(json!({"department_id": "ward"})), 400, "INVALID_REQUEST"),
            ("practitioners", practitioner(json!({"account_id": null})), 400, "INVALID_REQUEST"),
            ("practitioners", practitioner(json!({"identifiers": [identifier, identifier]})), 422, "UNPROCESSABLE"),
            ("departments", json!({"name": "Cardiology", "kind": "ward"}), 400, "INVALID_REQUEST"),
            ("departments", json!({}), 400, "INVALID_REQUEST"),
            ("departments", json!({"name": "X", "identifiers": [identifier, identifier]}), 422, "UNPROCESSABLE"),
        ];
        let patients = patients.into_iter().map(|(body, status, code)| ("patients", body, status, code));
        for (path, body, status, code) in patients.chain(others) {
            let answer = admin.post(&format!("/api/v1/{path}"), &body).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{path} {body}");
            answer.expect_problem(status, code);
        }
        for path in ["patients", "practitioners", "departments"] {
            assert_eq!(admin.get(&format!("/api/v1/{path}")).await["count"], 0, "{path}");
        }
    }

    async fn a_patch_that_is_not_as_it_should_be_changes_nothing(backend) {
        let app = App::start(backend).await;
        let desk = app.client(&[Role::Receptionist]);
        let created = desk.post("/api/v1/patients", &patient(json!({}))).await;
        let path = created.header("location");
        for (body, status, code) in [
            (json!({"given_name": null}), 400, "INVALID_REQUEST"),
            (json!({"birth_date": null}), 400, "INVALID_REQUEST"),
            (json!({"version": 2}), 400, "INVALID_REQUEST"),
            (json!({"phone": "123"}), 400, "INVALID_REQUEST"),
            (json!({"status": "retired"}), 400, "INVALID_REQUEST"),
            (json!({"address": {"country": null}}), 400, "INVALID_REQUEST"),
            (json!({"address": {"city": "Boston"}}), 422, "UNPROCESSABLE"),
            (json!({"birth_date": "2027-01-01"}), 422, "UNPROCESSABLE"),
            (json!({"status": "deceased"}), 409, "ILLEGAL_TRANSITION"),
        ] {
            let answer = desk.patch(path, &body).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{body}");
        }
        assert_eq!(desk.get(path).await.body, created.body);
    }

    async fn a_list_refuses_what_it_does_not_know(backend) {
        let app = App::start(backend).await;
        let desk = app.client(&[Role::Receptionist]);
        for (query, code) in [
            ("color=red", "UNKNOWN_FILTER"),
            ("status__gt=active", "UNKNOWN_FILTER"),
            ("search__in=a", "UNKNOWN_FILTER"),
            ("status=alive", "INVALID_REQUEST"),
            ("age=old", "INVALID_REQUEST"),
            ("age=-1", "INVALID_REQUEST"),
            ("age=65536", "INVALID_REQUEST"),
            ("birth_date=2023-02-30", "INVALID_REQUEST"),
            ("birth_date=%2B262142-01-01", "INVALID_REQUEST"),
            ("created_at=2026-03-02", "INVALID_REQUEST"),
            ("created_at=2026-03-02T08:00:00", "INVALID_REQUEST"),
            ("email=ann", "INVALID_REQUEST"),
            ("phone=123", "INVALID_REQUEST"),
            ("identifier=123", "INVALID_REQUEST"),
            ("ordering=gender", "INVALID_REQUEST"),
            ("page=0", "INVALID_REQUEST"),
            ("page_size=101", "INVALID_REQUEST"),
            ("cursor=xyz", "INVALID_REQUEST"),
        ] {
            let answer = desk.get(&format!("/api/v1/patients?{query}")).await;
            assert_eq!((answer.status, answer.code()), (400, code), "{query}");
        }
        desk.get("/api/v1/patients/42").await.expect_problem(400, "INVALID_REQUEST");
        desk.request("DELETE", "/api/v1/patients", &[], None).await.expect_problem(405, "METHOD_NOT_ALLOWED");
        desk.request("POST", "/api/v1/patients/me", &[], None).await.expect_problem(405, "METHOD_NOT_ALLOWED");
    }
}
