//! The audit as those who ask it see it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

use chrono::TimeDelta;
use hms_audit::Service;
use hms_model::audit::{Action, Actor, AuditEntry, Outcome};
use hms_model::event::{AuditRecorded, Envelope, Event};
use hms_model::id::{AccountId, Id, PatientId};
use hms_model::role::Role;
use hms_testkit::{Answer, Client, TestService, on_both_back_ends};
use serde_json::{Value, json};

type App = TestService<Service>;

/// An entry of this moment; the clock goes on by a second.
fn entry(app: &App, action: Action, resource: &str, patients: &[PatientId]) -> AuditEntry {
    app.clock.advance(TimeDelta::seconds(1));
    let now = app.clock.now();
    AuditEntry {
        id: Id::new(now),
        at: now,
        service: "user".into(),
        actor: Actor { account_id: Some(Id::new(now)), roles: vec![Role::Nurse] },
        action,
        resource: resource.into(),
        resource_id: Some(Id::<()>::new(now).to_string()),
        patient_ids: patients.to_vec(),
        outcome: Outcome::Success,
        detail: None,
        request_id: Some("req-1".into()),
        source_ip: Some("192.0.2.7".into()),
    }
}

async fn record(app: &App, entry: &AuditEntry) {
    app.deliver(&AuditRecorded(entry.clone())).await;
}

fn patient(app: &App) -> PatientId {
    Id::new(app.clock.now())
}

fn ids(answer: &Answer) -> Vec<String> {
    answer.expect(200).results().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

async fn found(client: &Client, query: &str) -> Vec<String> {
    ids(&client.get(&format!("/api/v1/audit?{query}")).await)
}

fn names(entries: &[&AuditEntry]) -> Vec<String> {
    entries.iter().map(|entry| entry.id.to_string()).collect()
}

on_both_back_ends! {
    async fn an_act_that_was_reported_is_read_back_whole(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let (ann, ben) = (patient(&app), patient(&app));
        let mut act = entry(&app, Action::Read, "patient", &[ann, ben]);
        act.detail = Some("list".into());
        record(&app, &act).await;

        let answer = admin.get(&format!("/api/v1/audit/{}", act.id)).await;
        assert_eq!(answer.expect(200).body, json!({
            "id": act.id, "at": "2026-03-02T08:00:01Z", "service": "user",
            "actor": {"account_id": act.actor.account_id, "roles": ["nurse"]},
            "action": "read", "resource": "patient", "resource_id": act.resource_id,
            "patient_ids": [ann, ben], "outcome": "success", "detail": "list",
            "request_id": "req-1", "source_ip": "192.0.2.7",
        }));
        let list = admin.get("/api/v1/audit").await;
        assert_eq!((list["count"].clone(), &list.results()[0]), (json!(1), &answer.body));
        app.stop().await;
    }

    async fn who_looked_at_this_patient_is_one_call(backend) {
        let app = App::start(backend).await;
        let clerk = app.client(&[Role::Staff]);
        let (ann, ben) = (patient(&app), patient(&app));
        let looked = entry(&app, Action::Read, "patient", &[ann]);
        let listed = entry(&app, Action::Read, "appointment", &[ben, ann]);
        let changed = entry(&app, Action::Update, "patient", &[ann]);
        let other = entry(&app, Action::Read, "patient", &[ben]);
        for act in [&looked, &listed, &changed, &other] {
            record(&app, act).await;
        }

        let answer = clerk.get(&format!("/api/v1/audit?patient_id={ann}&action=read")).await;
        assert_eq!(ids(&answer), names(&[&listed, &looked]), "latest first");
        let latest = &answer.results()[0];
        assert_eq!(latest["actor"]["account_id"], json!(listed.actor.account_id));
        assert_eq!((&latest["at"], &latest["source_ip"]), (&json!("2026-03-02T08:00:02Z"), &json!("192.0.2.7")));
        app.stop().await;
    }

    async fn each_filter_finds_its_own(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let (ann, ben) = (patient(&app), patient(&app));
        let first = entry(&app, Action::Create, "patient", &[ann]);
        let mut second = entry(&app, Action::Execute, "session", &[]);
        second.service = "auth".into();
        second.outcome = Outcome::Refused;
        second.actor.account_id = None;
        let third = entry(&app, Action::Delete, "appointment", &[ann, ben]);
        for act in [&first, &second, &third] {
            record(&app, act).await;
        }

        let actor: AccountId = first.actor.account_id.unwrap();
        let resource_id = third.resource_id.clone().unwrap();
        let cases: Vec<(String, Vec<&AuditEntry>)> = vec![
            (format!("patient_id={ann}"), vec![&third, &first]),
            (format!("patient_id__in={ann},{ben}"), vec![&third, &first]),
            (format!("patient_id={ann}&patient_id__in={ben}"), vec![&third]),
            (format!("actor_id={actor}"), vec![&first]),
            ("action=execute".into(), vec![&second]),
            ("action__in=create,delete".into(), vec![&third, &first]),
            ("resource=appointment".into(), vec![&third]),
            (format!("resource=appointment&resource_id={resource_id}"), vec![&third]),
            ("service=auth".into(), vec![&second]),
            ("outcome=refused".into(), vec![&second]),
            ("at=2026-03-02T08:00:02Z".into(), vec![&second]),
            ("at__gte=2026-03-02T08:00:02Z".into(), vec![&third, &second]),
            ("at__gt=2026-03-02T08:00:01Z&at__lt=2026-03-02T08:00:03Z".into(), vec![&second]),
            ("at__lte=2026-03-02T09:00:01%2B01:00&ordering=at".into(), vec![&first]),
            ("ordering=at".into(), vec![&first, &second, &third]),
            ("action=update".into(), vec![]),
        ];
        for (query, expected) in cases {
            assert_eq!(found(&admin, &query).await, names(&expected), "{query}");
        }
        app.stop().await;
    }

    async fn pages_and_cursors_lead_through_all_entries(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let mut acts = Vec::new();
        for _ in 0..5 {
            let act = entry(&app, Action::Read, "patient", &[patient(&app)]);
            record(&app, &act).await;
            acts.insert(0, act);
        }
        let newest_first = names(&acts.iter().collect::<Vec<_>>());
        for start in ["/api/v1/audit?page_size=2", "/api/v1/audit?page_size=2&cursor="] {
            let (mut next, mut seen) = (Some(start.to_owned()), Vec::new());
            while let Some(path) = next {
                let answer = admin.get(&path).await;
                seen.extend(ids(&answer));
                let counted = if path.contains("cursor") { Value::Null } else { json!(5) };
                assert_eq!(answer["count"], counted, "{path}");
                next = answer["next"].as_str().map(str::to_owned);
            }
            assert_eq!(seen, newest_first, "{start}");
        }
        app.stop().await;
    }

    async fn an_act_is_kept_once_however_often_it_is_told(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let ann = patient(&app);
        let act = AuditRecorded(entry(&app, Action::Read, "patient", &[ann, ann]));
        let told = Envelope::of("user", &act, Id::new(app.clock.now()), app.clock.now()).unwrap();
        app.deliver_envelope(told.clone()).await.unwrap();
        app.deliver_envelope(told).await.unwrap();
        // After the inbox has forgotten the first delivery, or sent again under another id.
        app.deliver(&act).await;
        assert_eq!(found(&admin, &format!("patient_id={ann}")).await.len(), 1);
        app.stop().await;
    }

    async fn an_act_upon_thousands_of_patients_is_kept(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let patients: Vec<PatientId> = (0..2_500).map(|_| patient(&app)).collect();
        let act = entry(&app, Action::Read, "patient", &patients);
        record(&app, &act).await;
        assert_eq!(found(&admin, &format!("patient_id={}", patients[2_499])).await, names(&[&act]));
        app.stop().await;
    }

    async fn a_look_at_the_audit_is_an_act_too(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let (ann, ben) = (patient(&app), patient(&app));
        let act = entry(&app, Action::Read, "patient", &[ann, ben]);
        record(&app, &act).await;

        admin.get(&format!("/api/v1/audit?patient_id={ann}")).await.expect(200);
        admin.get(&format!("/api/v1/audit/{}", act.id)).await.expect(200);
        let looks = app.audited().await;
        let account = app.account_id(&admin).await;
        for look in &looks {
            assert_eq!((look.service.as_str(), look.resource.as_str(), look.action), ("audit", "audit", Action::Read));
            assert_eq!((look.actor.account_id, look.patient_ids.as_slice()), (Some(account), [ann, ben].as_slice()));
        }
        let of: Vec<_> = looks.iter().map(|look| look.resource_id.clone()).collect();
        assert_eq!(of, [None, Some(act.id.to_string())]);

        // The first of these looks is itself an entry now, and is not made longer by being shown.
        record(&app, &looks[0]).await;
        admin.get("/api/v1/audit?resource=audit").await.expect(200);
        assert_eq!(app.audited().await.len(), 2, "nobody's record was asked for");
        admin.get(&format!("/api/v1/audit?resource=audit&patient_id={ben}")).await.expect(200);
        let last = app.audited().await.pop().unwrap();
        assert_eq!(last.patient_ids, [ben]);
        app.stop().await;
    }

    async fn what_cannot_be_asked_is_refused(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let unknown = patient(&app);
        let cases = [
            ("audit?color=red".to_owned(), 400, "UNKNOWN_FILTER"),
            ("audit?search=x".into(), 400, "UNKNOWN_FILTER"),
            ("audit?action__gt=read".into(), 400, "UNKNOWN_FILTER"),
            ("audit?action=looked".into(), 400, "INVALID_REQUEST"),
            ("audit?patient_id=ann".into(), 400, "INVALID_REQUEST"),
            ("audit?at=2026-03-02".into(), 400, "INVALID_REQUEST"),
            ("audit?at__gte=2026-02-30T00:00:00Z".into(), 400, "INVALID_REQUEST"),
            ("audit?at__gte=2026-03-02T08:00:00".into(), 400, "INVALID_REQUEST"),
            ("audit?page=0".into(), 400, "INVALID_REQUEST"),
            ("audit?page_size=101".into(), 400, "INVALID_REQUEST"),
            ("audit?ordering=service".into(), 400, "INVALID_REQUEST"),
            ("audit?cursor=zzz".into(), 400, "INVALID_REQUEST"),
            ("audit/ann".into(), 400, "INVALID_REQUEST"),
            (format!("audit/{unknown}"), 404, "NOT_FOUND"),
        ];
        for (path, status, code) in cases {
            admin.get(&format!("/api/v1/{path}")).await.expect_problem(status, code);
        }
        admin.delete(&format!("/api/v1/audit/{unknown}")).await.expect_problem(405, "METHOD_NOT_ALLOWED");
        app.stop().await;
    }

    async fn only_those_may_ask_whose_role_allows_it(backend) {
        let app = App::start(backend).await;
        let act = entry(&app, Action::Read, "patient", &[patient(&app)]);
        record(&app, &act).await;
        for path in ["/api/v1/audit".to_owned(), format!("/api/v1/audit/{}", act.id)] {
            app.anonymous().get(&path).await.expect_problem(401, "UNAUTHENTICATED");
            app.client_of_patient(act.patient_ids[0]).get(&path).await.expect_problem(403, "FORBIDDEN");
            for role in [Role::Patient, Role::Service, Role::Device] {
                app.client(&[role]).get(&path).await.expect_problem(403, "FORBIDDEN");
            }
            for role in [Role::Admin, Role::Receptionist, Role::Staff] {
                app.client(&[role]).get(&path).await.expect(200);
            }
        }
        app.stop().await;
    }

    async fn an_event_of_the_future_waits_and_stops_nothing(backend) {
        let app = App::start(backend).await;
        let act = AuditRecorded(entry(&app, Action::Read, "patient", &[]));
        let mut newer = Envelope::of("user", &act, Id::new(app.clock.now()), app.clock.now()).unwrap();
        newer.dataversion = AuditRecorded::VERSION + 1;
        let mut wrong = newer.clone();
        wrong.dataversion = AuditRecorded::VERSION;
        wrong.data = json!({"id": "x"});
        for refused in [newer, wrong] {
            let error = app.deliver_envelope(refused).await.unwrap_err();
            assert!(matches!(error, hms_bus::ConsumeError::Reject(_)), "{error}");
        }
        app.deliver(&act).await;
        assert_eq!(found(&app.client(&[Role::Admin]), "").await, names(&[&act.0]));
        app.stop().await;
    }
}
