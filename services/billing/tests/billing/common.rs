//! A hospital small enough for a story: one service, and the patients it was told of.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use hms_billing::Service;
use hms_db::{Db, Error};
use hms_model::event::{DepartmentCreated, DepartmentFacts, PatientCreated, PatientFacts};
use hms_model::id::{DepartmentId, Id, PatientId};
use hms_model::role::Role;
use hms_testkit::{Answer, Backend, Client, TestService};
use serde_json::{Value, json};

pub const INVOICES: &str = "/api/v1/billing/invoices";
pub const PAYMENTS: &str = "/api/v1/billing/payments";
pub const CATALOGUE: &str = "/api/v1/billing/catalogue";
pub const REPORTS: &str = "/api/v1/accounting/reports";

/// The service, the one at the front desk and the one who keeps the books. Its clock stands at 2026-03-02T08:00:00Z.
pub struct World {
    pub app: TestService<Service>,
    pub desk: Client,
    pub books: Client,
}

impl World {
    pub async fn start(backend: Backend) -> Self {
        Self::of(TestService::start(backend).await)
    }

    pub async fn start_with(backend: Backend, settings: &[(&str, &str)]) -> Self {
        Self::of(TestService::start_with(backend, settings).await)
    }

    fn of(app: TestService<Service>) -> Self {
        let (desk, books) = (app.client(&[Role::Receptionist]), app.client(&[Role::Accountant]));
        Self { app, desk, books }
    }

    pub async fn patient(&self) -> PatientId {
        let facts = PatientFacts {
            patient_id: Id::new(self.app.clock.now()),
            version: 1,
            account_id: None,
            name: "Ann Patient".into(),
            email: None,
            phone: None,
            language: None,
            active: true,
        };
        self.app.deliver(&PatientCreated(facts.clone())).await;
        facts.patient_id
    }

    pub async fn department(&self, name: &str) -> DepartmentId {
        let id = Id::new(self.app.clock.now());
        let facts = DepartmentFacts { department_id: id, version: 1, name: name.into(), active: true };
        self.app.deliver(&DepartmentCreated(facts)).await;
        id
    }

    /// An invoice over so many cents, issued.
    pub async fn issued(&self, patient: PatientId, cents: i64) -> Value {
        let mut body = invoice(patient, cents);
        body["issue"] = json!({});
        self.books.post(INVOICES, &body).await.expect(201).body.clone()
    }

    pub async fn pay(&self, invoice: &Value, method: &str, cents: i64) -> Answer {
        let body = json!({ "invoice_id": invoice["id"], "method": method, "amount": eur(cents) });
        self.desk.post(PAYMENTS, &body).await
    }

    /// A payment for no invoice.
    pub async fn credit(&self, patient: PatientId, cents: i64) {
        let body = json!({ "patient_id": patient, "method": "cash", "amount": eur(cents) });
        self.desk.post(PAYMENTS, &body).await.expect(201);
    }

    pub async fn invoice(&self, id: &Value) -> Value {
        self.books.get(&path(id)).await.expect(200).body.clone()
    }

    pub async fn step(&self, invoice: &Value, step: &str, body: Option<Value>) -> Answer {
        let path = format!("{}/{step}", path(&invoice["id"]));
        match body {
            Some(body) => self.books.post(&path, &body).await,
            None => self.books.request("POST", &path, &[], None).await,
        }
    }

    /// What the database answers with to a question for one number, named so.
    pub async fn number(&self, sql: &'static str) -> i64 {
        let read = move |db: &mut Db| Ok::<_, Error>(diesel::sql_query(sql).get_result::<Number>(db)?.number);
        self.app.database.read(read).await.unwrap()
    }

    /// The balance of an account, debits positive, once the whole trial balance is found to be zero.
    pub async fn balances(&self, accounts: &[&str]) -> Vec<i64> {
        let report = self.books.get(&format!("{REPORTS}/trial-balance?currency=EUR")).await;
        let report = report.expect(200);
        assert_eq!(report["debit"], report["credit"], "{:#}", report.body);
        let rows = report["accounts"].as_array().unwrap();
        let of = |code: &&str| {
            rows.iter().find(|row| row["account"] == *code).map_or(0, |row| row["balance"].as_i64().unwrap())
        };
        accounts.iter().map(of).collect()
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

pub fn path(id: &Value) -> String {
    format!("{INVOICES}/{}", id.as_str().unwrap())
}

pub fn eur(cents: i64) -> Value {
    json!({ "amount": cents, "currency": "EUR" })
}

/// An invoice of one line without tax.
pub fn invoice(patient: PatientId, cents: i64) -> Value {
    json!({
        "patient_id": patient,
        "currency": "EUR",
        "lines": [{ "description": "A visit", "unit_price": cents }],
    })
}
