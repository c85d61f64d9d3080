//! The words of messages.

use crate::common::{App, book, message, patient};
use hms_model::role::Role;
use hms_testkit::on_both_back_ends;
use serde_json::{Value, json};

const MAIL: &str = "/api/v1/notification-templates/appointment.confirmation/email/en";

on_both_back_ends! {
    async fn other_words_are_a_new_version_that_messages_are_made_of(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let before = admin.get(MAIL).await;
        assert_eq!((&before.expect(200)["version"], &before["subject"]), (&json!(0), &json!("Appointment booked: {{start}}")));
        let words = json!({"subject": "See you at {{ start }}", "body": "Hello {{patient_name}}!\n{{department}}\n{{period}}"});
        let first = admin.json("PUT", MAIL, &words, &[("if-match", before.header("etag"))]).await;
        assert_eq!((&first.expect(200)["version"], &first["created_at"]), (&json!(1), &json!("2026-03-02T08:00:00Z")));
        assert_eq!(first["author_id"], json!(app.account_id(&admin).await));
        admin.json("PUT", MAIL, &words, &[("if-match", before.header("etag"))]).await.expect_problem(412, "PRECONDITION_FAILED");

        let ann = patient(&app, "ann@example.org").await;
        book(&app, ann).await;
        let sent = message(&admin, "status=sent").await;
        assert_eq!(sent["subject"], "See you at Tuesday, 3 March 2026, 09:00 UTC");
        let [mail] = &crate::common::outgoing(&app, ".eml")[..] else { panic!("one mail") };
        let mail = mail.replace("\r\n", "\n");
        assert!(mail.contains("Hello Ann Lee!\nTuesday, 3 March 2026, 09:00 to 09:30 UTC\n"), "{mail}");

        admin.put(MAIL, &json!({"subject": "x", "body": "y"})).await.expect(200);
        let versions = admin.get(&format!("{MAIL}/versions")).await;
        let versions: Vec<_> = versions.expect(200).results().iter().map(|it| it["version"].clone()).collect();
        assert_eq!(versions, [2, 1, 0]);
        assert_eq!(message(&admin, "").await["subject"], sent["subject"], "what was sent stays as it is");
        app.stop().await;
    }

    async fn words_that_name_what_is_not_there_are_refused(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        for (body, field) in [
            (json!({"subject": "Hi", "body": "{{invoice_total}}"}), "body"),
            (json!({"subject": "{{password}}", "body": "x"}), "body"),
            (json!({"subject": "Hi", "body": "{{start"}), "body"),
            (json!({"body": "x"}), "subject"),
        ] {
            for (method, path) in [("PUT", MAIL.to_owned()), ("POST", format!("{MAIL}/preview"))] {
                let refused = admin.json(method, &path, &body, &[]).await;
                refused.expect_problem(422, "UNPROCESSABLE");
                assert_eq!(refused["error"]["details"]["field"], field, "{body}");
            }
        }
        assert_eq!(admin.get(MAIL).await.expect(200)["version"], 0);
        for path in ["gossip/email/en", "billing.invoice/pigeon/en", "billing.invoice/email/tlh"] {
            admin.get(&format!("/api/v1/notification-templates/{path}")).await.expect_problem(400, "INVALID_REQUEST");
        }
        app.stop().await;
    }

    async fn a_preview_reads_as_a_message_would(backend) {
        let app = App::start_with(backend, &[("HMS_ORGANISATION", "Clinic North"), ("HMS_ZONE", "Europe/Berlin")]).await;
        let admin = app.client(&[Role::Admin]);
        let read = async |path: &str, body: Value| {
            let shown = admin.post(&format!("/api/v1/notification-templates/{path}/preview"), &body).await;
            shown.expect(200).body.clone()
        };
        let offer = read("waitlist.offer/sms/fr", json!({"body": "{{organisation}}: {{start}}, {{expires_at}}"})).await;
        assert_eq!(offer, json!({
            "subject": "",
            "body": "Clinic North: mardi 3 mars 2026, 09:00 CET, lundi 2 mars 2026, 09:30 CET",
        }));
        let bill = read("billing.invoice/email/es", json!({"subject": "{{invoice_number}}", "body": "{{invoice_total}} {{due_on}}"})).await;
        assert_eq!(bill, json!({"subject": "2026-000042", "body": "119.00 EUR lunes, 16 de marzo de 2026"}));
        app.stop().await;
    }

    async fn all_words_are_in_the_list_and_only_admins_write_them(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        admin.put(MAIL, &json!({"subject": "x", "body": "y"})).await.expect(200);
        let all = admin.get("/api/v1/notification-templates").await;
        let all = all.expect(200).results().to_vec();
        assert_eq!(all.len(), 6 * 4 * 4);
        let written: Vec<_> = all.iter().filter(|it| it["version"] != 0).collect();
        assert_eq!(written.len(), 1);
        assert_eq!((&written[0]["language"], &written[0]["subject"]), (&json!("en"), &json!("x")));
        for role in [Role::Receptionist, Role::Patient] {
            let other = app.client(&[role]);
            other.get(MAIL).await.expect_problem(403, "FORBIDDEN");
            other.put(MAIL, &json!({"subject": "x", "body": "y"})).await.expect_problem(403, "FORBIDDEN");
        }
        app.stop().await;
    }
}
