//! Events that come together have the effect that each would have had alone.

use chrono::{DateTime, TimeDelta};
use diesel::RunQueryDsl as _;
use diesel::sql_types::Text;
use hms_db::Db;
use hms_model::event::{
    AccountInvited, AccountMailFacts, AppointmentRescheduled, AppointmentScheduled, Envelope, Event,
    PatientCreated, PatientFacts, PatientUpdated,
};
use hms_model::id::{Id, PatientId};
use hms_model::role::Role;
use hms_model::{Clock, OneTimeToken, Secret};
use hms_testkit::{Backend, on_both_back_ends, until};
use serde_json::json;

use crate::causes::{invoice, offer};
use crate::common::{App, appointment, facts, lasting, wants};
use crate::reminders::history;

const SETTINGS: [(&str, &str); 4] = [
    ("HMS_REMINDERS", "24h,2h"),
    ("HMS_NOTIFY_BY", "email,sms,in_app"),
    ("HMS_WEBHOOK_ALLOW_HTTP", "true"),
    ("HMS_WEBHOOK_ALLOW_PRIVATE", "127.0.0.0/8"),
];

/// What is left in the database, line by line; without what is made by chance.
const LEFT: &str = "\
    SELECT 'message ' || event_id || kind || channel || status || patient_id || subject || coalesce(recipient, '-') \
      || coalesce(body, '-') || coalesce(error, '-') || lane || due_at AS line FROM messages \
    UNION ALL SELECT 'mail ' || event_id || kind || status || subject FROM account_mails \
    UNION ALL SELECT 'reminder ' || appointment_id || lead || due_at || event_id FROM reminders \
    UNION ALL SELECT 'appointment ' || id || version || start_at FROM appointments \
    UNION ALL SELECT 'patient ' || id || version || coalesce(email, '-') || coalesce(language, '-') FROM patients \
    UNION ALL SELECT 'delivery ' || event_id || event_type || payload || coalesce(CAST(patient_id AS TEXT), '-') \
      FROM webhook_deliveries \
    UNION ALL SELECT 'inbox ' || event_id FROM inbox \
    UNION ALL SELECT 'waits ' || kind FROM outbox WHERE kind = 'message.sent' ORDER BY line";

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// What is to be sent yet: all but what waits for word of its patient.
const TO_BE_SENT: &str = "\
    SELECT CAST(id AS TEXT) AS line FROM messages WHERE status = 'pending' \
      AND (recipient IS NOT NULL OR patient_id IN (SELECT id FROM patients)) \
    UNION ALL SELECT CAST(id AS TEXT) AS line FROM account_mails WHERE status = 'pending'";

/// What is left, once all has been sent that can be.
async fn left(app: &App) -> Vec<String> {
    until("all to be sent", 30, async || lines(app, TO_BE_SENT).await.is_empty().then_some(())).await;
    lines(app, LEFT).await
}

async fn lines(app: &App, query: &'static str) -> Vec<String> {
    let read = move |db: &mut Db| Ok::<Vec<Line>, hms_db::Error>(diesel::sql_query(query).load(db)?);
    app.database.read(read).await.unwrap().into_iter().map(|line| line.line).collect()
}

fn wrap<E: Event>(clock: &Clock, event: &E) -> Envelope {
    Envelope::of(E::PRODUCER, event, Id::new(clock.now()), clock.now()).unwrap()
}

/// What is told of patients: some versions of each, in any order. Who is waited for has one address in all of them: what
/// waits leaves at the first word of its patient, so by which address would be a matter of which word comes first.
fn of_patients(
    clock: &Clock,
    random: &mut fastrand::Rng,
    all: &[PatientFacts],
    are_waited_for: bool,
) -> Vec<Envelope> {
    let mut told = Vec::new();
    for facts in all {
        let has_mail = random.bool();
        for version in 1..=random.i64(1..4) {
            let (has_mail, number) = if are_waited_for { (has_mail, 1) } else { (random.bool(), version) };
            let email = has_mail.then(|| format!("ann{number}@example.org"));
            let facts = PatientFacts { version, email, ..facts.clone() };
            told.push(match version {
                1 => wrap(clock, &PatientCreated(facts)),
                _ => wrap(clock, &PatientUpdated(facts)),
            });
        }
    }
    random.shuffle(&mut told);
    told
}

/// What is told of all else: appointments with some events each, offers, invoices, accounts; one that cannot be read.
fn of_others(clock: &Clock, random: &mut fastrand::Rng, patients: &[PatientFacts]) -> Vec<Envelope> {
    let now = clock.now();
    let mut told = Vec::new();
    for PatientFacts { patient_id, .. } in patients {
        for _ in 0..2 {
            let happened = history(random, appointment(clock, *patient_id));
            told.extend(happened.iter().map(|one| one.envelope(now)));
        }
        told.push(wrap(clock, &offer(clock, *patient_id, 30)));
        for kind in ["invoice", "credit_note"] {
            told.push(wrap(clock, &invoice(clock, *patient_id, kind)));
        }
        told.push(wrap(
            clock,
            &AccountInvited(AccountMailFacts {
                account_id: Id::new(now),
                version: 1,
                email: "ann@example.org".into(),
                token: OneTimeToken::new(Secret::new("s3cret")),
                expires_at: now + TimeDelta::hours(1),
                language: None,
            }),
        ));
    }
    let mut wrong = wrap(clock, &offer(clock, patients[0].patient_id, 30));
    wrong.data["start"] = json!("tomorrow");
    told.push(wrong);
    // Some come twice.
    let again: Vec<_> = told.iter().filter(|_| random.u32(..5) == 0).cloned().collect();
    told.extend(again);
    random.shuffle(&mut told);
    // And some in their order, of one type.
    told.extend(patients.iter().flat_map(|facts| moves(clock, facts.patient_id)));
    told
}

/// An appointment that is moved three times.
fn moves(clock: &Clock, patient_id: PatientId) -> Vec<Envelope> {
    let mut visit = appointment(clock, patient_id);
    let mut told = vec![wrap(clock, &AppointmentScheduled(visit.clone()))];
    for hours in [30, 20, 10] {
        visit.version += 1;
        (visit.start, visit.end) =
            (visit.start + TimeDelta::hours(hours), visit.end + TimeDelta::hours(hours));
        told.push(wrap(clock, &AppointmentRescheduled(visit.clone())));
    }
    told
}

/// A service with a webhook that wants everything, where some of the patients have said what they want.
async fn start(backend: Backend, patients: &[PatientFacts]) -> App {
    let app = App::start_with(backend, &SETTINGS).await;
    let admin = lasting(&app, Role::Admin, None);
    let hook = json!({ "url": "http://127.0.0.1:1/", "events": hms_model::event::PUBLIC });
    admin.post("/api/v1/webhooks", &hook).await.expect(201);
    let words = json!({ "subject": "Ihr Termin: {{start}}", "body": "Bis dann, {{patient_name}}." });
    let path = "/api/v1/notification-templates/appointment.confirmation/email/de";
    admin.put(path, &words).await.expect(200);
    for (patient, channels) in
        patients.iter().zip([json!({ "appointment": ["sms"] }), json!({ "billing": [] })])
    {
        let of = patient.patient_id;
        wants(&lasting(&app, Role::Patient, Some(of)), of, json!({ "channels": channels })).await;
    }
    app
}

/// Hands events over as a bus does: some together, and each alone if that fails.
async fn hand_over(app: &App, random: &mut fastrand::Rng, mut events: Vec<Envelope>) {
    while !events.is_empty() {
        let batch: Vec<_> = events.drain(..random.usize(1..=events.len().min(12))).collect();
        if app.deliver_batch(batch.clone()).await.is_err() {
            for event in batch {
                let _refused = app.deliver_envelope(event).await;
            }
        }
    }
}

on_both_back_ends! {
    async fn what_comes_together_has_the_effect_that_each_would_have_had_alone(backend) {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let clock = Clock::by_hand(DateTime::from_timestamp(1_772_438_400, 0).unwrap());
        let patients: Vec<PatientFacts> = (0..6).map(|number| PatientFacts {
            account_id: (number % 2 == 0).then(|| Id::new(clock.now())),
            phone: (number % 3 > 0).then(|| "+4930123456".to_owned()),
            language: (number % 3 == 0).then(|| "de".to_owned()),
            active: number != 5,
            ..facts(&clock, None)
        }).collect();
        let (alone, together) = (start(backend, &patients).await, start(backend, &patients).await);
        assert_eq!(alone.clock.now(), clock.now());
        // The last two are heard of only after what happens to them.
        let (known, late) = patients.split_at(4);
        let phases = [
            of_patients(&clock, &mut random, known, false),
            of_others(&clock, &mut random, &patients),
            of_patients(&clock, &mut random, late, true),
        ];
        for events in phases {
            for event in events.clone() {
                let _refused = alone.deliver_envelope(event).await;
                left(&alone).await;
            }
            hand_over(&together, &mut random, events).await;
            let (expected, found) = (left(&alone).await, left(&together).await);
            assert!(expected.len() > 6);
            let beside = |all: &[String], others: &[String]| -> Vec<String> {
                all.iter().filter(|line| !others.contains(line)).cloned().collect()
            };
            assert_eq!(beside(&found, &expected), beside(&expected, &found), "alone there is what is on the right");
            assert_eq!(found.len(), expected.len());
        }
        alone.stop().await;
        together.stop().await;
    }
}
