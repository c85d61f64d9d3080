//! Sending again what has failed.

use crate::common::{App, appointment, book, facts, files, message, messages, outgoing, patient, reachable};
use chrono::TimeDelta;
use hms_model::event::{AppointmentScheduled, PatientUpdated};
use hms_model::role::Role;
use hms_testkit::on_both_back_ends;
use serde_json::json;

const PATH: &str = "/api/v1/notifications/resend";

on_both_back_ends! {
    async fn what_failed_is_sent_again_to_the_address_of_today(backend) {
        let app = App::start(backend).await;
        let clerk = app.client(&[Role::Receptionist]);
        let mut ann = facts(&app.clock, Some("no address"));
        app.deliver(&hms_model::event::PatientCreated(ann.clone())).await;
        book(&app, ann.patient_id).await;
        let failed = message(&clerk, "status=failed").await;
        let ben = patient(&app, "ben@example.org").await;
        book(&app, ben).await;
        message(&clerk, "status=sent").await;

        (ann.version, ann.email) = (2, Some("ann@example.org".into()));
        app.deliver(&PatientUpdated(ann)).await;
        let key = [("idempotency-key", "again-1")];
        let ask = json!({"status": "failed", "kind": "appointment.confirmation", "since": "2026-03-02T08:00:00Z"});
        let first = clerk.post_with(PATH, &ask, &key).await;
        assert_eq!(first.expect(200).body, json!({"count": 1, "more": false}));
        let sent = messages(&clerk, "status=sent", 2).await;
        assert!(sent.iter().any(|it| it["id"] == failed["id"] && it["recipient"] == "ann@example.org"), "{sent:?}");
        let second = clerk.post_with(PATH, &ask, &key).await;
        assert_eq!(second.expect(200).body, first.body, "the same answer, and nothing is sent");
        assert_eq!(clerk.post(PATH, &ask).await.expect(200).body, json!({"count": 0, "more": false}));
        assert_eq!(outgoing(&app, ".eml").len(), 2);
        let one = clerk.get(&format!("/api/v1/notifications/{}", failed["id"].as_str().unwrap())).await;
        let outcomes: Vec<_> = one.expect(200)["attempts"].as_array().unwrap().iter().map(|it| it["outcome"].clone()).collect();
        assert_eq!(outcomes, ["refused", "sent"]);
        app.stop().await;
    }

    async fn what_was_sent_goes_out_again_by_force_alone(backend) {
        let app = App::start(backend).await;
        let clerk = app.client(&[Role::Receptionist]);
        let (ann, own) = reachable(&app).await;
        book(&app, ann).await;
        let sent = message(&own, "status=sent&channel=email").await;
        clerk.post(PATH, &json!({"id": sent["id"]})).await.expect_problem(409, "ILLEGAL_TRANSITION");
        std::fs::remove_dir_all(app.folder.path().join("outgoing")).unwrap();
        let again = clerk.post(PATH, &json!({"id": sent["id"], "force": true})).await;
        assert_eq!(again.expect(200)["count"], 1);
        hms_testkit::until("the mail", 10, async || (outgoing(&app, ".eml").len() == 1).then_some(())).await;
        let there = message(&own, "channel=in_app").await;
        clerk.post(PATH, &json!({"id": there["id"], "force": true})).await.expect_problem(409, "ILLEGAL_TRANSITION");
        app.stop().await;
    }

    async fn what_is_pending_or_of_no_use_is_left_alone(backend) {
        let app = App::start(backend).await;
        let clerk = app.client(&[Role::Receptionist]);
        let outgoing = app.folder.path().join("outgoing");
        std::fs::write(&outgoing, "in the way").unwrap();
        let ann = patient(&app, "ann@example.org").await;
        app.deliver(&AppointmentScheduled(appointment(&app.clock, ann))).await;
        crate::common::tried(&clerk, &message(&clerk, "").await, 1).await;
        let waits = message(&clerk, "status=pending").await;
        for ask in [json!({"id": waits["id"]}), json!({"id": waits["id"], "force": true})] {
            clerk.post(PATH, &ask).await.expect_problem(409, "ILLEGAL_TRANSITION");
        }
        assert_eq!(clerk.post(PATH, &json!({"channel": "email"})).await.expect(200)["count"], 0);
        assert!(files(&outgoing).is_empty());
        app.clock.advance(TimeDelta::hours(1));
        app.stop().await;
    }

    async fn what_is_asked_must_be_clear_and_staffs_to_ask(backend) {
        let app = App::start(backend).await;
        let (ann, own) = reachable(&app).await;
        book(&app, ann).await;
        let sent = message(&own, "status=sent&channel=email").await;
        let clerk = app.client(&[Role::Receptionist]);
        for (wrong, status) in [
            (json!({}), 422),
            (json!({"force": true}), 422),
            (json!({"force": true, "channel": "sms"}), 422),
            (json!({"id": sent["id"], "channel": "email"}), 422),
            (json!({"status": "sent"}), 400),
            (json!({"status": "pending"}), 400),
            (json!({"since": "yesterday"}), 400),
        ] {
            let answer = clerk.post(PATH, &wrong).await;
            assert_eq!(answer.status, status, "{wrong}: {}", answer.body);
        }
        for role in [Role::Patient, Role::Doctor, Role::Staff] {
            app.client(&[role]).post(PATH, &json!({"status": "failed"})).await.expect_problem(403, "FORBIDDEN");
        }
        let missing = json!({"id": "0190a3c2-5b1e-7c4d-9f00-000000000000"});
        clerk.post(PATH, &missing).await.expect_problem(404, "NOT_FOUND");
        app.stop().await;
    }
}
