//! Appointments: booked once, found, moved, called off, hidden.

use chrono::{DateTime, TimeDelta, Utc};
use hms_tests::{Person, Platform, records};
use serde_json::json;

/// Whom the day at the desk was about.
pub struct Day {
    pub patient: Person,
    pub practitioner_id: String,
    pub cancelled: String,
    pub deleted: String,
}

pub async fn a_day_at_the_desk(platform: &Platform, admin: &Person) -> Day {
    let patient = platform.register_patient().await;
    let practitioner_id = admin.make("/api/v1/practitioners", &records::practitioner("Mia", "Chen")).await;
    let (patient_id, nine) = (patient.patient_id(), records::moment(7, 9 * 60));
    let body = records::booking(patient_id, &practitioner_id, nine);
    let made = patient.book(&body).await;
    let id = made.text("id");
    assert_eq!((&made["status"], &made["start"]), (&json!("booked"), &json!(records::rfc3339(nine))));

    nobody_is_booked_twice(admin, patient_id, &practitioner_id, nine).await;
    who_is_unknown_cannot_be_booked(admin, patient_id, &practitioner_id).await;
    it_is_found_by_each_filter(admin, patient_id, &practitioner_id, &id).await;
    it_is_moved(admin, &id, nine).await;
    it_is_called_off(&patient, &id).await;
    let again = records::booking(patient_id, &practitioner_id, nine + TimeDelta::hours(1));
    let deleted = patient.make("/api/v1/appointments", &again).await;
    it_is_hidden(admin, &deleted, patient_id).await;
    Day { patient, practitioner_id, cancelled: id, deleted }
}

async fn nobody_is_booked_twice(
    admin: &Person,
    patient_id: &str,
    practitioner_id: &str,
    nine: DateTime<Utc>,
) {
    let half_an_hour = 30;
    for minutes in [-half_an_hour + 1, 0, half_an_hour - 1] {
        let body = records::booking(patient_id, practitioner_id, nine + TimeDelta::minutes(minutes));
        let taken = admin.client.post("/api/v1/appointments", &body).await;
        taken.expect_problem(409, "SLOT_TAKEN");
    }
    // A slot ends where the next one begins.
    for minutes in [-half_an_hour, half_an_hour] {
        let body = records::booking(patient_id, practitioner_id, nine + TimeDelta::minutes(minutes));
        let beside = admin.make("/api/v1/appointments", &body).await;
        admin.client.delete(&format!("/api/v1/appointments/{beside}")).await.expect(204);
    }
}

async fn who_is_unknown_cannot_be_booked(admin: &Person, patient_id: &str, practitioner_id: &str) {
    let unknown = "0190a3c2-5b1e-7c4d-9f00-000000000000";
    let noon = records::moment(9, 12 * 60);
    for (field, body) in [
        ("patient_id", records::booking(unknown, practitioner_id, noon)),
        ("practitioner_id", records::booking(patient_id, unknown, noon)),
    ] {
        let refused = admin.client.post("/api/v1/appointments", &body).await;
        assert_eq!(refused.expect_problem(422, "UNKNOWN_REFERENCE")["error"]["details"]["field"], field);
    }
}

async fn it_is_found_by_each_filter(admin: &Person, patient_id: &str, practitioner_id: &str, id: &str) {
    let (from, to) = (records::rfc3339(records::moment(7, 0)), records::rfc3339(records::moment(8, 0)));
    for (query, expected) in [
        (format!("patient_id={patient_id}"), true),
        (format!("practitioner_id={practitioner_id}&status=booked"), true),
        (format!("practitioner_id={practitioner_id}&status__in=booked,arrived&ordering=start"), true),
        (format!("practitioner_id={practitioner_id}&start__gte={from}&start__lt={to}"), true),
        (format!("practitioner_id={practitioner_id}&search=check"), true),
        (format!("practitioner_id={practitioner_id}&status=fulfilled"), false),
        (format!("practitioner_id={practitioner_id}&start__gte={to}"), false),
    ] {
        let list = admin.client.get(&format!("/api/v1/appointments?{query}")).await;
        let found: Vec<_> =
            list.expect(200).results().iter().map(|found| found["id"].as_str().unwrap()).collect();
        let expected: &[&str] = if expected { &[id] } else { &[] };
        assert_eq!(found, expected, "{query}");
    }
}

async fn it_is_moved(admin: &Person, id: &str, nine: DateTime<Utc>) {
    let path = format!("/api/v1/appointments/{id}");
    let at = |minutes| records::rfc3339(nine + TimeDelta::minutes(minutes));
    // Half an hour later overlaps only with itself.
    let moved = admin.client.patch(&path, &json!({"start": at(15), "end": at(45)})).await;
    assert_eq!((&moved.expect(200)["start"], &moved["version"]), (&json!(at(15)), &json!(2)));
    let stale = admin.client.json("PATCH", &path, &json!({"reason": "late"}), &[("if-match", "\"1\"")]).await;
    stale.expect_problem(412, "PRECONDITION_FAILED");
    let worded =
        admin.client.json("PATCH", &path, &json!({"reason": "late"}), &[("if-match", "\"2\"")]).await;
    assert_eq!(worded.expect(200)["reason"], "late");
}

async fn it_is_called_off(patient: &Person, id: &str) {
    let path = format!("/api/v1/appointments/{id}/cancel");
    let cancelled = patient.client.post(&path, &json!({"reason": "I am travelling"})).await;
    assert_eq!(cancelled.expect(200)["status"], "cancelled");
    assert_eq!(cancelled["cancellation_reason"], "I am travelling");
    let again = patient.client.post(&path, &json!({"reason": "I am travelling"})).await;
    assert_eq!(again.expect_problem(409, "ILLEGAL_TRANSITION")["error"]["details"]["status"], "cancelled");
}

async fn it_is_hidden(admin: &Person, id: &str, patient_id: &str) {
    let path = format!("/api/v1/appointments/{id}");
    admin.client.delete(&path).await.expect(204);
    admin.client.get(&path).await.expect_problem(404, "NOT_FOUND");
    admin.client.delete(&path).await.expect_problem(404, "NOT_FOUND");
    let list = admin.client.get(&format!("/api/v1/appointments?patient_id={patient_id}")).await;
    assert!(list.expect(200).results().iter().all(|found| found["id"] != id), "{:#}", list.body);
}
