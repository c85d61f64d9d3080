//! From an event to the mail of a patient.

use crate::common::{App, appointment, book, facts, files, message, messages, patient, tried};
use chrono::TimeDelta;
use hms_model::event::{
    AppointmentCancelled, AppointmentRescheduled, AppointmentScheduled, Envelope, Event, MessageFailed,
    MessageSent, PatientCreated, PatientUpdated,
};
use hms_model::id::Id;
use hms_model::role::Role;
use hms_testkit::on_both_back_ends;
use serde_json::{Value, json};

on_both_back_ends! {
    async fn a_booking_is_confirmed_by_mail(backend) {
        let app = App::start(backend).await;
        let clerk = app.client(&[Role::Receptionist]);
        let ann = patient(&app, "ann@example.org").await;
        let booked = AppointmentScheduled(appointment(&app.clock, ann));
        let event = Envelope::of("appointment", &booked, Id::new(app.clock.now()), app.clock.now()).unwrap();
        app.deliver_envelope(event.clone()).await.unwrap();

        let sent = message(&clerk, "status=sent").await;
        assert_eq!(sent, json!({
            "id": sent["id"], "kind": "appointment.confirmation", "channel": "email", "status": "sent",
            "recipient": "ann@example.org",
            "subject": "Appointment booked: Tuesday, 3 March 2026, 09:00 UTC",
            "body": null, "patient_id": ann, "event_id": event.id,
            "created_at": "2026-03-02T08:00:00Z", "sent_at": "2026-03-02T08:00:00Z", "read_at": null, "error": null,
        }));
        let one = clerk.get(&format!("/api/v1/notifications/{}", sent["id"].as_str().unwrap())).await;
        let mut shown = one.expect(200).body.clone();
        let attempts = shown.as_object_mut().unwrap().remove("attempts").unwrap();
        assert_eq!(shown, sent);
        let [attempt] = &attempts.as_array().unwrap()[..] else { panic!("one attempt: {attempts}") };
        assert_eq!((&attempt["number"], &attempt["outcome"], &attempt["reason"]), (&json!(1), &json!("sent"), &Value::Null));
        assert!(attempt["took_ms"].is_u64() && attempt["provider_id"].is_string(), "{attempt}");
        assert!(one.header("etag").starts_with('"'), "{:?}", one.headers);

        let outgoing = app.folder.path().join("outgoing");
        let id = sent["id"].as_str().unwrap();
        let file = format!("20260302T080000Z-{id}.eml");
        assert_eq!(files(&outgoing), [file.as_str()]);
        let mail = std::fs::read_to_string(outgoing.join(file)).unwrap();
        let (head, parts) = mail.split_once("\r\n\r\n").unwrap();
        let expected = [
            &format!("Message-ID: <{id}@hms.local>"),
            "Date: Mon, 02 Mar 2026 08:00:00 +0000",
            "From: HMS <no-reply@hms.local>",
            "To: ann@example.org",
            "Subject: Appointment booked: Tuesday, 3 March 2026, 09:00 UTC",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ];
        for line in expected {
            assert!(head.lines().any(|found| found == line), "{line}\nis not in\n{head}");
        }
        assert!(parts.contains("Content-Type: text/plain; charset=utf-8\r\n"), "{parts}");
        let text = "Dear Ann Lee,\n\nyour appointment with Dr. Mia Chen is booked:\n\n    \
            Tuesday, 3 March 2026, 09:00 to 09:30 UTC\n\n\
            This message was sent automatically; replies to it are not read.\n";
        assert!(parts.replace("\r\n", "\n").contains(text), "{parts}");

        let [MessageSent(told)] = &app.published_of::<MessageSent>().await[..] else { panic!("one message.sent") };
        assert_eq!((told.notification_id.to_string().as_str(), told.channel.as_str()), (id, "email"));
        assert_eq!(one.header("etag"), format!("\"{}\"", told.version));
        app.stop().await;
    }

    async fn a_change_and_a_cancellation_are_told_too(backend) {
        let app = App::start_with(backend, &[("HMS_MAIL_FROM", "Clinic North <desk@north.example>")]).await;
        let clerk = app.client(&[Role::Receptionist]);
        let ann = patient(&app, "ann@example.org").await;
        let mut visit = appointment(&app.clock, ann);
        visit.practitioner_name = "Dr. Zoë Ångström".into();
        app.deliver(&AppointmentRescheduled(visit.clone())).await;
        visit.version += 1;
        app.deliver(&AppointmentCancelled(visit)).await;

        let moved = message(&clerk, "status=sent&kind=appointment.rescheduled").await;
        assert_eq!(moved["subject"], "Appointment moved: Tuesday, 3 March 2026, 09:00 UTC");
        let cancelled = message(&clerk, "status=sent&kind=appointment.cancelled").await;
        assert_eq!(cancelled["subject"], "Appointment cancelled: Tuesday, 3 March 2026, 09:00 UTC");
        let outgoing = app.folder.path().join("outgoing");
        for file in files(&outgoing) {
            let mail = std::fs::read_to_string(outgoing.join(file)).unwrap();
            assert!(mail.contains("From: \"Clinic North\" <desk@north.example>\r\n"), "{mail}");
            assert!(mail.is_ascii(), "letters beyond ASCII are encoded: {mail}");
        }
        app.stop().await;
    }

    async fn what_only_records_the_past_is_not_told(backend) {
        let app = App::start(backend).await;
        let clerk = app.client(&[Role::Receptionist]);
        let ann = patient(&app, "ann@example.org").await;
        let mut past = appointment(&app.clock, ann);
        past.recorded = true;
        app.deliver(&AppointmentScheduled(past.clone())).await;
        past.version += 1;
        app.deliver(&AppointmentCancelled(past)).await;
        book(&app, ann).await;
        assert_eq!(message(&clerk, "status=sent").await["kind"], "appointment.confirmation");
        messages(&clerk, "", 1).await;
        app.stop().await;
    }

    async fn who_cannot_be_reached_is_skipped(backend) {
        let app = App::start(backend).await;
        let clerk = app.client(&[Role::Receptionist]);
        let silent = facts(&app.clock, None);
        let mut gone = facts(&app.clock, Some("gone@example.org"));
        gone.active = false;
        for (facts, reason) in [
            (silent, "the patient has no e-mail address"),
            (gone, "the record of the patient is not in use"),
        ] {
            app.deliver(&PatientCreated(facts.clone())).await;
            book(&app, facts.patient_id).await;
            let skipped = message(&clerk, &format!("patient_id={}", facts.patient_id)).await;
            assert_eq!((&skipped["status"], &skipped["error"]), (&json!("skipped"), &json!(reason)));
            assert_eq!(skipped["recipient"], Value::Null);
        }
        assert!(files(&app.folder.path().join("outgoing")).is_empty());
        app.stop().await;
    }

    async fn the_same_event_never_notifies_twice(backend) {
        let app = App::start(backend).await;
        let clerk = app.client(&[Role::Receptionist]);
        let ann = patient(&app, "ann@example.org").await;
        let booked = AppointmentScheduled(appointment(&app.clock, ann));
        let event = Envelope::of("appointment", &booked, Id::new(app.clock.now()), app.clock.now()).unwrap();
        for _ in 0..3 {
            app.deliver_envelope(event.clone()).await.unwrap();
        }
        // The inbox forgets in time; the message does not.
        app.database.write(|db| {
            use diesel::RunQueryDsl as _;
            diesel::sql_query("DELETE FROM inbox").execute(db).map_err(hms_db::Error::from)
        }).await.unwrap();
        app.deliver_envelope(event).await.unwrap();
        message(&clerk, "status=sent").await;
        messages(&clerk, "", 1).await;
        assert_eq!(files(&app.folder.path().join("outgoing")).len(), 1);
        assert_eq!(app.published_of::<MessageSent>().await.len(), 1);
        app.stop().await;
    }

    async fn a_message_waits_for_word_of_its_patient(backend) {
        let app = App::start(backend).await;
        let clerk = app.client(&[Role::Receptionist]);
        let ann = facts(&app.clock, Some("ann@example.org"));
        book(&app, ann.patient_id).await;
        let waiting = message(&clerk, "").await;
        assert_eq!((&waiting["status"], &waiting["recipient"]), (&json!("pending"), &Value::Null));
        assert_eq!(waiting["subject"], "Appointment booked: Tuesday, 3 March 2026, 09:00 UTC");

        app.deliver(&PatientCreated(ann)).await;
        assert_eq!(message(&clerk, "status=sent").await["recipient"], "ann@example.org");
        app.stop().await;
    }

    async fn a_patient_who_stays_unknown_is_given_up(backend) {
        let app = App::start(backend).await;
        let clerk = app.client(&[Role::Receptionist]);
        let stranger = facts(&app.clock, None).patient_id;
        book(&app, stranger).await;
        app.clock.advance(TimeDelta::minutes(9));
        // A message to someone else makes the sender look.
        let ann = patient(&app, "ann@example.org").await;
        book(&app, ann).await;
        message(&clerk, "status=sent").await;
        message(&clerk, &format!("status=pending&patient_id={stranger}")).await;

        app.clock.advance(TimeDelta::minutes(1));
        book(&app, ann).await;
        let failed = message(&clerk, &format!("status=failed&patient_id={stranger}")).await;
        assert_eq!(failed["error"], "unknown patient");
        let [MessageFailed(told)] = &app.published_of::<MessageFailed>().await[..] else { panic!("one message.failed") };
        assert_eq!((json!(told.notification_id), told.reason.as_deref()), (failed["id"].clone(), Some("unknown patient")));
        app.stop().await;
    }

    async fn an_older_word_of_a_patient_does_not_undo_a_newer_one(backend) {
        let app = App::start(backend).await;
        let clerk = app.client(&[Role::Receptionist]);
        let mut ann = facts(&app.clock, Some("first@example.org"));
        for (version, email) in [(3, "third@example.org"), (2, "second@example.org")] {
            (ann.version, ann.email) = (version, Some(email.into()));
            app.deliver(&PatientUpdated(ann.clone())).await;
        }
        book(&app, ann.patient_id).await;
        assert_eq!(message(&clerk, "status=sent").await["recipient"], "third@example.org");
        (ann.version, ann.email) = (4, None);
        app.deliver(&PatientUpdated(ann.clone())).await;
        book(&app, ann.patient_id).await;
        message(&clerk, "status=skipped").await;
        app.stop().await;
    }

    async fn what_the_channel_does_not_take_is_tried_again_and_given_up_in_the_end(backend) {
        let app = App::start_with(backend, &[("HMS_REMINDERS", "off")]).await;
        let clerk = app.client(&[Role::Receptionist]);
        // Where the folder should be is a file.
        let outgoing = app.folder.path().join("outgoing");
        std::fs::write(&outgoing, "").unwrap();
        let (ann, ben) = (patient(&app, "ann@example.org").await, patient(&app, "ben@example.org").await);
        book(&app, ann).await;
        tried(&clerk, &message(&clerk, "").await, 1).await;
        let failing = message(&clerk, "").await;
        assert_eq!((&failing["status"], &failing["sent_at"]), (&json!("pending"), &Value::Null));
        let error = failing["error"].as_str().unwrap();
        assert!(error.starts_with("the folder cannot be written: "), "{error}");
        assert!(!error.contains(app.folder.path().to_str().unwrap()), "{error}");

        // The second to the fifth attempt, each due after a longer wait, to which chance adds a fifth at most; a new message
        // makes the sender look.
        for (attempt, minutes) in [(2, 1), (3, 3), (4, 12), (5, 72)] {
            app.clock.advance(TimeDelta::minutes(minutes));
            book(&app, ben).await;
            tried(&clerk, &failing, attempt).await;
        }
        let failed = message(&clerk, &format!("status=failed&patient_id={ann}")).await;
        assert_eq!((&failed["id"], &failed["error"]), (&failing["id"], &failing["error"]));
        let told: Vec<MessageFailed> = app.published_of().await;
        assert_eq!(json!(told[0].0.notification_id), failed["id"]);
        assert_eq!(told[0].0.reason.as_deref(), Some(error));

        // Repaired: what was not given up goes out.
        std::fs::remove_file(&outgoing).unwrap();
        app.clock.advance(TimeDelta::minutes(72));
        book(&app, ben).await;
        messages(&clerk, &format!("status=sent&patient_id={ben}"), 5).await;
        assert_eq!(files(&outgoing).len(), 5);
        app.stop().await;
    }

    async fn an_address_that_mail_cannot_have_fails_at_once(backend) {
        let app = App::start(backend).await;
        let clerk = app.client(&[Role::Receptionist]);
        let odd = patient(&app, "no address").await;
        book(&app, odd).await;
        let failed = message(&clerk, "status=failed").await;
        assert_eq!(failed["error"], "mail cannot be sent to this address");
        app.stop().await;
    }

    async fn a_wrong_payload_is_refused_and_stops_nothing(backend) {
        let app = App::start(backend).await;
        let ann = patient(&app, "ann@example.org").await;
        let booked = AppointmentScheduled(appointment(&app.clock, ann));
        let mut wrong = Envelope::of("appointment", &booked, Id::new(app.clock.now()), app.clock.now()).unwrap();
        wrong.data["start"] = json!("tomorrow");
        let mut newer = wrong.clone();
        newer.dataversion = AppointmentScheduled::VERSION + 1;
        for refused in [wrong, newer] {
            let error = app.deliver_envelope(refused).await.unwrap_err();
            assert!(matches!(error, hms_bus::ConsumeError::Reject(_)), "{error}");
        }
        book(&app, ann).await;
        message(&app.client(&[Role::Admin]), "status=sent").await;
        app.stop().await;
    }
}
