#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]
//! What the hot paths ask of the database, counted, so that a statement more, or one that is prepared anew each time,
//! fails a test on any machine.

use std::collections::HashSet;
use std::sync::Arc;

use hms_db::{Database, Heard};
use hms_model::role::Role;
use hms_testkit::database::wanted;
use hms_testkit::{Answer, Backend, Client, TestService};
use parking_lot::Mutex;
use serde_json::json;

/// What pgbench runs beside `POST /patients`.
const REGISTER: &str = include_str!("../sql/register.sql");

/// All that goes to the database of a service, but what its bus asks about the outbox from time to time.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Notes>>);

#[derive(Default)]
struct Notes {
    statements: Vec<String>,
    kept: HashSet<String>,
}

impl Journal {
    fn of(database: &Database) -> Self {
        let journal = Self::default();
        let own = journal.clone();
        database.listen(move |heard| {
            let mut notes = own.0.lock();
            match heard {
                Heard::Statement(sql) if sql.starts_with("SELECT COUNT(*), min(\"outbox\"") => {}
                Heard::Statement(sql) => notes.statements.push(sql.trim().to_owned()),
                Heard::Kept(sql) => drop(notes.kept.insert(sql.trim().to_owned())),
            }
        });
        journal
    }

    /// What has been sent since the last time.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().statements)
    }

    /// Those that are parsed and planned each time, which costs a round trip too.
    fn not_kept(&self, statements: &[String]) -> Vec<String> {
        let notes = self.0.lock();
        let prepared =
            |sql: &&String| !["BEGIN", "COMMIT"].contains(&sql.as_str()) && !notes.kept.contains(*sql);
        statements.iter().filter(prepared).cloned().collect()
    }
}

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
    journal.take();
    desk.get(&path).await.expect(200);
    let statements = journal.take();
    let begins: Vec<_> = statements.iter().filter_map(|sql| sql.get(..11)).collect();
    assert_eq!(begins, ["SELECT \"pat", "INSERT INTO"], "{statements:#?}");
    assert!(statements[1].starts_with("INSERT INTO \"outbox\""), "{statements:#?}");
    assert_eq!(journal.not_kept(&statements), [""; 0]);
    app.stop().await;
}

#[tokio::test]
async fn a_write_sends_what_pgbench_is_given_to_compare() {
    if !wanted(Backend::Postgres) {
        return;
    }
    let app = TestService::<hms_user::Service>::start(Backend::Postgres).await;
    let journal = Journal::of(&app.database);
    let desk = app.client(&[Role::Receptionist]);
    register(&desk, 0).await;
    journal.take();
    register(&desk, 1).await;
    let statements = journal.take();
    assert_eq!(journal.not_kept(&statements), [""; 0]);
    let given: Vec<_> = REGISTER.lines().filter_map(|line| line.strip_prefix("-- sent: ")).collect();
    assert_eq!(statements, given, "sql/register.sql is stale; these are the statements now");
    app.stop().await;
}
