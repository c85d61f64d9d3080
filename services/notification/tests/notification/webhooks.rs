//! Webhooks as stories: made, signed, delivered, tried again, switched off, sent again; and who may see which.

mod backlog;
mod hook;
mod killed;
mod load;
mod receiver;
mod verifiers;

use std::time::Instant;

use chrono::TimeDelta;
use hms_model::event::{PatientCreated, WebhookDisabled};
use hms_model::id::Id;
use hms_model::role::Role;
use hms_testkit::{on_both_back_ends, until};
use serde_json::{Value, json};

use crate::common::{App, appointment, facts, patient};
use hook::{HOOKS, World};

on_both_back_ends! {
    async fn a_webhook_shows_its_secret_once_and_its_deliveries_are_signed(backend) {
        let world = World::start(backend).await;
        let made = world.make(json!({ "events": ["patient.created", "patient.created"] })).await;
        let (id, secret) = (made.text("id"), made.text("secret"));
        assert!(secret.starts_with("whsec_"));
        assert_eq!(made.header("cache-control"), "no-store");
        assert_eq!(made["events"], json!(["patient.created"]));
        let shown = world.admin.get(&format!("{HOOKS}/{id}")).await;
        assert!(shown.expect(200).body.get("secret").is_none());

        patient(&world.app, "ann@example.org").await;
        let delivery = world.delivery(&id, "status=delivered").await;
        let received = world.receiver.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].header("webhook-id"), delivery["event_id"]);
        assert_eq!(received[0].header("webhook-timestamp"), world.app.clock.now().timestamp().to_string());
        assert_eq!(received[0].header("webhook-signature"), received[0].signature(&secret));
        assert_eq!(received[0].body["type"], "patient.created");
        assert_eq!(received[0].body["data"]["name"], "Ann Lee");

        let details = world.admin.get(&format!("{HOOKS}/deliveries/{}", delivery["id"].as_str().unwrap())).await;
        let log = details.expect(200)["log"].as_array().unwrap().clone();
        assert_eq!((log.len(), &log[0]["status"], &log[0]["number"]), (1, &json!(200), &json!(1)));
        let payload: Value = serde_json::from_str(&details.text("payload")).unwrap();
        assert_eq!(payload, received[0].body);
        world.app.stop().await;
    }

    async fn it_is_tried_by_the_schedule_with_the_same_id_and_body(backend) {
        let world = World::start(backend).await;
        let id = world.make(json!({ "events": ["patient.created"] })).await.text("id");
        world.receiver.answer(500);
        patient(&world.app, "ann@example.org").await;
        for (attempt, wait) in [6, 361, 2_161, 8_641, 21_601, 43_201, 60_481, 86_401, 103_681].iter().enumerate() {
            world.attempted(&id, attempt + 1).await;
            world.app.clock.advance(TimeDelta::seconds(*wait));
            world.look(&id).await;
        }
        world.attempted(&id, 10).await;
        let delivery = world.delivery(&id, "status=failed").await;
        assert_eq!(delivery["error"], "answered 500");
        let received = world.receiver.received();
        assert_eq!(received.len(), 10);
        assert!(received.windows(2).all(|two| two[0].header("webhook-id") == two[1].header("webhook-id")));
        assert!(received.windows(2).all(|two| two[0].body == two[1].body));
        assert!(received.windows(2).all(|two| two[0].header("webhook-timestamp") < two[1].header("webhook-timestamp")));

        world.receiver.answer(204);
        let again = format!("{HOOKS}/deliveries/{}/redeliver", delivery["id"].as_str().unwrap());
        let (admin, key) = (world.admin_now().await, [("Idempotency-Key", "again-1")]);
        let first = admin.request("POST", &again, &key, None).await;
        first.expect(200);
        let delivery = world.delivery(&id, "status=delivered").await;
        assert_eq!(delivery["attempts"], 11);
        let replayed = admin.request("POST", &again, &key, None).await;
        assert_eq!((&replayed.expect(200).body, replayed.header("idempotent-replayed")), (&first.body, "true"));
        assert_eq!(world.delivery(&id, "").await["status"], "delivered", "it is not sent once more");
        world.app.stop().await;
    }

    async fn gone_switches_it_off_and_what_failed_can_be_sent_again(backend) {
        let world = World::start(backend).await;
        let made = world.make(json!({ "events": ["patient.created"], "contact_email": "it@clinic.example" })).await;
        let id = made.text("id");
        let begun = world.app.clock.now();
        world.receiver.answer(410);
        patient(&world.app, "ann@example.org").await;
        world.delivery(&id, "status=failed").await;
        let hook = world.admin.get(&format!("{HOOKS}/{id}")).await;
        assert_eq!((&hook["enabled"], &hook["disabled_reason"]), (&json!(false), &json!("gone")));
        let told = world.app.published_of::<WebhookDisabled>().await;
        assert_eq!((told.len(), told[0].reason.as_str()), (1, "gone"));
        let mail = world.app.folder.path().join("outgoing");
        world.app.clock.advance(TimeDelta::seconds(1));
        patient(&world.app, "bo@example.org").await;
        until("the mail to the owner", 40, async || {
            let files = crate::common::files(&mail);
            files.iter().any(|file| {
                let text = std::fs::read_to_string(mail.join(file)).unwrap_or_default();
                text.contains("it@clinic.example") && text.contains("410")
            }).then_some(())
        }).await;
        assert_eq!(world.deliveries(&id, "").await.len(), 1, "nothing is made for what is off");

        let send = format!("{HOOKS}/{id}/redeliver?since={}", begun.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        world.admin.request("POST", &send, &[], None).await.expect_problem(409, "ILLEGAL_TRANSITION");
        world.admin.request("POST", &format!("{HOOKS}/{id}/test"), &[], None).await.expect_problem(409, "ILLEGAL_TRANSITION");
        world.receiver.answer(200);
        world.admin.patch(&format!("{HOOKS}/{id}"), &json!({ "enabled": true })).await.expect(200);
        let sent = world.admin.request("POST", &send, &[], None).await;
        assert_eq!(sent.expect(200)["count"], 1);
        world.delivery(&id, "status=delivered").await;
        world.app.stop().await;
    }

    async fn what_was_asked_before_it_was_switched_on_again_does_not_switch_it_off(backend) {
        let world = World::start(backend).await;
        let id = world.make(json!({ "events": ["patient.created"] })).await.text("id");
        world.receiver.hold(410);
        patient(&world.app, "ann@example.org").await;
        until("the attempt", 20, async || (world.receiver.open() == 1).then_some(())).await;
        world.app.clock.advance(TimeDelta::seconds(1));
        for enabled in [false, true] {
            let admin = world.admin_now().await;
            admin.patch(&format!("{HOOKS}/{id}"), &json!({ "enabled": enabled })).await.expect(200);
        }
        world.receiver.answer(200);
        world.receiver.let_go();
        world.attempted(&id, 1).await;
        let hook = world.admin_now().await.get(&format!("{HOOKS}/{id}")).await;
        assert_eq!(hook.expect(200)["enabled"], true);
        world.test_event(&id).await;
        world.app.stop().await;
    }

    async fn five_days_of_failure_switch_it_off(backend) {
        let world = World::start(backend).await;
        let id = world.make(json!({ "events": ["patient.created"] })).await.text("id");
        world.receiver.answer(302);
        patient(&world.app, "ann@example.org").await;
        world.attempted(&id, 1).await;
        let hook = world.admin.get(&format!("{HOOKS}/{id}")).await;
        assert!(hook["failing_since"].is_string());
        world.app.clock.advance(TimeDelta::days(5));
        let admin = world.admin_now().await;
        patient(&world.app, "bo@example.org").await;
        until("the end", 20, async || {
            let hook = admin.get(&format!("{HOOKS}/{id}")).await;
            (hook.expect(200)["disabled_reason"] == "failing").then_some(())
        }).await;
        let told = world.app.published_of::<WebhookDisabled>().await;
        assert_eq!((told.len(), told[0].reason.as_str()), (1, "failing"));
        world.app.stop().await;
    }

    async fn a_new_secret_overlaps_with_the_old_one(backend) {
        let world = World::start(backend).await;
        let made = world.make(json!({ "events": ["patient.created"], "secret": "a plain secret of ours 24+" })).await;
        let (id, old) = (made.text("id"), made.text("secret"));
        let rotate = format!("{HOOKS}/{id}/secret/rotate");
        let turned = world.admin.post(&rotate, &json!({ "overlap_hours": 1 })).await;
        let new = turned.expect(200).text("secret");
        assert_ne!(old, new);
        world.test_event(&id).await;
        let first = world.receiver.received().remove(0);
        assert_eq!(first.header("webhook-signature"), format!("{} {}", first.signature(&new), first.signature(&old)));
        assert_eq!((&first.body["type"], &first.body["data"]["webhook_id"]), (&json!("webhook.test"), &json!(id)));
        world.app.clock.advance(TimeDelta::hours(1));
        world.test_event(&id).await;
        let second = world.receiver.received().remove(1);
        assert_eq!(second.header("webhook-signature"), second.signature(&new));
        let stored = world.stored_keys().await;
        assert!(stored.iter().all(|stored| !stored.contains("plain secret") && !new.contains(stored.as_str())));
        world.app.stop().await;
    }

    async fn it_receives_its_types_of_its_department_once(backend) {
        let world = World::start(backend).await;
        let (here, there) = (Id::new(world.app.clock.now()), Id::new(world.app.clock.now()));
        let id = world.make(json!({ "events": ["appointment.scheduled"], "department_id": here })).await.text("id");
        let ann = patient(&world.app, "ann@example.org").await;
        for department_id in [None, Some(there), Some(here)] {
            let booked = hms_model::event::AppointmentFacts { department_id, ..appointment(&world.app.clock, ann) };
            world.app.deliver(&hms_model::event::AppointmentScheduled(booked)).await;
        }
        let delivery = world.delivery(&id, "status=delivered").await;
        assert_eq!(world.receiver.received()[0].body["data"]["department_id"], json!(here));
        assert_eq!(delivery["event_type"], "appointment.scheduled");

        let mut bound = world.app.claims(&[Role::Admin]);
        bound.department_id = Some(there);
        let bound = world.app.client_with(bound);
        bound.get(&format!("{HOOKS}/{id}")).await.expect_problem(404, "NOT_FOUND");
        bound.delete(&format!("{HOOKS}/{id}")).await.expect_problem(404, "NOT_FOUND");
        let path = format!("{HOOKS}/deliveries/{}", delivery["id"].as_str().unwrap());
        bound.get(&path).await.expect_problem(404, "NOT_FOUND");
        assert!(bound.get(HOOKS).await.expect(200).results().is_empty());
        let other = json!({ "url": world.receiver.url(), "events": ["patient.created"], "department_id": here });
        bound.post(HOOKS, &other).await.expect_problem(403, "FORBIDDEN");
        let own = json!({ "url": world.receiver.url(), "events": ["patient.created"] });
        assert_eq!(bound.post(HOOKS, &own).await.expect(201)["department_id"], json!(there));
        world.app.stop().await;
    }

    async fn what_cannot_be_one_is_refused(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let url = "https://hooks.example.org/hms";
        let cases = [
            (json!({ "url": "http://example.org", "events": ["patient.created"] }), "url"),
            (json!({ "url": "https://169.254.169.254/latest", "events": ["patient.created"] }), "url"),
            (json!({ "url": url, "events": [] }), "events"),
            (json!({ "url": url, "events": ["account.invited"] }), "events"),
            (json!({ "url": url, "events": ["lab.painted"] }), "events"),
            (json!({ "url": url, "events": ["patient.created"], "secret": "short" }), "secret"),
            (json!({ "url": url, "events": ["patient.created"], "signing": "v1a", "secret": "x".repeat(32) }), "secret"),
        ];
        for (body, field) in cases {
            let refused = admin.post(HOOKS, &body).await;
            assert_eq!(refused.expect_problem(422, "UNPROCESSABLE").body["error"]["details"]["field"], field, "{body}");
        }
        let unknown = admin.post(HOOKS, &json!({ "url": url, "events": ["lab.painted"] })).await;
        assert_eq!(unknown.body["error"]["details"]["unknown"], json!(["lab.painted"]));
        assert!(unknown.body["error"]["details"]["known"].as_array().unwrap().contains(&json!("patient.created")));
        assert!(admin.get(HOOKS).await.expect(200).results().is_empty());
        let pair = admin.post(HOOKS, &json!({ "url": url, "events": ["patient.created"], "signing": "v1a" })).await;
        assert!(pair.expect(201).text("public_key").starts_with("whpk_") && pair["secret"].is_null());
        let (path, version) = (format!("{HOOKS}/{}", pair.text("id")), [("if-match", "\"7\"")]);
        let change = admin.json("PATCH", &path, &json!({ "description": "x" }), &version).await;
        change.expect_problem(412, "PRECONDITION_FAILED");
        let change = json!({ "url": "https://10.0.0.1/" });
        admin.patch(&path, &change).await.expect_problem(422, "UNPROCESSABLE");
        admin.delete(&path).await.expect(204);
        admin.get(&path).await.expect_problem(404, "NOT_FOUND");
        for role in [Role::Doctor, Role::Receptionist, Role::Patient] {
            app.client(&[role]).get(HOOKS).await.expect_problem(403, "FORBIDDEN");
        }
        app.stop().await;
    }

    async fn a_slow_webhook_does_not_delay_another(backend) {
        let world = World::start(backend).await;
        let slow = receiver::Receiver::start().await;
        slow.hang();
        let body = json!({ "url": slow.url(), "events": ["patient.created"] });
        world.admin.post(HOOKS, &body).await.expect(201);
        let id = world.make(json!({ "events": ["patient.created"] })).await.text("id");
        for number in 0..60 {
            let event = PatientCreated(facts(&world.app.clock, Some(&format!("p{number}@example.org"))));
            world.app.deliver(&event).await;
        }
        let begun = Instant::now();
        // The slow one is silent for two seconds each time: sixty of its deliveries would take eight.
        until("all of the other", 4, async || {
            (world.deliveries(&id, "status=delivered").await.len() == 60).then_some(())
        }).await;
        let rounds = usize::try_from(begun.elapsed().as_secs() / 2).unwrap() + 1;
        assert!(slow.received().len() <= 16 * rounds, "{} in {rounds} rounds", slow.received().len());
        world.app.stop().await;
    }
}
