//! What the stories of metrics share.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl};
use hms_db::Database;
use hms_metrics::Service;
use hms_model::event::{
    AppointmentFacts, DepartmentCreated, DepartmentFacts, Envelope, Event, InvoiceFacts, PaymentFacts,
    PractitionerCreated, PractitionerFacts, TicketFacts,
};
use hms_model::id::{DepartmentId, Id, PractitionerId};
use hms_model::money::{Currency, Money};
use hms_model::role::Role;
use hms_testkit::{Answer, Backend, Client, TestService, until};
use serde_json::Value;

pub const DAILY: &str = "/api/v1/analytics/daily";
pub const WEEKLY: &str = "/api/v1/analytics/weekly";

/// The service, and its admin. Its clock stands at 2026-03-02T08:00:00Z, a Monday.
pub struct World {
    pub app: TestService<Service>,
    pub admin: Client,
}

impl World {
    /// Nothing is counted by itself while the story runs.
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[("HMS_METRICS_EVERY_MS", "3600000")]).await
    }

    pub async fn start_with(backend: Backend, settings: &[(&str, &str)]) -> Self {
        let app = TestService::start_with(backend, settings).await;
        let admin = app.client(&[Role::Admin]);
        Self { app, admin }
    }

    pub fn new_id<K>(&self) -> Id<K> {
        Id::new(self.app.clock.now())
    }

    pub async fn department(&self, name: &str) -> DepartmentId {
        let department_id = self.new_id();
        let facts = DepartmentFacts { department_id, version: 1, name: name.into(), active: true };
        self.app.deliver(&DepartmentCreated(facts)).await;
        department_id
    }

    pub async fn practitioner(&self, name: &str) -> PractitionerFacts {
        let facts = PractitionerFacts {
            practitioner_id: self.new_id(),
            version: 1,
            account_id: Some(self.new_id()),
            name: name.into(),
            specialty: None,
            department_id: None,
            active: true,
        };
        self.app.deliver(&PractitionerCreated(facts.clone())).await;
        facts
    }

    pub fn appointment(&self, practitioner_id: PractitionerId, start: &str) -> AppointmentFacts {
        let start = at(start);
        AppointmentFacts {
            appointment_id: self.new_id(),
            version: 1,
            patient_id: self.new_id(),
            practitioner_id,
            practitioner_name: "Dr. Mia Chen".into(),
            department_id: None,
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

    pub fn ticket(&self, department_id: DepartmentId, arrived: &str, status: &str) -> TicketFacts {
        let arrived = at(arrived);
        TicketFacts {
            ticket_id: self.new_id(),
            version: 1,
            department_id,
            day: arrived.date_naive(),
            number: "A001".into(),
            status: status.into(),
            desk: None,
            patient_id: None,
            appointment_id: None,
            arrived_at: Some(arrived),
            called_at: None,
            ended_at: None,
            changed_at: Some(arrived),
        }
    }

    pub fn invoice(&self, on: &str, amount: i64, currency: Currency) -> InvoiceFacts {
        InvoiceFacts {
            invoice_id: self.new_id(),
            version: 2,
            number: "R-1".into(),
            kind: "invoice".into(),
            patient_id: self.new_id(),
            appointment_id: None,
            total: Money::new(amount, currency),
            open: Money::new(amount, currency),
            due_on: None,
            issued_on: Some(day(on)),
            department_id: None,
            practitioner_id: None,
        }
    }

    pub fn payment(&self, on: &str, amount: i64, currency: Currency) -> PaymentFacts {
        PaymentFacts {
            payment_id: self.new_id(),
            version: 1,
            patient_id: None,
            invoice_id: None,
            method: "cash".into(),
            amount: Money::new(amount, currency),
            source: None,
            reference: None,
            booked_on: Some(day(on)),
            department_id: None,
            practitioner_id: None,
        }
    }

    /// The one row of a day.
    pub async fn of_day(&self, day: &str) -> Value {
        let answer = self.admin.get(&format!("{DAILY}?from={day}&to={day}")).await;
        assert_eq!(answer.expect(200).results().len(), 1, "{:#}", answer.body);
        answer["results"][0].clone()
    }

    /// Counts everything anew; returns when it is done.
    pub async fn rebuild(&self) -> Answer {
        let asked = self.admin.request("POST", "/api/v1/analytics/rebuild", &[], None).await;
        let path = asked.expect(202).header("location").to_owned();
        until("the rebuild", 20, async || {
            let answer = self.admin.get(&path).await;
            (answer.expect(200)["state"] == "done").then_some(answer)
        })
        .await
    }
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn envelope<E: Event>(event: &E, time: DateTime<Utc>) -> Envelope {
    Envelope::of(E::PRODUCER, event, Id::new(time), time).unwrap()
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The number that a statement asks for.
pub async fn number(database: &Database, sql: &'static str) -> i64 {
    let row: Number = database
        .read(move |db| {
            let row = hms_db::each!(db, conn => diesel::sql_query(sql).get_result::<Number>(conn));
            row.map_err(hms_db::Error::from)
        })
        .await
        .unwrap();
    row.number
}

/// Does what a statement says.
pub async fn execute(database: &Database, sql: &'static str) {
    database
        .write(move |db| {
            let done = hms_db::each!(db, conn => diesel::sql_query(sql).execute(conn));
            done.map_err(hms_db::Error::from)
        })
        .await
        .unwrap();
}

/// Days that have changed since they were counted.
pub async fn uncounted(database: &Database) -> i64 {
    number(database, "SELECT COUNT(*) AS number FROM changed_days").await
}
