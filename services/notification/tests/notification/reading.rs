//! Who sees which messages, and how they are looked for.

use crate::common::{App, appointment, book, facts, message, messages, patient};
use chrono::TimeDelta;
use hms_model::audit::Action;
use hms_model::event::{AppointmentCancelled, AuditDisclosed, PatientCreated};
use hms_model::id::{Id, PatientId};
use hms_model::role::Role;
use hms_testkit::on_both_back_ends;
use serde_json::{Value, json};

fn ids(found: &[Value]) -> Vec<String> {
    found.iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect()
}

on_both_back_ends! {
    async fn patients_see_only_their_own(backend) {
        let app = App::start(backend).await;
        let (ann, ben) = (patient(&app, "ann@example.org").await, patient(&app, "ben@example.org").await);
        book(&app, ann).await;
        book(&app, ben).await;
        let staff = app.client(&[Role::Nurse]);
        messages(&staff, "status=sent", 2).await;

        let (of_ann, of_ben) = (app.client_of_patient(ann), app.client_of_patient(ben));
        let own = message(&of_ann, "").await;
        assert_eq!(own["patient_id"], json!(ann));
        messages(&of_ann, &format!("patient_id={ben}"), 0).await;
        let path = format!("/api/v1/notifications/{}", own["id"].as_str().unwrap());
        assert_eq!(of_ann.get(&path).await.expect(200)["subject"], own["subject"]);
        of_ben.get(&path).await.expect_problem(404, "NOT_FOUND");
        staff.get(&path).await.expect(200);

        // An account that is nobody's patient yet has no messages.
        let unlinked = app.client(&[Role::Patient]);
        let none = unlinked.get("/api/v1/notifications").await;
        assert_eq!(none.expect(200).body, json!({"count": 0, "next": null, "previous": null, "results": []}));
        unlinked.get(&path).await.expect_problem(404, "NOT_FOUND");

        for path in ["/api/v1/notifications", &path] {
            app.anonymous().get(path).await.expect_problem(401, "UNAUTHENTICATED");
            app.client(&[Role::Device]).get(path).await.expect_problem(403, "FORBIDDEN");
        }
        app.stop().await;
    }

    async fn to_show_a_message_is_noted_before(backend) {
        let app = App::start(backend).await;
        let (ann, ben) = (patient(&app, "ann@example.org").await, patient(&app, "ben@example.org").await);
        book(&app, ann).await;
        book(&app, ben).await;
        let nurse = app.client(&[Role::Nurse]);
        let sent = messages(&nurse, "status=sent", 2).await;
        let before = app.published_of::<AuditDisclosed>().await.len();
        nurse.get(&format!("/api/v1/notifications/{}", sent[0]["id"].as_str().unwrap())).await.expect(200);
        nurse.get("/api/v1/notifications").await.expect(200);
        nurse.get("/api/v1/notifications?status=failed").await.expect(200);

        let looks = app.published_of::<AuditDisclosed>().await.split_off(before);
        let looks: Vec<_> = looks.into_iter().flat_map(|looks| looks.entries).collect();
        let told: Vec<_> = looks.iter().map(|look| (look.resource_id.clone(), look.patient_ids.clone())).collect();
        let first = sent[0]["id"].as_str().map(str::to_owned);
        assert_eq!(told, [(first, vec![ben]), (None, vec![ann, ben])], "an empty page shows nobody");
        let account = app.account_id(&nurse).await;
        for look in looks {
            assert_eq!((look.resource.as_str(), look.action), ("notification", Action::Read));
            assert_eq!(look.actor.account_id, Some(account));
        }
        app.stop().await;
    }

    async fn each_filter_finds_its_own(backend) {
        let app = App::start(backend).await;
        let clerk = app.client(&[Role::Receptionist]);
        let ann = patient(&app, "ann@example.org").await;
        let silent = facts(&app.clock, None);
        app.deliver(&PatientCreated(silent.clone())).await;
        book(&app, ann).await;
        app.clock.advance(TimeDelta::minutes(1));
        app.deliver(&AppointmentCancelled(appointment(&app.clock, ann))).await;
        app.clock.advance(TimeDelta::minutes(1));
        book(&app, silent.patient_id).await;
        messages(&clerk, "status=sent", 2).await;
        let [third, second, first] = &ids(&messages(&clerk, "", 3).await)[..] else { panic!("three messages") };

        let cases: Vec<(String, Vec<&String>)> = vec![
            ("status=skipped".into(), vec![third]),
            ("status__in=sent,failed".into(), vec![second, first]),
            ("channel=email".into(), vec![third, second, first]),
            ("kind=appointment.cancelled".into(), vec![second]),
            (format!("patient_id={ann}"), vec![second, first]),
            (format!("patient_id={ann}&kind=appointment.confirmation"), vec![first]),
            ("created_at__gt=2026-03-02T08:00:00Z".into(), vec![third, second]),
            ("created_at__gte=2026-03-02T08:01:00Z&created_at__lt=2026-03-02T08:02:00Z".into(), vec![second]),
            ("created_at=2026-03-02T08:00:00Z".into(), vec![first]),
            ("ordering=created_at".into(), vec![first, second, third]),
            ("ordering=-created_at".into(), vec![third, second, first]),
        ];
        for (query, expected) in cases {
            let found = clerk.get(&format!("/api/v1/notifications?{query}")).await;
            assert_eq!(ids(found.expect(200).results()).iter().collect::<Vec<_>>(), expected, "{query}");
            assert_eq!(found["count"], json!(expected.len()), "{query}");
        }
        app.stop().await;
    }

    async fn pages_and_cursors_lead_through_all_messages(backend) {
        let app = App::start(backend).await;
        let clerk = app.client(&[Role::Receptionist]);
        let ann = patient(&app, "ann@example.org").await;
        for _ in 0..5 {
            book(&app, ann).await;
        }
        let all = ids(&messages(&clerk, "status=sent", 5).await);
        for start in ["/api/v1/notifications?page_size=2", "/api/v1/notifications?page_size=2&cursor="] {
            let (mut next, mut seen) = (Some(start.to_owned()), Vec::new());
            while let Some(path) = next {
                let answer = clerk.get(&path).await;
                seen.extend(ids(answer.expect(200).results()));
                next = answer["next"].as_str().map(str::to_owned);
            }
            assert_eq!(seen, all, "{start}");
        }
        app.stop().await;
    }

    async fn what_cannot_be_asked_is_refused(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let unknown: PatientId = Id::new(app.clock.now());
        let cases = [
            ("notifications?color=red".to_owned(), 400, "UNKNOWN_FILTER"),
            ("notifications?recipient=ann@example.org".into(), 400, "UNKNOWN_FILTER"),
            ("notifications?status=lost".into(), 400, "INVALID_REQUEST"),
            ("notifications?channel=pigeon".into(), 400, "INVALID_REQUEST"),
            ("notifications?kind=x".into(), 400, "INVALID_REQUEST"),
            ("notifications?patient_id=1".into(), 400, "INVALID_REQUEST"),
            ("notifications?created_at__gte=yesterday".into(), 400, "INVALID_REQUEST"),
            ("notifications?page=0".into(), 400, "INVALID_REQUEST"),
            ("notifications?page_size=0".into(), 400, "INVALID_REQUEST"),
            ("notifications?ordering=subject".into(), 400, "INVALID_REQUEST"),
            ("notifications/x".into(), 400, "INVALID_REQUEST"),
            (format!("notifications/{unknown}"), 404, "NOT_FOUND"),
        ];
        for (path, status, code) in cases {
            admin.get(&format!("/api/v1/{path}")).await.expect_problem(status, code);
        }
        admin.delete(&format!("/api/v1/notifications/{unknown}")).await.expect_problem(405, "METHOD_NOT_ALLOWED");
        app.stop().await;
    }
}
