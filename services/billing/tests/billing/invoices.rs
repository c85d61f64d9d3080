//! Drafts, issued invoices, credit notes, dunning, and the invoice that follows from an appointment.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use futures_util::future::join_all;
use hms_model::audit::Action;
use hms_model::event::{
    AppointmentFacts, AppointmentFulfilled, AuditRecorded, BillingInvoiceIssued, BillingInvoicePaid,
    BillingInvoiceVoided, Envelope,
};
use hms_model::id::Id;
use hms_testkit::on_both_back_ends;
use serde_json::{Value, json};

use crate::common::{CATALOGUE, INVOICES, World, eur, invoice, path};

on_both_back_ends! {
    async fn a_draft_is_written_anew_and_issued_with_a_number(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let draft = world.desk.post(INVOICES, &invoice(patient, 1_000)).await;
        draft.expect(201);
        assert_eq!((&draft["status"], &draft["number"]), (&json!("draft"), &Value::Null));
        let mut anew = invoice(patient, 999);
        anew["lines"][0]["quantity"] = json!("3");
        anew["lines"][0]["discount_rate"] = json!(100_000);
        anew["lines"][0]["tax_rate"] = json!(190_000);
        let changed = world.desk.put(&path(&draft["id"]), &anew).await;
        changed.expect(200);
        assert_eq!(changed["total"], eur(3_209));
        let desk = world.desk.post(&format!("{}/issue", path(&draft["id"])), &json!({})).await;
        desk.expect_problem(403, "FORBIDDEN");
        let stale = [("if-match", "\"1\"")];
        let late = world.books.post_with(&format!("{}/issue", path(&draft["id"])), &json!({}), &stale).await;
        late.expect_problem(412, "PRECONDITION_FAILED");
        let issued = world.step(&draft.body, "issue", Some(json!({ "due_in_days": 14 }))).await;
        issued.expect(200);
        assert_eq!(issued["number"], "INV-000001");
        assert_eq!((&issued["issued_on"], &issued["due_on"]), (&json!("2026-03-02"), &json!("2026-03-16")));
        assert_eq!(world.balances(&["1100", "4000", "2200"]).await, [3_209, -2_697, -512]);
        let again = world.step(&draft.body, "issue", Some(json!({}))).await;
        again.expect_problem(409, "ILLEGAL_TRANSITION");
        assert_eq!(again["error"]["details"]["allowed"], json!(["partly_paid", "paid", "void", "written_off"]));
        world.desk.put(&path(&draft["id"]), &anew).await.expect_problem(409, "ILLEGAL_TRANSITION");
        let told = world.app.published_of::<BillingInvoiceIssued>().await;
        assert_eq!((told.len(), told[0].0.number.as_str(), told[0].0.total.amount), (1, "INV-000001", 3_209));
        assert_eq!(json!(told[0].0.issued_on), issued["issued_on"]);
        world.app.stop().await;
    }

    async fn what_cannot_be_billed_is_refused(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let with = |field: &str, value: Value| {
            let mut body = invoice(patient, 100);
            body[field] = value;
            body
        };
        let line = |value: Value| with("lines", json!([value]));
        let cases = [
            (with("patient_id", json!(Id::<()>::new(world.app.clock.now()))), 422, "UNKNOWN_REFERENCE"),
            (with("department_id", json!(Id::<()>::new(world.app.clock.now()))), 422, "UNKNOWN_REFERENCE"),
            (with("payer_id", json!(Id::<()>::new(world.app.clock.now()))), 422, "UNKNOWN_REFERENCE"),
            (with("currency", json!("EURO")), 400, "INVALID_REQUEST"),
            (with("total", json!(1)), 400, "INVALID_REQUEST"),
            (line(json!({ "description": "x" })), 422, "UNPROCESSABLE"),
            (line(json!({ "description": "x", "unit_price": -1 })), 422, "UNPROCESSABLE"),
            (line(json!({ "description": "x", "unit_price": 1.5 })), 400, "INVALID_REQUEST"),
            (line(json!({ "description": "x", "unit_price": 1, "quantity": "0" })), 400, "INVALID_REQUEST"),
            (line(json!({ "description": "x", "unit_price": 1, "tax_rate": 1_000_001 })), 400, "INVALID_REQUEST"),
            (line(json!({ "description": "x", "unit_price": i64::MAX, "quantity": "2" })), 422, "UNPROCESSABLE"),
            (line(json!({ "code": "NONE" })), 422, "UNPROCESSABLE"),
        ];
        for (body, status, code) in cases {
            world.desk.post(INVOICES, &body).await.expect_problem(status, code);
        }
        let empty = world.desk.post(INVOICES, &with("lines", json!([]))).await;
        world.step(&empty.expect(201).body, "issue", Some(json!({}))).await.expect_problem(422, "UNPROCESSABLE");
        assert_eq!(world.issued(patient, 1).await["number"], "INV-000001", "a refusal takes no number");
        world.app.stop().await;
    }

    async fn numbers_have_no_gap_whoever_issues_at_the_same_time(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let drafts = join_all((0..24).map(|_| async {
            world.desk.post(INVOICES, &invoice(patient, 100)).await.expect(201).body.clone()
        }))
        .await;
        // Each is issued by two at once, of whom one comes too late.
        let answers = join_all(drafts.iter().chain(&drafts).map(|draft| world.step(draft, "issue", Some(json!({}))))).await;
        let numbers: BTreeSet<_> =
            answers.iter().filter(|answer| answer.status == 200).map(|answer| answer.text("number")).collect();
        let expected: BTreeSet<_> = (1..=24).map(|number| format!("INV-{number:06}")).collect();
        assert_eq!(numbers, expected);
        assert_eq!(answers.iter().filter(|answer| answer.status == 409).count(), 24);
        assert_eq!(world.balances(&["1100", "4000"]).await, [2_400, -2_400]);
        world.app.stop().await;
    }

    async fn void_takes_the_entry_back_and_the_number_stays_taken(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let first = world.issued(patient, 500).await;
        world.step(&first, "void", None).await.expect(200);
        assert_eq!(world.balances(&["1100", "4000"]).await, [0, 0]);
        assert_eq!(world.issued(patient, 700).await["number"], "INV-000002");
        world.step(&first, "void", None).await.expect_problem(409, "ILLEGAL_TRANSITION");
        world.pay(&first, "cash", 100).await.expect_problem(409, "ILLEGAL_TRANSITION");
        assert_eq!(world.app.published_of::<BillingInvoiceVoided>().await.len(), 1);
        world.app.stop().await;
    }

    async fn a_credit_note_closes_what_is_open_and_what_was_paid_becomes_credit(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let bill = world.issued(patient, 1_000).await;
        world.pay(&bill, "cash", 600).await.expect(201);
        let lines = json!([{ "description": "Not done", "unit_price": 700 }]);
        let note = world.step(&bill, "credit", Some(json!({ "reason": "half of it", "lines": lines }))).await;
        note.expect(201);
        assert_eq!((&note["number"], &note["kind"]), (&json!("CN-000001"), &json!("credit_note")));
        let now = world.invoice(&bill["id"]).await;
        assert_eq!((&now["status"], &now["open"]), (&json!("paid"), &eur(0)));
        assert_eq!(world.balances(&["1000", "1100", "2100", "4000"]).await, [600, 0, -300, -300]);
        let next = world.issued(patient, 200).await;
        world.step(&next, "apply-credit", None).await.expect(200);
        assert_eq!(world.invoice(&next["id"]).await["status"], "paid");
        assert_eq!(world.balances(&["1100", "2100"]).await, [0, -100]);
        let more = json!({ "reason": "more", "lines": [{ "description": "x", "unit_price": 301 }] });
        world.step(&bill, "credit", Some(more)).await.expect_problem(422, "UNPROCESSABLE");
        world.step(&bill, "void", None).await.expect_problem(409, "ILLEGAL_TRANSITION");
        assert_eq!(world.app.published_of::<BillingInvoicePaid>().await.len(), 2);
        world.app.stop().await;
    }

    async fn what_nobody_pays_is_dunned_and_written_off(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let bill = world.issued(patient, 900).await;
        world.pay(&bill, "cash", 400).await.expect(201);
        let paid = world.issued(patient, 100).await;
        world.pay(&paid, "cash", 100).await.expect(201);
        let mut levels = Vec::new();
        for days in [30, 6, 1, 14, 14] {
            world.app.clock.advance(TimeDelta::days(days));
            let books = world.app.client(&[hms_model::role::Role::Accountant]);
            let dun = || books.request("POST", "/api/v1/billing/dunning", &[], None);
            // Two replicas at once: one does it.
            let raised: i64 = join_all([dun(), dun()])
                .await
                .iter()
                .map(|answer| answer.expect(200)["raised"].as_i64().unwrap())
                .sum();
            let level = books.get(&path(&bill["id"])).await["dunning_level"].as_i64().unwrap();
            levels.push((raised, level));
        }
        assert_eq!(levels, [(0, 0), (0, 0), (1, 1), (1, 2), (1, 3)]);
        let books = world.app.client(&[hms_model::role::Role::Accountant]);
        let age = books.get("/api/v1/accounting/reports/receivables?currency=EUR").await;
        assert_eq!(age.expect(200).body[0]["days_31_60"], 500);
        let off = format!("{}/write-off", path(&bill["id"]));
        books.post(&off, &json!({ "reason": "moved away" })).await.expect(200);
        let sums = books.get("/api/v1/accounting/reports/income-statement?currency=EUR").await;
        assert_eq!((&sums["income"], &sums["expense"], &sums["result"]), (&json!(1_000), &json!(500), &json!(500)));
        world.app.stop().await;
    }

    async fn a_dunning_that_is_sent_again_gives_the_first_answer(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let bill = world.issued(patient, 900).await;
        world.app.clock.advance(TimeDelta::days(37));
        let books = world.app.client(&[hms_model::role::Role::Accountant]);
        let dun = async |key: &str| books.request("POST", "/api/v1/billing/dunning", &[("Idempotency-Key", key)], None).await;
        let first = dun("one").await;
        assert_eq!(first.expect(200).body, json!({"raised": 1, "more": false}));
        let again = dun("one").await;
        assert_eq!((&again.expect(200).body, again.header("idempotent-replayed")), (&first.body, "true"));
        assert_eq!(dun("two").await.expect(200)["raised"], 0, "it is done for today");
        assert_eq!(books.get(&path(&bill["id"])).await["dunning_level"], 1);
        let acts = world.app.published_of::<AuditRecorded>().await;
        let act = acts.iter().find(|act| act.0.detail.as_deref() == Some("dunning level 1")).unwrap();
        assert_eq!(act.0.actor.account_id, Some(world.app.account_id(&books).await), "who asked for it did it");
        world.app.stop().await;
    }

    async fn a_fulfilled_appointment_drafts_an_invoice_once(backend) {
        let world = World::start_with(backend, &[("HMS_CURRENCY", "EUR")]).await;
        let (patient, department) = (world.patient().await, world.department("Cardiology").await);
        let price = json!({ "valid_from": "2026-01-01", "price": eur(8_000), "tax_rate": 0 });
        let service = json!({ "code": "APPOINTMENT", "name": "A consultation", "prices": [price] });
        world.books.post(CATALOGUE, &service).await.expect(201);
        let now = world.app.clock.now();
        let facts = |recorded| AppointmentFacts {
            appointment_id: Id::new(now),
            version: 3,
            patient_id: patient,
            practitioner_id: Id::new(now),
            practitioner_name: "Dr. Ada".into(),
            department_id: Some(department),
            start: now,
            end: now + TimeDelta::minutes(20),
            status: "fulfilled".into(),
            reason: None,
            recorded,
            ..blank(now)
        };
        let event = AppointmentFulfilled(facts(false));
        let envelope = Envelope::of("appointment", &event, Id::new(now), now).unwrap();
        for _ in 0..2 {
            world.app.deliver_envelope(envelope.clone()).await.unwrap();
        }
        // The same fact by another event, and one that records what was billed elsewhere.
        world.app.deliver(&event).await;
        world.app.deliver(&AppointmentFulfilled(facts(true))).await;
        let list = world.desk.get(INVOICES).await;
        assert_eq!(list.expect(200).results().len(), 1);
        let draft = &list.results()[0];
        assert_eq!((&draft["status"], &draft["total"]), (&json!("draft"), &eur(8_000)));
        assert_eq!(draft["department_id"], json!(department));
        assert_eq!(draft["lines"][0]["code"], "APPOINTMENT");
        // The audit knows of the one draft, and that no account asked for it.
        let entries = world.app.published_of::<AuditRecorded>().await;
        let made = |AuditRecorded(entry): &&AuditRecorded| entry.action == Action::Create && entry.resource == "invoice";
        let told: Vec<_> = entries.iter().filter(made).collect();
        let [AuditRecorded(entry)] = told[..] else { panic!("{told:?}") };
        assert_eq!(entry.resource_id.as_deref(), draft["id"].as_str());
        assert_eq!((&entry.patient_ids[..], entry.detail.as_deref()), (&[patient][..], Some("draft")));
        assert_eq!((entry.actor.account_id, entry.service.as_str()), (None, "billing"));
        world.app.stop().await;
    }

    async fn patients_see_their_own_and_no_drafts(backend) {
        let world = World::start(backend).await;
        let (ann, bo) = (world.patient().await, world.patient().await);
        let (anns, bos) = (world.issued(ann, 100).await, world.issued(bo, 200).await);
        let draft = world.desk.post(INVOICES, &invoice(ann, 300)).await;
        world.pay(&anns, "cash", 10).await.expect(201);
        let client = world.app.client_of_patient(ann);
        client.get(&path(&anns["id"])).await.expect(200);
        client.get(&path(&bos["id"])).await.expect_problem(404, "NOT_FOUND");
        client.get(&path(&draft["id"])).await.expect_problem(404, "NOT_FOUND");
        assert_eq!(client.get(INVOICES).await.expect(200).results().len(), 1);
        assert_eq!(client.get(crate::common::PAYMENTS).await.expect(200).results().len(), 1);
        world.pay(&anns, "cash", 10).await.expect(201);
        client.post(INVOICES, &invoice(ann, 1)).await.expect_problem(403, "FORBIDDEN");
        world.app.stop().await;
    }
}

/// What else the facts of an appointment may say.
fn blank(now: chrono::DateTime<chrono::Utc>) -> AppointmentFacts {
    serde_json::from_value(json!({
        "appointment_id": Id::<()>::new(now), "version": 1, "patient_id": Id::<()>::new(now),
        "practitioner_id": Id::<()>::new(now), "practitioner_name": "", "department_id": null,
        "start": now, "end": now, "status": "fulfilled", "reason": null,
    }))
    .unwrap()
}
