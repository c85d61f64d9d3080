//! The dead letters of a service, as an admin meets them.

use chrono::TimeDelta;
use diesel::RunQueryDsl;
use diesel::sql_types::BigInt;
use hms_bus::dead_letters::{self, DeadLetter, Death, Label};
use hms_db::Db;
use hms_model::Coded;
use hms_model::audit::{Action, Actor, AuditEntry, Outcome};
use hms_model::event::{AuditRecorded, Envelope};
use hms_model::id::{EventId, Id, PatientId};
use hms_model::role::Role;
use hms_testkit::TestService;
use serde_json::{Value, json};

use crate::common::{Scribe, refuse};

const LETTERS: &str = "/api/v1/services/audit/dead-letters";

type App = TestService<Scribe>;

fn path(id: EventId) -> String {
    format!("{LETTERS}/{id}")
}

/// An event about a patient.
fn event(app: &App, patient: PatientId) -> Envelope {
    let now = app.clock.now();
    let entry = AuditEntry {
        id: Id::new(now),
        at: now,
        service: "user".into(),
        actor: Actor { account_id: None, roles: vec![] },
        action: Action::Read,
        resource: "patient".into(),
        resource_id: None,
        patient_ids: vec![patient],
        outcome: Outcome::Success,
        detail: None,
        request_id: None,
        source_ip: None,
    };
    Envelope::of("user", &AuditRecorded(entry), Id::new(now), now).unwrap()
}

/// A letter of the service with this body; each dies a minute after the one before.
async fn bury(app: &App, body: Vec<u8>, reason: &'static str) -> EventId {
    app.clock.advance(TimeDelta::minutes(1));
    let now = app.clock.now();
    let label = Label { event_id: Id::new(now), kind: String::new(), subject: String::new() };
    let letter = DeadLetter::new(body, label, Death { reason: reason.into(), attempts: 5, at: now });
    let id = letter.heading.event_id;
    app.database.write(move |db| dead_letters::put(db, letter)).await.unwrap();
    id
}

async fn bury_event(app: &App, event: &Envelope) -> EventId {
    bury(app, serde_json::to_vec(event).unwrap(), "the shelf is full").await
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn effects(app: &App) -> i64 {
    let count = |db: &mut Db| {
        let query = diesel::sql_query("SELECT count(*) AS count FROM effects");
        Ok::<_, hms_db::Error>(query.get_result::<Count>(db)?.count)
    };
    app.database.read(count).await.unwrap()
}

/// What the audit was told of letters: action, id, patients, outcome.
async fn trail(app: &App) -> Vec<(Action, Option<String>, Vec<PatientId>, Outcome)> {
    let entries = app.audited().await.into_iter();
    entries
        .inspect(|entry| assert_eq!(entry.resource, "dead_letter"))
        .map(|entry| (entry.action, entry.resource_id, entry.patient_ids, entry.outcome))
        .collect()
}

fn ids(page: &[Value]) -> Vec<EventId> {
    page.iter().map(|letter| letter["event_id"].as_str().unwrap().parse().unwrap()).collect()
}

hms_testkit::on_both_back_ends! {
    async fn letters_are_listed_and_shown_and_the_audit_knows(backend) {
        let app = App::start(backend).await;
        let (admin, ann) = (app.client(&[Role::Admin]), Id::new(app.clock.now()));
        let event = event(&app, ann);
        let known = bury_event(&app, &event).await;
        let garbage = bury(&app, b"\x00\xff".to_vec(), "the envelope cannot be read").await;

        let list = admin.get(LETTERS).await.expect(200).clone();
        assert_eq!(list["count"], 2);
        assert_eq!(ids(list.results()), [garbage, known], "the newest first");
        let by_age = admin.get(&format!("{LETTERS}?ordering=died_at&page_size=1")).await;
        assert_eq!(ids(by_age.results()), [known]);
        assert_eq!(by_age.text("next"), format!("{LETTERS}?ordering=died_at&page_size=1&page=2"));
        let of_kind = admin.get(&format!("{LETTERS}?kind=audit.recorded&subject={}", event.subject)).await;
        let expected = json!({
            "event_id": known, "kind": "audit.recorded", "subject": event.subject,
            "reason": "the shelf is full", "attempts": 5, "died_at": "2026-03-02T08:01:00Z",
        });
        assert_eq!(of_kind.results(), [expected]);
        admin.get(&format!("{LETTERS}?reason=x")).await.expect_problem(400, "UNKNOWN_FILTER");

        let shown = admin.get(&path(known)).await.expect(200).clone();
        assert_eq!((shown.text("kind"), shown.text("encoding")), ("audit.recorded".into(), "text".into()));
        assert_eq!(serde_json::from_str::<Envelope>(&shown.text("body")).unwrap(), event);
        let shown = admin.get(&path(garbage)).await.expect(200).clone();
        assert_eq!((shown.text("body"), shown.text("encoding")), ("AP8=".into(), "base64".into()));

        let done = |id: Option<EventId>, patients: &[PatientId]| {
            (Action::Read, id.map(|id| id.to_string()), patients.to_vec(), Outcome::Success)
        };
        let expected = [
            done(None, &[ann]), done(None, &[ann]), done(None, &[ann]), done(Some(known), &[ann]), done(Some(garbage), &[]),
        ];
        assert_eq!(trail(&app).await, expected);
    }

    async fn a_letter_is_sent_again_until_it_is_taken_and_then_once(backend) {
        let app = App::start(backend).await;
        let (admin, ann) = (app.client(&[Role::Admin]), Id::new(app.clock.now()));
        let id = bury_event(&app, &event(&app, ann)).await;
        let again = format!("{}/redrive", path(id));

        refuse(&app, Some("still full")).await;
        let refused = admin.post(&again, &json!({})).await;
        refused.expect_problem(409, "EVENT_NOT_TAKEN");
        assert_eq!(refused["error"]["details"]["reason"], "still full");
        let letter = admin.get(&path(id)).await;
        assert_eq!((letter.text("reason"), &letter["attempts"]), ("still full".into(), &json!(6)));
        assert_eq!(effects(&app).await, 0, "what was refused left nothing behind");

        refuse(&app, None).await;
        let key = [("Idempotency-Key", "redrive-1")];
        let first = admin.post_with(&again, &json!({}), &key).await;
        assert_eq!((first.status, first.header("idempotent-replayed")), (204, ""));
        let second = admin.post_with(&again, &json!({}), &key).await;
        assert_eq!((second.status, second.header("idempotent-replayed")), (204, "true"));
        admin.post(&again, &json!({})).await.expect_problem(404, "NOT_FOUND");
        admin.get(&path(id)).await.expect_problem(404, "NOT_FOUND");
        assert_eq!(effects(&app).await, 1);

        let id = Some(id.to_string());
        let expected = [
            (Action::Execute, id.clone(), vec![ann], Outcome::Refused),
            (Action::Read, id.clone(), vec![ann], Outcome::Success),
            (Action::Execute, id, vec![ann], Outcome::Success),
        ];
        assert_eq!(trail(&app).await, expected);
    }

    async fn of_many_who_send_a_letter_again_at_once_one_succeeds(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let id = bury_event(&app, &event(&app, Id::new(app.clock.now()))).await;
        let again = format!("{}/redrive", path(id));
        let sent = (0..8).map(|_| admin.request("POST", &again, &[], None));
        let mut statuses: Vec<_> = futures_util::future::join_all(sent).await.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 404, 404, 404, 404, 404, 404, 404]);
        assert_eq!(effects(&app).await, 1);
    }

    async fn a_letter_is_dropped_for_good(backend) {
        let app = App::start(backend).await;
        let (admin, ann) = (app.client(&[Role::Admin]), Id::new(app.clock.now()));
        let id = bury_event(&app, &event(&app, ann)).await;
        admin.delete(&path(id)).await.expect(204);
        admin.delete(&path(id)).await.expect_problem(404, "NOT_FOUND");
        assert_eq!(admin.get(LETTERS).await["count"], 0);
        assert_eq!(effects(&app).await, 0);
        let (action, resource_id, patients, _) = trail(&app).await.remove(0);
        assert_eq!((action, resource_id, patients), (Action::Delete, Some(id.to_string()), vec![ann]));
    }

    async fn letters_are_for_admins_alone(backend) {
        let app = App::start(backend).await;
        let id = bury_event(&app, &event(&app, Id::new(app.clock.now()))).await;
        let routes = [
            ("GET", LETTERS.to_owned()),
            ("GET", path(id)),
            ("POST", format!("{}/redrive", path(id))),
            ("DELETE", path(id)),
        ];
        for (method, route) in &routes {
            app.anonymous().request(method, route, &[], None).await.expect_problem(401, "UNAUTHENTICATED");
            for role in Role::ALL.iter().filter(|role| **role != Role::Admin) {
                app.client(&[*role]).request(method, route, &[], None).await.expect_problem(403, "FORBIDDEN");
            }
        }
        assert!(trail(&app).await.is_empty());
        let admin = app.client(&[Role::Admin]);
        admin.get(&path(id)).await.expect(200);
        admin.get(&format!("{LETTERS}/7")).await.expect_problem(400, "INVALID_REQUEST");
        admin.put(&path(id), &json!({})).await.expect_problem(405, "METHOD_NOT_ALLOWED");
        let elsewhere = LETTERS.replace("audit", "user");
        admin.get(&elsewhere).await.expect_problem(404, "ROUTE_NOT_FOUND");
    }
}
