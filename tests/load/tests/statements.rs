#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]
//! What the hot paths ask of the database, counted, so that a statement more, or one that is prepared anew each time,
//! fails a test on any machine.

mod journal;

use hms_load::hospital::Hospital;
use hms_load::work::{Kind, Speaks, Work};
use hms_model::audit::{Action, Actor, AuditEntry, Outcome};
use hms_model::event::{
    AuditRecorded, Envelope, PatientCreated, PatientFacts, PractitionerCreated, PractitionerFacts,
};
use hms_model::id::{Id, PatientId, PractitionerId};
use hms_model::role::Role;
use hms_testkit::database::wanted;
use hms_testkit::{Answer, Backend, Client, TestService};
use http::HeaderValue;
use http_body_util::BodyExt as _;
use journal::{Journal, in_short};
use serde_json::{Value, json};

/// What pgbench runs beside `POST /patients`.
const REGISTER: &str = include_str!("../sql/register.sql");
/// What it runs beside `POST /appointments`.
const BOOK: &str = include_str!("../sql/book.sql");

/// What it runs beside `POST /billing/invoices`.
const ISSUE: &str = include_str!("../sql/issue.sql");

async fn register(desk: &Client, number: usize) -> Answer {
    let body = json!({"given_name": "Ann", "family_name": format!("A{number}"), "birth_date": "1980-01-01", "gender": "female"});
    let key = format!("key-{number}");
    let headers = [("Idempotency-Key", key.as_str()), ("Content-Type", "application/json")];
    let answer =
        desk.request("POST", "/api/v1/patients", &headers, Some(body.to_string().into_bytes())).await;
    answer.expect(201);
    answer
}

#[tokio::test]
async fn a_record_is_read_by_one_statement_and_noted_by_one() {
    if !wanted(Backend::Postgres) {
        return;
    }
    let app = TestService::<hms_user::Service>::start(Backend::Postgres).await;
    let journal = Journal::of(&app.database);
    let desk = app.client(&[Role::Receptionist]);
    let path = format!("/api/v1/patients/{}", register(&desk, 0).await.text("id"));
    let look = async |_| {
        desk.get(&path).await.expect(200);
    };
    let statements = sent_by(&journal, look).await;
    let begins: Vec<_> = statements.iter().filter_map(|sql| sql.get(..11)).collect();
    assert_eq!(begins, ["SELECT \"pat", "INSERT INTO"], "{statements:#?}");
    assert!(statements[1].starts_with("INSERT INTO \"outbox\""), "{statements:#?}");
    assert_eq!(journal.not_kept(&statements), [""; 0]);
    app.stop().await;
}

/// What the run sends that sends least of several: what a service does by itself from time to time comes between the
/// statements of some runs, while a statement more would be in all of them.
async fn sent_by(journal: &Journal, mut run: impl AsyncFnMut(usize)) -> Vec<String> {
    let mut least: Option<Vec<String>> = None;
    for number in 1..=6 {
        journal.take();
        run(number).await;
        let sent = journal.take();
        if least.as_ref().is_none_or(|least| sent.len() < least.len()) {
            least = Some(sent);
        }
    }
    least.unwrap()
}

/// Compares what was sent with the lines `sent` of a script for pgbench.
fn expect_sent(journal: &Journal, statements: &[String], script: &str) {
    assert_eq!(journal.not_kept(statements), [""; 0]);
    let given: Vec<_> = script.lines().filter_map(|line| line.strip_prefix("-- sent: ")).collect();
    assert_eq!(statements, given, "the script is stale; these are the statements now");
}

#[tokio::test]
async fn a_write_sends_what_pgbench_is_given_to_compare() {
    if !wanted(Backend::Postgres) {
        return;
    }
    let app = TestService::<hms_user::Service>::start(Backend::Postgres).await;
    let journal = Journal::of(&app.database);
    let desk = app.client(&[Role::Receptionist]);
    let statements = sent_by(&journal, async |number| drop(register(&desk, number).await)).await;
    expect_sent(&journal, &statements, REGISTER);
    app.stop().await;
}

type Appointments = TestService<hms_appointment::Service>;

fn patient(patient_id: PatientId) -> PatientCreated {
    PatientCreated(PatientFacts {
        patient_id,
        version: 1,
        account_id: None,
        name: "Ann Patient".into(),
        email: None,
        phone: None,
        language: None,
        active: true,
    })
}

/// Tells the service of somebody to book for, and of somebody to book with.
async fn introduce(app: &Appointments) -> (PatientId, PractitionerId) {
    let (patient_id, practitioner_id) = (Id::new(app.clock.now()), Id::new(app.clock.now()));
    app.deliver(&patient(patient_id)).await;
    app.deliver(&PractitionerCreated(PractitionerFacts {
        practitioner_id,
        version: 1,
        account_id: None,
        name: "Noor Haddad".into(),
        specialty: None,
        department_id: None,
        active: true,
    }))
    .await;
    (patient_id, practitioner_id)
}

/// The hour of this number is booked, as `hms-load` does it.
async fn book(desk: &Client, (patient, practitioner): (PatientId, PractitionerId), hour: usize) -> Answer {
    let body = json!({
        "patient_id": patient, "practitioner_id": practitioner, "reason": "check-up",
        "start": format!("2030-01-01T{hour:02}:00:00Z"), "end": format!("2030-01-01T{hour:02}:15:00Z"),
    });
    let key = format!("key-{hour}");
    let headers = [("Idempotency-Key", key.as_str()), ("Content-Type", "application/json")];
    desk.request("POST", "/api/v1/appointments", &headers, Some(body.to_string().into_bytes())).await
}

#[tokio::test]
async fn a_booking_sends_what_pgbench_is_given_to_compare() {
    if !wanted(Backend::Postgres) {
        return;
    }
    let app = Appointments::start(Backend::Postgres).await;
    let who = introduce(&app).await;
    let journal = Journal::of(&app.database);
    let desk = app.client(&[Role::Receptionist]);
    let run = async |hour| {
        book(&desk, who, hour).await.expect(201);
    };
    let statements = sent_by(&journal, run).await;
    expect_sent(&journal, &statements, BOOK);
    app.stop().await;
}

#[tokio::test]
async fn an_invoice_sends_what_pgbench_is_given_to_compare() {
    if !wanted(Backend::Postgres) {
        return;
    }
    let app = TestService::<hms_billing::Service>::start(Backend::Postgres).await;
    let patient_id: PatientId = Id::new(app.clock.now());
    app.deliver(&patient(patient_id)).await;
    let journal = Journal::of(&app.database);
    let accountant = app.client(&[Role::Accountant]);
    let hospital = Hospital { patients: vec![patient_id.to_string()], practitioners: Vec::new() };
    let work = Work::new(Kind::Issue, Speaks::Hms, HeaderValue::from_static(""), hospital);
    let run = async |number: usize| {
        let (parts, body) = work.request().unwrap().into_parts();
        let key = format!("key-{number}");
        let headers = [("Idempotency-Key", key.as_str()), ("Content-Type", "application/json")];
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        let answer = accountant.request("POST", parts.uri.path(), &headers, Some(body)).await;
        assert_eq!(answer.expect(201)["status"], "issued");
    };
    let statements = sent_by(&journal, run).await;
    expect_sent(&journal, &statements, ISSUE);
    app.stop().await;
}

/// What the runs of each case have for themselves: an invoice with a payment of a part of it, and one without.
struct Books {
    invoices: Vec<String>,
    payments: Vec<String>,
    unpaid: Vec<String>,
}

impl Books {
    async fn open(app: &TestService<hms_billing::Service>, accountant: &Client) -> Self {
        let patient_id: PatientId = Id::new(app.clock.now());
        app.deliver(&patient(patient_id)).await;
        let made = async |path: &str, body: Value| accountant.post(path, &body).await.expect(201).text("id");
        let lines = json!([{ "description": "A visit", "unit_price": 1_000, "tax_rate": 190_000 }]);
        let invoice = json!({ "patient_id": patient_id, "currency": "EUR", "issue": {}, "lines": lines });
        let mut books = Self { invoices: vec![], payments: vec![], unpaid: vec![] };
        for number in 0..=6 {
            books.invoices.push(made(INVOICES, invoice.clone()).await);
            books.unpaid.push(made(INVOICES, invoice.clone()).await);
            books.payments.push(made(PAYMENTS, books.payment(number)).await);
            let credit = json!({ "patient_id": patient_id, "method": "cash", "amount": cents(5_000) });
            made(PAYMENTS, credit).await;
        }
        books
    }

    fn payment(&self, number: usize) -> Value {
        json!({ "invoice_id": self.invoices[number], "method": "cash", "amount": cents(100) })
    }
}

const INVOICES: &str = "/api/v1/billing/invoices";
const PAYMENTS: &str = "/api/v1/billing/payments";

fn cents(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

/// The path and the body of a request of this run.
type Ask = fn(&Books, usize) -> (String, Value);

/// What is done to money, with the statements of each. What follows upon `UPDATE series` is done while all others who
/// issue wait.
const DEEDS: [(&str, Ask, &[&str]); 5] = [
    (
        "pay",
        |books, number| (PAYMENTS.to_owned(), books.payment(number)),
        &[
            "SELECT invoices",
            "INSERT payments",
            "INSERT allocations",
            "UPDATE invoices",
            "INSERT postings",
            "INSERT entries",
            "INSERT outbox",
        ],
    ),
    (
        "give back",
        |books, number| {
            let body = json!({ "amount": cents(10), "reason": "a test" });
            (format!("{PAYMENTS}/{}/refund", books.payments[number]), body)
        },
        &[
            "SELECT payments",
            "SELECT allocations",
            "SELECT invoices",
            "SELECT payments",
            "UPDATE invoices",
            "UPDATE allocations",
            "UPDATE payments",
            "INSERT postings",
            "INSERT entries",
            "INSERT refunds",
            "INSERT outbox",
        ],
    ),
    (
        "credit",
        |books, number| {
            let lines = json!([{ "description": "Taken back", "unit_price": 10, "tax_rate": 0 }]);
            let body = json!({ "reason": "a test", "lines": lines });
            (format!("{INVOICES}/{}/credit", books.invoices[number]), body)
        },
        &[
            "SELECT invoices",
            "UPDATE invoices",
            "INSERT postings",
            "UPDATE series",
            "INSERT invoices",
            "INSERT entries",
            "INSERT outbox",
        ],
    ),
    (
        "use credit",
        |books, number| (format!("{INVOICES}/{}/apply-credit", books.invoices[number]), Value::Null),
        &[
            "SELECT invoices",
            "SELECT payments",
            "UPDATE payments",
            "INSERT allocations",
            "UPDATE invoices",
            "INSERT postings",
            "INSERT entries",
            "INSERT outbox",
        ],
    ),
    (
        "call void",
        |books, number| (format!("{INVOICES}/{}/void", books.unpaid[number]), Value::Null),
        &[
            "SELECT invoices",
            "UPDATE invoices",
            "SELECT entries",
            "INSERT postings",
            "INSERT entries",
            "INSERT outbox",
        ],
    ),
];

#[tokio::test]
async fn money_moves_in_as_few_statements_as_it_takes() {
    if !wanted(Backend::Postgres) {
        return;
    }
    let app = TestService::<hms_billing::Service>::start(Backend::Postgres).await;
    let accountant = app.client(&[Role::Accountant]);
    let journal = Journal::of(&app.database);
    let books = Books::open(&app, &accountant).await;
    for (deed, ask, expected) in DEEDS {
        let run = async |number| {
            let (path, body) = ask(&books, number);
            let answer = accountant.post(&path, &body).await;
            assert!(answer.is_success(), "{deed}: {:#}", answer.body);
        };
        let statements = sent_by(&journal, run).await;
        let short: Vec<_> = statements.iter().map(|sql| in_short(sql)).collect();
        assert_eq!(short, [&["BEGIN"], expected, &["COMMIT"]].concat(), "{deed}");
        assert_eq!(journal.not_kept(&statements), [""; 0], "{deed}");
    }
    app.stop().await;
}

/// As many as the broker hands over at once when the audit is behind.
const BATCH: usize = 32;

fn look(app: &TestService<hms_audit::Service>) -> Envelope {
    let now = app.clock.now();
    let entry = AuditEntry {
        id: Id::new(now),
        at: now,
        service: "user".into(),
        actor: Actor { account_id: Some(Id::new(now)), roles: vec![Role::Nurse] },
        action: Action::Read,
        resource: "patient".into(),
        resource_id: None,
        patient_ids: vec![Id::new(now)],
        outcome: Outcome::Success,
        detail: None,
        request_id: Some("req-1".into()),
        source_ip: Some("192.0.2.7".into()),
    };
    Envelope::of("user", &AuditRecorded(entry), Id::new(now), now).unwrap()
}

#[tokio::test]
async fn many_audit_entries_are_as_many_statements_as_one() {
    if !wanted(Backend::Postgres) {
        return;
    }
    let app = TestService::<hms_audit::Service>::start(Backend::Postgres).await;
    let journal = Journal::of(&app.database);
    let batch = || (0..BATCH).map(|_| look(&app)).collect();
    let statements = sent_by(&journal, async |_| app.deliver_batch(batch()).await.unwrap()).await;
    let begins: Vec<_> = statements.iter().map(|sql| sql.split(['(', ',']).next().unwrap().trim()).collect();
    let expected = [
        "BEGIN",
        "INSERT INTO \"inbox\"",
        "SELECT \"chain_head\".\"seq\"",
        "SELECT \"entries\".\"id\" FROM \"entries\" WHERE",
        "INSERT INTO \"entries\"",
        "INSERT INTO \"entry_patients\"",
        "UPDATE \"chain_head\" SET \"seq\" = $1",
        "COMMIT",
    ];
    assert_eq!(begins, expected, "{statements:#?}");
    assert_eq!(journal.not_kept(&statements), [""; 0]);
    app.stop().await;
}
