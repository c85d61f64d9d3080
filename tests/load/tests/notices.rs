#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]
//! What notifications ask of the database, counted: as much of many events as of one.

mod journal;

use chrono::TimeDelta;
use hms_model::event::{
    AppointmentFacts, AppointmentRescheduled, AppointmentScheduled, CareFacts, CareTeamChanged, Envelope,
    Event, PatientCreated, PatientFacts,
};
use hms_model::id::{Id, PatientId};
use hms_model::role::Role;
use hms_testkit::database::wanted;
use hms_testkit::{Backend, TestService, until};
use journal::{Journal, in_short};
use serde_json::json;

type App = TestService<hms_notification::Service>;

fn wrap<E: Event>(app: &App, event: &E) -> Envelope {
    Envelope::of(E::PRODUCER, event, Id::new(app.clock.now()), app.clock.now()).unwrap()
}

/// Patients with an account and an address, whom the service has heard of.
async fn patients(app: &App, count: usize) -> Vec<PatientId> {
    let ids: Vec<PatientId> = (0..count).map(|_| Id::new(app.clock.now())).collect();
    let facts = |id: &PatientId| PatientFacts {
        patient_id: *id,
        version: 1,
        account_id: Some(Id::new(app.clock.now())),
        name: "Ann Lee".into(),
        email: Some(format!("{id}@example.org")),
        phone: Some("+4930123456".into()),
        language: None,
        active: true,
    };
    let events = ids.iter().map(|id| wrap(app, &PatientCreated(facts(id)))).collect();
    app.deliver_batch(events).await.unwrap();
    ids
}

/// A booking of the day after tomorrow.
fn visit(app: &App, patient_id: PatientId) -> AppointmentFacts {
    let start = app.clock.now() + TimeDelta::hours(50);
    AppointmentFacts {
        appointment_id: Id::new(app.clock.now()),
        version: 1,
        patient_id,
        practitioner_id: Id::new(app.clock.now()),
        practitioner_name: "Dr. Mia Chen".into(),
        department_id: Some(Id::new(app.clock.now())),
        start,
        end: start + TimeDelta::minutes(30),
        status: "booked".into(),
        reason: None,
        recorded: false,
        appointment_type_id: None,
        zone: None,
        series_id: None,
        late_cancellation: false,
    }
}

/// What the service hears of a booking.
fn booked(app: &App, visit: &AppointmentFacts) -> [Envelope; 2] {
    let related = CareTeamChanged(CareFacts {
        appointment_id: visit.appointment_id,
        version: visit.version,
        patient_id: visit.patient_id,
        practitioner_id: visit.practitioner_id,
        department_id: visit.department_id,
        binding: true,
    });
    [wrap(app, &AppointmentScheduled(visit.clone())), wrap(app, &related)]
}

/// It begins an hour later.
fn moved(app: &App, visit: &AppointmentFacts) -> Envelope {
    let hour = TimeDelta::hours(1);
    let (version, start, end) = (visit.version + 1, visit.start + hour, visit.end + hour);
    wrap(app, &AppointmentRescheduled(AppointmentFacts { version, start, end, ..visit.clone() }))
}

/// What becomes of bookings.
const BOOKED: [&str; 16] = [
    "BEGIN",
    "INSERT inbox",
    "SELECT appointments",
    "INSERT appointments",
    "INSERT reminders",
    "SELECT departments",
    "SELECT patients",
    "SELECT dead_addresses",
    "SELECT notification_templates",
    "INSERT messages",
    "INSERT outbox",
    "INSERT job_outbox",
    "INSERT care_relations",
    "SELECT webhooks",
    "INSERT webhook_deliveries",
    "COMMIT",
];
/// And what when they move.
const MOVED: [&str; 16] = [
    "BEGIN",
    "INSERT inbox",
    "SELECT appointments",
    "INSERT appointments",
    "UPDATE messages",
    "DELETE reminders",
    "INSERT reminders",
    "SELECT departments",
    "SELECT patients",
    "SELECT dead_addresses",
    "SELECT notification_templates",
    "INSERT messages",
    "INSERT outbox",
    "INSERT job_outbox",
    "SELECT webhooks",
    "COMMIT",
];
/// Mails are taken up,
const TAKEN_UP: [&str; 5] =
    ["BEGIN", "SELECT messages", "SELECT notification_preferences", "UPDATE messages", "COMMIT"];
/// and it is written down what came of them.
const WRITTEN_DOWN: [&str; 5] =
    ["BEGIN", "INSERT message_attempts", "UPDATE messages", "INSERT outbox", "COMMIT"];
/// Mails that are sent together.
const AT_ONCE: usize = 16;

/// Hands over what has come together, and waits for the mails; gives the transaction of the one, and those of the others.
async fn told(app: &App, journal: &Journal, events: Vec<Envelope>) -> (Vec<String>, Vec<Vec<String>>) {
    journal.take();
    app.deliver_batch(events).await.unwrap();
    let admin = app.client(&[Role::Admin]);
    until("all mails", 60, async || {
        let path = "/api/v1/notifications?status=pending&page_size=1";
        admin.get(path).await.expect(200).results().is_empty().then_some(())
    })
    .await;
    let all = journal.take_transactions();
    let has = |transaction: &[String], what: &str| transaction.iter().any(|sql| in_short(sql) == what);
    let (mut taking, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| has(one, "INSERT inbox"));
    let sending = others.into_iter().filter(|one| has(one, "UPDATE messages"));
    (taking.pop().unwrap(), sending.collect())
}

/// Fails unless mails of so many events went out as they should.
fn expect_told(
    journal: &Journal,
    count: usize,
    expected: &[&str],
    (taking, sending): (Vec<String>, Vec<Vec<String>>),
) {
    let short = |all: &[String]| all.iter().map(|sql| in_short(sql)).collect::<Vec<_>>();
    assert_eq!(short(&taking), expected, "{count} events");
    assert_eq!(journal.not_kept(&taking), [""; 0]);
    let of = |what: &[&str]| sending.iter().filter(|one| short(one) == what).count();
    let batches = count.div_ceil(AT_ONCE);
    assert_eq!((of(&TAKEN_UP), of(&WRITTEN_DOWN)), (batches, batches), "{count} mails: {sending:#?}");
    assert_eq!(sending.len(), 2 * batches, "{sending:#?}");
    assert_eq!(journal.not_kept(&sending.concat()), [""; 0]);
}

#[tokio::test]
async fn many_events_are_told_in_as_many_statements_as_one() {
    if !wanted(Backend::Postgres) {
        return;
    }
    let settings = [("HMS_WEBHOOK_ALLOW_HTTP", "true"), ("HMS_WEBHOOK_ALLOW_PRIVATE", "127.0.0.0/8")];
    let app = App::start_with(Backend::Postgres, &settings).await;
    let journal = Journal::of(&app.database);
    let hook = json!({ "url": "http://127.0.0.1:1/", "events": ["appointment.scheduled"] });
    app.client(&[Role::Admin]).post("/api/v1/webhooks", &hook).await.expect(201);
    for count in [1, 10, 100] {
        let patients = patients(&app, count).await;
        let visits: Vec<_> = patients.into_iter().map(|patient| visit(&app, patient)).collect();
        let events = visits.iter().flat_map(|visit| booked(&app, visit)).collect();
        let of_bookings = told(&app, &journal, events).await;
        let events = visits.iter().map(|visit| moved(&app, visit)).collect();
        let of_moves = told(&app, &journal, events).await;
        expect_told(&journal, count, &BOOKED, of_bookings);
        expect_told(&journal, count, &MOVED, of_moves);
    }
    app.stop().await;
}
