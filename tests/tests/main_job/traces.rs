//! What a day at the desk leaves: mail, notifications, the audit.

use std::fs;

use hms_tests::{PATIENCE, Person, Platform, Trail, until};
use serde_json::json;

use crate::booking::Day;

pub async fn the_mail_is_sent_and_shown(platform: &Platform, admin: &Person, day: &Day) {
    let path = format!(
        "/api/v1/notifications?patient_id={}&kind=appointment.confirmation&channel=email&status=sent&ordering=created_at",
        day.patient.patient_id()
    );
    let sent = until("the confirmation", PATIENCE, async || {
        let list = admin.client.get(&path).await;
        list.expect(200).results().first().cloned()
    })
    .await;
    assert_eq!((&sent["channel"], &sent["recipient"]), (&json!("email"), &json!(day.patient.email)));
    assert!(sent["sent_at"].is_string() && sent["error"].is_null(), "{sent:#}");
    let id = sent["id"].as_str().unwrap();
    let own = day.patient.client.get(&format!("/api/v1/notifications/{id}")).await;
    let mut own = own.expect(200).body.clone();
    let attempts = own.as_object_mut().unwrap().remove("attempts").unwrap();
    assert_eq!((&own, &attempts[0]["outcome"]), (&sent, &json!("sent")));

    let outgoing = platform.data().join("outgoing");
    let file = fs::read_dir(&outgoing).unwrap().map(|entry| entry.unwrap().path());
    let file = file.filter(|file| file.to_str().unwrap().contains(id)).collect::<Vec<_>>();
    assert_eq!(file.len(), 1, "files of {id} in {}", outgoing.display());
    let mail = fs::read_to_string(&file[0]).unwrap();
    assert!(mail.contains(&format!("To: {}", day.patient.email)), "{mail}");
    assert!(mail.contains("Subject: Appointment booked"), "{mail}");
}

pub async fn the_audit_shows_who_did_what(platform: &Platform, admin: &Person, day: &Day) {
    let trail = Trail(admin);
    let (patient, desk) = (day.patient.account_id(), admin.account_id());
    let writes = [
        ("create", "account", patient, patient),
        ("create", "patient", day.patient.patient_id(), patient),
        ("create", "practitioner", &day.practitioner_id, desk),
        ("create", "appointment", &day.cancelled, patient),
        ("create", "appointment", &day.deleted, patient),
        ("delete", "appointment", &day.deleted, desk),
    ];
    for (action, resource, id, actor) in writes {
        let entry = trail.one(action, resource, id).await;
        assert_eq!(entry["actor"]["account_id"], actor, "{entry:#}");
        assert_eq!(entry["outcome"], "success", "{entry:#}");
        assert!(entry["request_id"].is_string() && entry["source_ip"].is_string(), "{entry:#}");
    }
    let changes = until("moved, changed and called off", PATIENCE, async || {
        let found = trail.of("update", "appointment", &day.cancelled).await;
        (found.len() >= 3).then_some(found)
    })
    .await;
    let mut details: Vec<_> = changes.iter().map(|entry| entry["detail"].as_str().unwrap()).collect();
    details.sort_unstable();
    assert_eq!(details, ["reason", "start, end", "status, cancellation_reason"]);
    who_looked_at_the_patient(platform, admin, day).await;
}

async fn who_looked_at_the_patient(platform: &Platform, admin: &Person, day: &Day) {
    let id = day.patient.patient_id();
    let request_id = "who-looked-at-the-patient";
    let path = format!("/api/v1/patients/{id}");
    let read = admin.client.request("GET", &path, &[("x-request-id", request_id)], None).await;
    assert_eq!(read.expect(200).header("x-request-id"), request_id);
    let query =
        format!("/api/v1/audit?patient_id={id}&action=read&resource=patient&actor_id={}", admin.account_id());
    let entry = until("the entry of the read", PATIENCE, async || {
        let list = admin.client.get(&query).await;
        list.expect(200).results().iter().find(|entry| entry["request_id"] == request_id).cloned()
    })
    .await;
    assert_eq!((&entry["resource_id"], &entry["service"]), (&json!(id), &json!("user")));
    assert_eq!(entry["actor"]["roles"], json!(["admin"]));
    day.patient.client.get("/api/v1/audit").await.expect_problem(403, "FORBIDDEN");
    platform.gateway().get("/api/v1/audit").await.expect_problem(401, "UNAUTHENTICATED");
}
