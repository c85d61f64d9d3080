//! Each POST with a key, in an order in which each can be done.

use hms_tests::{Answer, Client, PATIENCE, records, until};
use serde_json::{Value, json};

/// Who does it.
#[derive(Clone, Copy)]
enum Who {
    Admin,
    Doctor,
    Patient,
}

/// The clients of an admin, a doctor and a patient.
type Clients = [Client; 3];

/// What is sent with a key.
struct Request {
    operation: &'static str,
    path: String,
    body: Option<Value>,
    key: String,
    by: Who,
}

/// What was sent, and what came of it.
struct Done {
    request: Request,
    answer: Answer,
}

/// All that was done so far.
pub struct Walk {
    clients: Clients,
    done: Vec<Done>,
    patient: String,
    practitioner: String,
    department: String,
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_else(|| panic!("no id: {answer}")).to_owned()
}

fn eur(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

impl Who {
    fn of(self, [admin, doctor, patient]: &Clients) -> &Client {
        match self {
            Self::Admin => admin,
            Self::Doctor => doctor,
            Self::Patient => patient,
        }
    }
}

impl Request {
    async fn send(&self, client: &Client) -> Answer {
        let headers = [("idempotency-key", self.key.as_str())];
        match &self.body {
            Some(body) => client.post_with(&self.path, body, &headers).await,
            None => client.request("POST", &self.path, &headers, None).await,
        }
    }
}

impl Done {
    /// Sent again it gives the first answer, and says so.
    async fn again(&self, client: &Client) {
        let (again, operation) = (self.request.send(client).await, self.request.operation);
        assert_eq!(again.header("idempotent-replayed"), "true", "{operation}: {:#}", again.body);
        let (first, second) = ((self.answer.status, &self.answer.body), (again.status, &again.body));
        assert_eq!(first, second, "{operation}");
        for header in ["etag", "location"] {
            assert_eq!(self.answer.header(header), again.header(header), "{operation} {header}");
        }
    }
}

impl Walk {
    pub fn new(clients: Clients) -> Self {
        let none = String::new;
        Self { clients, done: Vec::new(), patient: none(), practitioner: none(), department: none() }
    }

    /// The operations that were done.
    pub fn walked(&self) -> impl Iterator<Item = String> {
        self.done.iter().map(|done| done.request.operation.to_owned())
    }

    /// Sends everything once more.
    pub async fn all_again(&self, clients: Clients) {
        for done in &self.done {
            done.again(done.request.by.of(&clients)).await;
        }
    }

    fn admin(&self) -> &Client {
        Who::Admin.of(&self.clients)
    }

    async fn post(&mut self, operation: &'static str, body: Value) -> Value {
        self.post_on(operation, "", Some(body)).await
    }

    async fn post_on(&mut self, operation: &'static str, id: &str, body: Option<Value>) -> Value {
        self.post_by(Who::Admin, operation, (id, ""), body).await
    }

    /// Does it, as soon as all that it names is known, and once more. `query` is what stands behind the path.
    async fn post_by(
        &mut self,
        by: Who,
        operation: &'static str,
        (id, query): (&str, &str),
        body: Option<Value>,
    ) -> Value {
        let template = operation.strip_prefix("POST ").unwrap();
        let path = template.split('/').map(|part| if part.starts_with('{') { id } else { part });
        let path = format!("{}{query}", path.collect::<Vec<_>>().join("/"));
        let key = format!("{} {operation}", self.done.len());
        let request = Request { operation, path, body, key, by };
        let client = by.of(&self.clients);
        let answer = until(operation, PATIENCE, async || {
            let answer = request.send(client).await;
            (answer.code() != "UNKNOWN_REFERENCE").then_some(answer)
        })
        .await;
        assert!(answer.is_success(), "{operation}: {} {:#}", answer.status, answer.body);
        assert_eq!(answer.header("idempotent-replayed"), "", "{operation}");
        let done = Done { request, answer };
        done.again(client).await;
        let body = done.answer.body.clone();
        self.done.push(done);
        body
    }

    pub async fn directory(&mut self) {
        self.patient = id(&self.post("POST /api/v1/patients", records::patient("Ann", "Andersson")).await);
        let practitioner = records::practitioner("Mia", "Chen");
        self.practitioner = id(&self.post("POST /api/v1/practitioners", practitioner).await);
        self.department = id(&self.post("POST /api/v1/departments", json!({"name": "Cardiology"})).await);
        let (patient, reason) = (self.patient.clone(), json!({"reason": "Unconscious, no papers"}));
        let break_glass = "POST /api/v1/patients/{id}/break-glass";
        self.post_by(Who::Doctor, break_glass, (&patient, ""), Some(reason)).await;
    }

    pub async fn figures_and_messages(&mut self) {
        self.post_on("POST /api/v1/analytics/rebuild", "", None).await;
        self.post("POST /api/v1/notifications/resend", json!({"status": "failed"})).await;
    }

    /// What only patients do: their messages and devices.
    pub async fn of_a_patient(&mut self, patient: &str) {
        let device = Some(json!({"fcm_token": "t0ken"}));
        self.post_by(Who::Patient, "POST /api/v1/push-subscriptions", ("", ""), device).await;
        let booking = records::booking(patient, &self.practitioner, records::moment(30, 600));
        self.post("POST /api/v1/appointments", booking).await;
        let own = Who::Patient.of(&self.clients).clone();
        let message = until("the confirmation", PATIENCE, async || {
            let list = own.get("/api/v1/notifications?channel=in_app").await;
            list.expect(200).results().first().map(id)
        })
        .await;
        self.post_by(Who::Patient, "POST /api/v1/notifications/{id}/read", (&message, ""), None).await;
    }

    pub async fn accounts(&mut self) {
        let (email, password) = (records::email("ann"), "quiet meadow of nobody else");
        let account = json!({"email": email, "password": password, "roles": ["nurse"]});
        self.post("POST /api/v1/accounts", account).await;
        let invitation = json!({"email": records::email("bo"), "roles": ["nurse"]});
        self.post("POST /api/v1/accounts/invitations", invitation).await;
        let registration = json!({"email": records::email("cleo"), "password": password});
        self.post("POST /api/v1/auth/register", registration).await;
        self.post_on("POST /api/v1/auth/keys/rotate", "", None).await;
        self.post_on("POST /api/v1/audit/keys/rotate", "", None).await;
    }

    fn booking(&self, day: u64) -> Value {
        let mut booking = records::booking(&self.patient, &self.practitioner, records::moment(day, 600));
        booking["department_id"] = json!(self.department);
        booking
    }

    async fn booked(&mut self, day: u64) -> String {
        let booking = self.booking(day);
        id(&self.post("POST /api/v1/appointments", booking).await)
    }

    pub async fn calendar(&mut self) {
        for (step, day) in [("arrive", 7), ("noshow", 8), ("cancel", 9)] {
            let appointment = self.booked(day).await;
            match step {
                "arrive" => {
                    self.post_on("POST /api/v1/appointments/{id}/arrive", &appointment, None).await;
                    self.post_on("POST /api/v1/appointments/{id}/fulfil", &appointment, None).await;
                }
                "noshow" => {
                    drop(self.post_on("POST /api/v1/appointments/{id}/noshow", &appointment, None).await)
                }
                _ => {
                    let reason = Some(json!({"reason": "travelling"}));
                    self.post_on("POST /api/v1/appointments/{id}/cancel", &appointment, reason).await;
                }
            }
        }
        let mut hold = self.booking(10);
        hold.as_object_mut().unwrap().retain(|field, _| !matches!(field.as_str(), "patient_id" | "reason"));
        self.post("POST /api/v1/slots/hold", hold).await;
        let mut series = self.booking(11);
        series["rule"] = json!("FREQ=WEEKLY;COUNT=3");
        series["zone"] = json!("Europe/Berlin");
        self.post("POST /api/v1/appointments/series", series).await;
        let department = self.department.clone();
        let other = records::practitioner("Ravi", "Rao");
        let other = id(&self.post("POST /api/v1/practitioners", other).await);
        let schedule = json!({
            "practitioner_id": other,
            "department_id": department,
            "zone": "Europe/Berlin",
            "valid_from": "2026-01-01",
            "hours": {"weekly": [{"weekday": "monday", "start": "09:00", "end": "12:00"}]},
            "slot_minutes": 30,
        });
        self.post("POST /api/v1/schedules", schedule).await;
        let kind = json!({"name": "X-ray", "duration_minutes": 15});
        self.post("POST /api/v1/appointment-types", kind).await;
        let room = json!({"department_id": department, "kind": "room", "category": "x-ray", "name": "X1"});
        self.post("POST /api/v1/resources", room).await;
        let holiday = json!({"date": "2026-12-25", "name": "Christmas Day"});
        self.post("POST /api/v1/holidays", holiday).await;
    }

    /// Somebody waits; what is called off is offered to them.
    pub async fn waitlist(&mut self) {
        for answer in ["accept", "decline"] {
            let day = if answer == "accept" { 20 } else { 21 };
            let appointment = self.booked(day).await;
            let at = |minutes| records::rfc3339(records::moment(day, minutes));
            let (start, end) = (at(0), at(1_400));
            let (patient, practitioner) = (&self.patient, &self.practitioner);
            let waits =
                json!({"patient_id": patient, "practitioner_id": practitioner, "start": start, "end": end});
            let waits = id(&self.post("POST /api/v1/waitlist", waits).await);
            let reason = Some(json!({"reason": "travelling"}));
            self.post_on("POST /api/v1/appointments/{id}/cancel", &appointment, reason).await;
            let path = format!("/api/v1/waitlist/{waits}");
            until("the offer", PATIENCE, async || {
                (self.admin().get(&path).await["status"] == "offered").then_some(())
            })
            .await;
            match answer {
                "accept" => self.post_on("POST /api/v1/waitlist/{id}/accept", &waits, None).await,
                _ => self.post_on("POST /api/v1/waitlist/{id}/decline", &waits, None).await,
            };
        }
    }

    pub async fn counter(&mut self) {
        let department = self.department.clone();
        let desk = json!({"department_id": department, "name": "Desk 1"});
        let desk = id(&self.post("POST /api/v1/queue/desks", desk).await);
        let walk_in = json!({"department_id": department});
        self.post("POST /api/v1/queue/check-in", walk_in.clone()).await;
        let second = id(&self.post("POST /api/v1/queue/check-in", walk_in).await);
        self.post_on("POST /api/v1/queue/desks/{id}/next", &desk, None).await;
        let skip = json!({"ticket_id": second, "action": "skip", "reason": "went out"});
        self.post("POST /api/v1/queue/override", skip).await;
    }

    fn invoice(&self, amount: i64) -> Value {
        let line = json!({ "description": "A visit", "unit_price": amount });
        json!({ "patient_id": self.patient, "currency": "EUR", "lines": [line] })
    }

    async fn issued(&mut self, amount: i64, more: Option<(&str, &Value)>) -> String {
        let mut body = self.invoice(amount);
        body["issue"] = json!({});
        if let Some((field, value)) = more {
            body[field] = value.clone();
        }
        id(&self.post("POST /api/v1/billing/invoices", body).await)
    }

    async fn paid(&mut self, invoice: &str, amount: i64) -> String {
        let body = json!({"invoice_id": invoice, "method": "cash", "amount": eur(amount)});
        id(&self.post("POST /api/v1/billing/payments", body).await)
    }

    pub async fn billing(&mut self) {
        let item = json!({"code": "XRAY", "name": "X-ray"});
        let item = id(&self.post("POST /api/v1/billing/catalogue", item).await);
        let price = json!({"valid_from": "2026-01-01", "price": eur(6_000)});
        self.post_on("POST /api/v1/billing/catalogue/{id}/prices", &item, Some(price)).await;

        let draft = self.invoice(1_000);
        let draft = id(&self.post("POST /api/v1/billing/invoices", draft).await);
        self.post_on("POST /api/v1/billing/invoices/{id}/issue", &draft, Some(json!({}))).await;
        self.post_on("POST /api/v1/billing/invoices/{id}/void", &draft, None).await;
        let lost = self.issued(1_000, None).await;
        let reason = Some(json!({"reason": "gone"}));
        self.post_on("POST /api/v1/billing/invoices/{id}/write-off", &lost, reason.clone()).await;
        let credited = self.issued(1_000, None).await;
        let credit = json!({"reason": "wrong", "lines": [{"description": "A visit", "unit_price": 400}]});
        self.post_on("POST /api/v1/billing/invoices/{id}/credit", &credited, Some(credit)).await;
        // More than is owed becomes credit, which another invoice takes.
        let over = self.issued(1_000, None).await;
        self.paid(&over, 1_500).await;
        let next = self.issued(1_000, None).await;
        self.post_on("POST /api/v1/billing/invoices/{id}/apply-credit", &next, None).await;
        let payment = self.paid(&next, 500).await;
        let refund = Some(json!({"amount": eur(100), "reason": "too much"}));
        self.post_on("POST /api/v1/billing/payments/{id}/refund", &payment, refund).await;
        let csv = "date,amount,currency,reference\n2026-03-02,10.00,EUR,INV-9\n";
        self.post("POST /api/v1/billing/payments/reconcile", json!({ "csv": csv })).await;
        self.post_on("POST /api/v1/billing/dunning", "", None).await;
        self.insurance().await;
    }

    async fn insurance(&mut self) {
        let payer = id(&self.post("POST /api/v1/billing/payers", json!({"name": "Saltby Mutual"})).await);
        let coverage = json!({
            "patient_id": self.patient, "payer_id": payer, "valid_from": "2026-01-01", "terms": {"share": 800_000},
        });
        let coverage = self.post("POST /api/v1/billing/coverages", coverage).await;
        for answer in ["accept", "reject"] {
            let invoice = self.issued(1_000, Some(("coverage_id", &coverage["id"]))).await;
            let claims = self.admin().get(&format!("/api/v1/billing/claims?invoice_id={invoice}")).await;
            let claim = id(&claims.expect(200).results()[0]);
            self.post_on("POST /api/v1/billing/claims/{id}/submit", &claim, None).await;
            match answer {
                "accept" => {
                    self.post_on("POST /api/v1/billing/claims/{id}/accept", &claim, Some(json!({}))).await
                }
                _ => {
                    let reason = Some(json!({"reason": "not a member"}));
                    self.post_on("POST /api/v1/billing/claims/{id}/reject", &claim, reason).await
                }
            };
        }
    }

    pub async fn books(&mut self) {
        let account = json!({"code": "5100", "name": "Rent", "kind": "expense"});
        self.post("POST /api/v1/accounting/accounts", account).await;
        let postings = json!([{"account": "5100", "amount": 900}, {"account": "1010", "amount": -900}]);
        let entry = json!({"memo": "Rent", "currency": "EUR", "postings": postings});
        let entry = id(&self.post("POST /api/v1/accounting/entries", entry).await);
        let memo = Some(json!({"memo": "Wrong"}));
        self.post_on("POST /api/v1/accounting/entries/{id}/reverse", &entry, memo).await;
        let month = "2020-01";
        self.post_on("POST /api/v1/accounting/periods/{month}/close", month, None).await;
    }

    pub async fn webhooks(&mut self) {
        // Nobody is there: deliveries wait or fail, and can be sent again.
        let hook = json!({"url": "https://hooks.example.org/hms", "events": ["patient.created"]});
        let hook = id(&self.admin().post("/api/v1/webhooks", &hook).await.expect(201).body);
        self.post_on("POST /api/v1/webhooks/{id}/test", &hook, None).await;
        let since = "?since=2026-01-01T00:00:00Z";
        self.post_by(Who::Admin, "POST /api/v1/webhooks/{id}/redeliver", (&hook, since), None).await;
    }
}
