//! What the stories share.

use std::io::Cursor;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use hms_audit::Service;
use hms_audit::chain::{PublicKey, Report};
use hms_db::{Backend, Database, Db, Error};
use hms_model::Clock;
use hms_model::audit::{Action, Actor, AuditEntry, Outcome};
use hms_model::event::AuditRecorded;
use hms_model::id::{Id, PatientId};
use hms_model::role::Role;
use hms_testkit::{Client, TestService};

pub type App = TestService<Service>;

/// An entry of this moment.
pub fn entry(clock: &Clock, patients: &[PatientId]) -> AuditEntry {
    let now = clock.now();
    AuditEntry {
        id: Id::new(now),
        at: now,
        service: "user".into(),
        actor: Actor { account_id: Some(Id::new(now)), roles: vec![Role::Nurse] },
        action: Action::Read,
        resource: "patient".into(),
        resource_id: None,
        patient_ids: patients.to_vec(),
        outcome: Outcome::Success,
        detail: None,
        request_id: Some("req-1".into()),
        source_ip: Some("192.0.2.7".into()),
    }
}

/// Tells the service of so many acts, a second apart.
pub async fn record(app: &App, count: usize) {
    for _ in 0..count {
        app.clock.advance(TimeDelta::seconds(1));
        app.deliver(&AuditRecorded(entry(&app.clock, &[]))).await;
    }
}

/// Ten entries; the third touches a patient. Checkpoints after 5 and 8.
pub async fn ten_entries(app: &App) {
    let patient = Id::new(app.clock.now());
    record(app, 2).await;
    app.deliver(&AuditRecorded(entry(&app.clock, &[patient]))).await;
    record(app, 1).await;
    app.clock.advance(TimeDelta::minutes(1));
    record(app, 3).await;
    app.clock.advance(TimeDelta::minutes(1));
    record(app, 3).await;
    assert_eq!(signed(&app.database).await, [5, 8]);
}

/// What `hms audit verify --database` finds.
pub async fn verify(database: &Database, trusted: Option<Vec<PublicKey>>) -> Report {
    hms_audit::verify::database(database, trusted, None).await.unwrap()
}

/// What `hms audit verify --file` finds.
pub fn verify_file(text: &str, trusted: Option<Vec<PublicKey>>) -> Report {
    hms_audit::verify::file(Cursor::new(text), trusted, None).unwrap()
}

/// The key that the service publishes.
pub async fn key(client: &Client) -> Vec<PublicKey> {
    let answer = client.get("/api/v1/audit/keys").await;
    hms_audit::chain::public_keys(&answer.expect(200).body.to_string()).unwrap()
}

/// Statements as an administrator of the database would run them.
pub async fn sql(database: &Database, statements: &str) -> Result<(), Error> {
    let statements = statements.to_owned();
    database.write(move |db| Ok(db.batch_execute(&statements)?)).await
}

/// The same without the guard of the tables.
pub async fn tamper(database: &Database, statements: &str) {
    let off = match database.backend() {
        Backend::Postgres => "SET LOCAL session_replication_role = replica;".to_owned(),
        Backend::Sqlite => {
            let names = triggers(database).await;
            names.into_iter().map(|name| format!("DROP TRIGGER {name};")).collect()
        }
    };
    sql(database, &format!("{off}{statements}")).await.unwrap();
}

async fn triggers(database: &Database) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        name: String,
    }
    let query = "SELECT name FROM sqlite_master WHERE type = 'trigger'";
    let rows: Vec<Row> =
        database.read(move |db: &mut Db| Ok::<_, Error>(diesel::sql_query(query).load(db)?)).await.unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

/// The numbers that a query gives under the name `n`.
pub async fn numbers(database: &Database, query: &str) -> Vec<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let query = query.to_owned();
    let rows: Vec<Row> =
        database.read(move |db: &mut Db| Ok::<_, Error>(diesel::sql_query(query).load(db)?)).await.unwrap();
    rows.into_iter().map(|row| row.n).collect()
}

/// The entries that there are checkpoints for.
pub async fn signed(database: &Database) -> Vec<i64> {
    numbers(database, "SELECT seq AS n FROM checkpoints ORDER BY number").await
}

pub async fn entries(database: &Database) -> i64 {
    numbers(database, "SELECT count(*) AS n FROM entries").await[0]
}
