//! What is there: read from the databases of the services, past the services themselves.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;
use hms_db::sql::Tstz;
use hms_db::{At, Database, DatabaseUrl, PoolOptions};

use crate::check::{Facts, Owned, Place};
use crate::history::Kind;

/// A row that carries the name of a write.
#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    record: String,
}

/// A row that is about a record.
#[derive(QueryableByName)]
struct About {
    #[diesel(sql_type = Text)]
    record: String,
}

/// An appointment, by what its messages say of it.
#[derive(QueryableByName)]
struct Booked {
    #[diesel(sql_type = Text)]
    record: String,
    #[diesel(sql_type = Text)]
    patient: String,
    #[diesel(sql_type = Text)]
    practitioner: String,
    #[diesel(sql_type = Tstz)]
    start: At,
}

/// A message, by what it says of its appointment.
#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Text)]
    patient: String,
    #[diesel(sql_type = Text)]
    practitioner: String,
    #[diesel(sql_type = Text)]
    start: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// The databases of a platform.
pub struct Databases(HashMap<&'static str, Database>);

/// Where a kind of write shows: the service and what to ask its database.
type Question = (Kind, Place, &'static str, &'static str);

const OWNERS: [(Kind, &str, &str); 4] = [
    (Kind::Patient, "user", "SELECT family_name AS name, CAST(id AS TEXT) AS record FROM patients"),
    (Kind::Practitioner, "user", "SELECT family_name AS name, CAST(id AS TEXT) AS record FROM practitioners"),
    (
        Kind::Booking,
        "appointment",
        "SELECT coalesce(reason, '') AS name, CAST(id AS TEXT) AS record FROM appointments",
    ),
    (
        Kind::Cancellation,
        "appointment",
        "SELECT coalesce(cancellation_reason, '') AS name, CAST(id AS TEXT) AS record FROM appointments WHERE status = 'cancelled'",
    ),
];

const COPIES: [Question; 9] = [
    (
        Kind::Patient,
        Place::Links,
        "auth",
        "SELECT CAST(record_id AS TEXT) AS record FROM record_links WHERE kind = 'patient'",
    ),
    (
        Kind::Practitioner,
        Place::Links,
        "auth",
        "SELECT CAST(record_id AS TEXT) AS record FROM record_links WHERE kind = 'practitioner'",
    ),
    (Kind::Patient, Place::Directory, "appointment", "SELECT CAST(id AS TEXT) AS record FROM patients"),
    (
        Kind::Practitioner,
        Place::Directory,
        "appointment",
        "SELECT CAST(id AS TEXT) AS record FROM practitioners",
    ),
    (Kind::Patient, Place::Recipients, "notification", "SELECT CAST(id AS TEXT) AS record FROM patients"),
    (
        Kind::Patient,
        Place::Audit,
        "audit",
        "SELECT resource_id AS record FROM entries WHERE action = 'create' AND resource = 'patient'",
    ),
    (
        Kind::Practitioner,
        Place::Audit,
        "audit",
        "SELECT resource_id AS record FROM entries WHERE action = 'create' AND resource = 'practitioner'",
    ),
    (
        Kind::Booking,
        Place::Audit,
        "audit",
        "SELECT resource_id AS record FROM entries WHERE action = 'create' AND resource = 'appointment'",
    ),
    (
        Kind::Cancellation,
        Place::Audit,
        "audit",
        "SELECT resource_id AS record FROM entries WHERE action = 'update' AND resource = 'appointment'",
    ),
];

const BOOKED: &str = "SELECT CAST(a.id AS TEXT) AS record, CAST(a.patient_id AS TEXT) AS patient, p.name AS practitioner, \
    a.start_at AS start FROM appointments a JOIN practitioners p ON p.id = a.practitioner_id";

const MESSAGES: [(Kind, &str); 2] = [
    (
        Kind::Booking,
        "SELECT CAST(patient_id AS TEXT) AS patient, facts ->> 'practitioner_name' AS practitioner, facts ->> 'start' AS start \
         FROM messages WHERE kind = 'appointment.confirmation'",
    ),
    (
        Kind::Cancellation,
        "SELECT CAST(patient_id AS TEXT) AS patient, facts ->> 'practitioner_name' AS practitioner, facts ->> 'start' AS start \
         FROM messages WHERE kind = 'appointment.cancelled'",
    ),
];

impl Databases {
    /// What is wrong with the chain of the audit: what `hms audit verify` says of it.
    pub async fn broken_chain(&self) -> Option<String> {
        let report = hms_audit::verify::database(&self.0["audit"], None, None).await.unwrap();
        assert!(report.entries > 0, "the audit is empty");
        report.finding.map(|finding| format!("the audit: {finding}"))
    }

    /// The databases at these places, by service.
    pub fn new(urls: impl IntoIterator<Item = (&'static str, DatabaseUrl)>) -> Self {
        let open = |url| Database::new(url, PoolOptions::default());
        Self(urls.into_iter().map(|(service, url)| (service, open(url))).collect())
    }

    /// Reads all of it.
    pub async fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        for (kind, service, sql) in OWNERS {
            let rows: Vec<Named> = self.ask(service, sql).await;
            facts.owned.extend(rows.into_iter().map(|row| Owned {
                kind,
                write: row.name,
                record: row.record,
            }));
        }
        for (kind, place, service, sql) in COPIES {
            let rows: Vec<About> = self.ask(service, sql).await;
            facts.elsewhere.insert((kind, place), rows.into_iter().map(|row| row.record).collect());
        }
        let booked = self.booked().await;
        for (kind, sql) in MESSAGES {
            let rows: Vec<Told> = self.ask("notification", sql).await;
            let records = rows.into_iter().map(|row| appointment_of(row, &booked)).collect();
            facts.elsewhere.insert((kind, Place::Messages), records);
        }
        facts
    }

    /// Events that wait in the outboxes.
    pub async fn waiting(&self) -> i64 {
        self.count("SELECT count(*) AS count FROM outbox").await
    }

    /// Events that the services have given up.
    pub async fn dead_letters(&self) -> i64 {
        self.count("SELECT count(*) AS count FROM dead_letters").await
    }

    async fn booked(&self) -> HashMap<(String, String, DateTime<Utc>), String> {
        let rows: Vec<Booked> = self.ask("appointment", BOOKED).await;
        rows.into_iter().map(|row| ((row.patient, row.practitioner, row.start.into()), row.record)).collect()
    }

    /// The sum over all databases.
    async fn count(&self, sql: &'static str) -> i64 {
        let mut sum = 0;
        for service in self.0.keys() {
            let rows: Vec<Count> = self.ask(service, sql).await;
            sum += rows[0].count;
        }
        sum
    }

    async fn ask<R>(&self, service: &str, sql: &'static str) -> Vec<R>
    where
        R: QueryableByName<hms_db::MultiBackend> + Send + 'static,
    {
        let answer = self.0[service].read(move |db| Ok::<_, hms_db::Error>(diesel::sql_query(sql).load(db)?));
        answer.await.unwrap_or_else(|error| panic!("the database of {service}: {error:?}"))
    }
}

fn appointment_of(message: Told, booked: &HashMap<(String, String, DateTime<Utc>), String>) -> String {
    let start: DateTime<Utc> = message.start.parse().unwrap();
    let unknown = || format!("an unknown appointment at {start}");
    booked.get(&(message.patient, message.practitioner, start)).cloned().unwrap_or_else(unknown)
}
