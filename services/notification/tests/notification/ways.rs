//! By which ways messages go, in which language, and when not.

use crate::common::{App, appointment, book, message, messages, outgoing, reachable, wants};
use chrono::TimeDelta;
use hms_model::event::{AppointmentScheduled, DepartmentCreated, DepartmentFacts, MessageSent};
use hms_model::id::Id;
use hms_model::role::Role;
use hms_testkit::on_both_back_ends;
use serde_json::{Value, json};

on_both_back_ends! {
    async fn an_event_makes_one_message_for_each_way_that_is_wanted(backend) {
        let app = App::start_with(backend, &[("HMS_ZONE", "Europe/Berlin")]).await;
        let (ann, own) = reachable(&app).await;
        wants(&own, ann, json!({"channels": {"appointment": ["email", "sms", "push", "in_app"]}})).await;
        let clinic = DepartmentFacts { department_id: Id::new(app.clock.now()), version: 1, name: "Kardiologie".into(), active: true };
        app.deliver(&DepartmentCreated(clinic.clone())).await;
        let mut visit = appointment(&app.clock, ann);
        visit.department_id = Some(clinic.department_id);
        app.deliver(&AppointmentScheduled(visit)).await;

        // Nothing has asked for push messages.
        let sent = messages(&own, "status=sent", 3).await;
        let mut ways: Vec<_> = sent.iter().map(|message| message["channel"].as_str().unwrap()).collect();
        ways.sort_unstable();
        assert_eq!(ways, ["email", "in_app", "sms"]);
        let events: std::collections::HashSet<_> = sent.iter().map(|message| message["event_id"].as_str()).collect();
        assert_eq!(events.len(), 1);
        let [mail] = &outgoing(&app, ".eml")[..] else { panic!("one mail") };
        assert!(mail.contains("Subject: Termin gebucht: Dienstag, 3. =?utf-8?b?"), "{mail}");
        let [text] = &outgoing(&app, ".txt")[..] else { panic!("one text message") };
        assert_eq!(text, "To: +4930123456\n\nIhr Termin: Dienstag, 3. März 2026, 10:00 CET.\n");
        let there = message(&own, "channel=in_app").await;
        let body = there["body"].as_str().unwrap();
        assert!(body.contains("Dienstag, 3. März 2026, 10:00 bis 10:30 CET\n    Kardiologie\n"), "{body}");
        assert_eq!(there["recipient"], Value::Null);
        assert_eq!(app.published_of::<MessageSent>().await.len(), 3);
        app.stop().await;
    }

    async fn what_is_there_to_be_read_is_read_once(backend) {
        let app = App::start(backend).await;
        let (ann, own) = reachable(&app).await;
        book(&app, ann).await;
        messages(&own, "status=sent", 2).await;
        let unread = message(&own, "channel=in_app&read=false").await;
        let path = format!("/api/v1/notifications/{}/read", unread["id"].as_str().unwrap());
        let (stranger, mail) = (reachable(&app).await.1, message(&own, "channel=email").await);
        stranger.post(&path, &json!({})).await.expect_problem(404, "NOT_FOUND");
        let read = own.post(&path, &json!({})).await.expect(200).body.clone();
        assert_eq!(read["read_at"], "2026-03-02T08:00:00Z");
        app.clock.advance(TimeDelta::minutes(1));
        assert_eq!(own.post(&path, &json!({})).await.expect(200)["read_at"], read["read_at"], "the first stands");
        messages(&own, "channel=in_app&read=false", 0).await;
        messages(&own, "channel=in_app&read=true", 1).await;
        let path = format!("/api/v1/notifications/{}/read", mail["id"].as_str().unwrap());
        own.post(&path, &json!({})).await.expect_problem(409, "ILLEGAL_TRANSITION");
        app.stop().await;
    }

    async fn who_wants_no_such_messages_gets_none(backend) {
        let app = App::start(backend).await;
        let (ann, own) = reachable(&app).await;
        wants(&own, ann, json!({"channels": {"appointment": []}})).await;
        book(&app, ann).await;
        let skipped = message(&own, "").await;
        assert_eq!((&skipped["status"], &skipped["error"]), (&json!("skipped"), &json!("the patient wants no such messages")));
        wants(&own, ann, json!({})).await;
        book(&app, ann).await;
        messages(&own, "status=sent", 2).await;
        app.stop().await;
    }

    async fn what_is_wanted_is_ones_own_to_say_and_has_versions(backend) {
        let app = App::start(backend).await;
        let (ann, own) = reachable(&app).await;
        let (ben, _) = reachable(&app).await;
        let path = format!("/api/v1/notification-preferences/{ann}");
        let before = own.get(&path).await;
        assert_eq!(before.expect(200).body, json!({
            "patient_id": ann, "version": 0, "quiet_hours": null,
            "channels": {"appointment": null, "reminder": null, "waitlist": null, "billing": null},
            "in_effect": {
                "appointment": ["email", "push", "in_app"], "reminder": ["email", "push", "in_app"],
                "waitlist": ["email", "push", "in_app"], "billing": ["email", "push", "in_app"],
            },
        }));
        let said = json!({"channels": {"billing": ["sms"]}, "quiet_hours": {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin"}});
        let after = own.json("PUT", &path, &said, &[("if-match", before.header("etag"))]).await;
        assert_eq!((&after.expect(200)["version"], &after["quiet_hours"]), (&json!(1), &said["quiet_hours"]));
        assert_eq!(after["in_effect"]["billing"], json!(["sms"]));
        own.json("PUT", &path, &said, &[("if-match", before.header("etag"))]).await.expect_problem(412, "PRECONDITION_FAILED");
        let nurse = app.client(&[Role::Nurse]);
        assert_eq!(nurse.get(&path).await.expect(200)["version"], 1);
        nurse.put(&path, &json!({})).await.expect(200);
        let unknown: hms_model::id::PatientId = Id::new(app.clock.now());
        for (client, whose) in [(&own, ben), (&nurse, unknown)] {
            let path = format!("/api/v1/notification-preferences/{whose}");
            client.get(&path).await.expect_problem(404, "NOT_FOUND");
            client.put(&path, &said).await.expect_problem(404, "NOT_FOUND");
        }
        for (wrong, status, code) in [
            (json!({"channels": {"gossip": []}}), 400, "INVALID_REQUEST"),
            (json!({"channels": {"billing": ["pigeon"]}}), 400, "INVALID_REQUEST"),
            (json!({"quiet_hours": {"from": "25:00", "to": "07:00", "zone": "UTC"}}), 400, "INVALID_REQUEST"),
            (json!({"quiet_hours": {"from": "22:00", "to": "07:00", "zone": "Mars/Olympus"}}), 400, "INVALID_REQUEST"),
            (json!({"quiet_hours": {"from": "07:00", "to": "07:00", "zone": "UTC"}}), 422, "UNPROCESSABLE"),
        ] {
            own.put(&path, &wrong).await.expect_problem(status, code);
        }
        app.client(&[Role::Staff]).put(&path, &said).await.expect_problem(403, "FORBIDDEN");
        app.stop().await;
    }

    async fn nobody_is_disturbed_in_their_quiet_hours(backend) {
        let app = App::start(backend).await;
        let (ann, own) = reachable(&app).await;
        // It is 8 in the morning in UTC: 3 at night there.
        wants(&own, ann, json!({"quiet_hours": {"from": "22:00", "to": "07:00", "zone": "America/New_York"}})).await;
        book(&app, ann).await;
        messages(&own, "channel=in_app&status=sent", 1).await;
        app.clock.advance(TimeDelta::minutes(239));
        let (ben, of_ben) = reachable(&app).await;
        book(&app, ben).await;
        message(&of_ben, "channel=email&status=sent").await;
        let waiting = message(&own, "channel=email&kind=appointment.confirmation").await;
        assert_eq!((&waiting["status"], &waiting["error"]), (&json!("pending"), &Value::Null));
        app.clock.advance(TimeDelta::minutes(1));
        book(&app, ben).await;
        let sent = message(&own, "channel=email&kind=appointment.confirmation&status=sent").await;
        assert_eq!(sent["sent_at"], "2026-03-02T12:00:00Z");
        app.stop().await;
    }
}
