//! Payments, refunds, reconciliation, and the command by which other services book what they took.

use chrono::TimeDelta;
use diesel::RunQueryDsl;
use futures_util::future::join_all;
use hms_db::{Db, Error};
use hms_model::event::{BillingPaymentCaptured, BillingPaymentRefunded};
use hms_model::role::Role;
use hms_testkit::database::wanted;
use hms_testkit::{Backend, on_both_back_ends, until};
use serde_json::{Value, json};

use crate::common::{PAYMENTS, World, eur};

async fn refund(world: &World, payment: &Value, amount: Value) -> hms_testkit::Answer {
    let path = format!("{PAYMENTS}/{}/refund", payment["id"].as_str().unwrap());
    let mut body = json!({ "reason": "asked for" });
    if !amount.is_null() {
        body["amount"] = amount;
    }
    world.books.post(&path, &body).await
}

on_both_back_ends! {
    async fn parts_settle_and_what_is_more_becomes_credit(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let bill = world.issued(patient, 1_000).await;
        world.pay(&bill, "cash", 300).await.expect(201);
        assert_eq!(world.invoice(&bill["id"]).await["status"], "partly_paid");
        let last = world.pay(&bill, "card", 900).await;
        assert_eq!(last.expect(201)["unapplied"], eur(200));
        assert_eq!(world.invoice(&bill["id"]).await["status"], "paid");
        assert_eq!(world.balances(&["1000", "1020", "1100", "2100"]).await, [300, 900, 0, -200]);
        let next = world.issued(patient, 150).await;
        world.step(&next, "apply-credit", None).await.expect(200);
        assert_eq!(world.balances(&["1100", "2100"]).await, [0, -50]);
        assert_eq!(world.app.published_of::<BillingPaymentCaptured>().await.len(), 2);
        world.app.stop().await;
    }

    async fn a_refund_takes_credit_first_and_then_opens_the_invoice(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let bill = world.issued(patient, 1_000).await;
        let payment = world.pay(&bill, "cash", 1_200).await;
        payment.expect(201);
        let some = refund(&world, &payment.body, eur(150)).await;
        assert_eq!((&some.expect(200)["status"], &some["unapplied"]), (&json!("partly_refunded"), &eur(50)));
        assert_eq!(world.invoice(&bill["id"]).await["status"], "paid");
        refund(&world, &payment.body, eur(1_051)).await.expect_problem(422, "UNPROCESSABLE");
        refund(&world, &payment.body, eur(450)).await.expect(200);
        let open = world.invoice(&bill["id"]).await;
        assert_eq!((&open["status"], &open["open"]), (&json!("partly_paid"), &eur(400)));
        let rest = refund(&world, &payment.body, Value::Null).await;
        assert_eq!(rest.expect(200)["status"], "refunded");
        assert_eq!(world.invoice(&bill["id"]).await["status"], "issued");
        refund(&world, &payment.body, Value::Null).await.expect_problem(409, "ILLEGAL_TRANSITION");
        assert_eq!(world.balances(&["1000", "1100", "2100"]).await, [0, 1_000, 0]);
        let told = world.app.published_of::<BillingPaymentRefunded>().await;
        let amounts: Vec<_> = told.iter().map(|event| event.0.amount.amount).collect();
        assert_eq!(amounts, [150, 450, 600]);
        let today = world.app.clock.now().date_naive();
        assert!(told.iter().all(|event| event.0.booked_on == Some(today)));
        let shown = world.books.get(&format!("{PAYMENTS}/{}", payment.text("id"))).await;
        assert_eq!(shown.expect(200)["refunds"].as_array().unwrap().len(), 3);
        world.app.stop().await;
    }

    async fn credit_is_used_up_from_the_oldest_payment_on(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        for _ in 0..20 {
            world.credit(patient, 50).await;
            world.app.clock.advance(TimeDelta::seconds(1));
        }
        let bill = world.issued(patient, 930).await;
        assert_eq!(world.step(&bill, "apply-credit", None).await.expect(200)["status"], "paid");
        assert_eq!(world.balances(&["1100", "2100"]).await, [0, -70]);
        let left = world.books.get(&format!("{PAYMENTS}?ordering=created_at&page_size=100")).await;
        let left: Vec<_> = left.results().iter().map(|payment| payment["unapplied"]["amount"].clone()).collect();
        let expected: Vec<_> = [[0; 18].as_slice(), &[20, 50]].concat().into_iter().map(Value::from).collect();
        assert_eq!(left, expected);
        let next = world.issued(patient, 1_000).await;
        assert_eq!(world.step(&next, "apply-credit", None).await.expect(200)["open"], eur(930));
        world.step(&next, "apply-credit", None).await.expect_problem(422, "UNPROCESSABLE");
        world.app.stop().await;
    }

    async fn refunds_at_once_give_no_more_than_was_paid(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let bill = world.issued(patient, 1_000).await;
        let payment = world.pay(&bill, "cash", 1_000).await;
        let answers = join_all((0..8).map(|_| refund(&world, &payment.body, eur(300)))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 3, "3 x 300 of 1000");
        assert_eq!(world.balances(&["1000", "1100"]).await, [100, 900]);
        world.app.stop().await;
    }

    async fn what_cannot_be_taken_is_refused(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let bill = world.issued(patient, 100).await;
        let cases = [
            (json!({ "method": "cash", "amount": eur(1) }), 422),
            (json!({ "method": "cash", "amount": eur(0), "invoice_id": bill["id"] }), 422),
            (json!({ "method": "cash", "amount": eur(-5), "invoice_id": bill["id"] }), 422),
            (json!({ "method": "gold", "amount": eur(5), "invoice_id": bill["id"] }), 400),
            (json!({ "method": "cash", "amount": { "amount": 5, "currency": "USD" }, "invoice_id": bill["id"] }), 422),
            (json!({ "method": "insurance", "amount": eur(5), "invoice_id": bill["id"] }), 422),
            (json!({ "method": "cash", "amount": eur(5), "patient_id": bill["id"] }), 422),
            (json!({ "method": "cash", "amount": eur(5), "invoice_id": patient }), 422),
            (json!({ "method": "cash", "amount": eur(5), "invoice_id": bill["id"], "received_on": "2031-01-01" }), 422),
        ];
        for (body, status) in cases {
            world.desk.post(PAYMENTS, &body).await.expect(status);
        }
        assert_eq!(world.balances(&["1000", "1100"]).await, [0, 100]);
        world.app.stop().await;
    }

    async fn a_statement_reconciles_transfers_once(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let bill = world.issued(patient, 1_000).await;
        let body = json!({
            "invoice_id": bill["id"], "method": "transfer", "amount": eur(1_000), "reference": "INV-000001",
        });
        let payment = world.desk.post(PAYMENTS, &body).await;
        payment.expect(201);
        let csv = "date,amount,currency,reference\n\
                   2026-03-02,10.00,EUR,Thanks INV-000001\n2026-03-02,9.00,EUR,INV-000001\n";
        let path = format!("{PAYMENTS}/reconcile");
        let found = world.books.post(&path, &json!({ "csv": csv })).await;
        assert_eq!(found.expect(200)["matched"], json!([{ "line": 2, "payment_id": payment["id"] }]));
        assert_eq!(found["unmatched"], json!([{ "line": 3, "payment_id": null }]));
        let again = world.books.post(&path, &json!({ "csv": csv })).await;
        assert_eq!(again.expect(200)["matched"], json!([]));
        world.books.post(&path, &json!({ "csv": "a,b\n1,2" })).await.expect_problem(422, "UNPROCESSABLE");
        let shown = world.books.get(&format!("{PAYMENTS}/{}", payment.text("id"))).await;
        assert_eq!(shown["reconciled_on"], "2026-03-02");
        world.app.stop().await;
    }

    async fn another_service_books_a_payment_once(backend) {
        let world = World::start(backend).await;
        let mut claims = world.app.claims(&[Role::Service]);
        claims.aud = "hms-internal".into();
        let service = world.app.client_with(claims);
        let path = "/internal/billing/payments";
        let body = json!({
            "source": "facility", "source_reference": "booking 7", "method": "cash", "amount": eur(250),
        });
        let answers = join_all((0..6).map(|_| service.post(path, &body))).await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        let there = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!((made, there), (1, 5), "{:#?}", answers.iter().map(|answer| &answer.body).collect::<Vec<_>>());
        assert!(answers.iter().all(|answer| answer["id"] == answers[0]["id"]));
        assert_eq!(world.balances(&["1000", "4100"]).await, [250, -250]);
        let mut other = body.clone();
        other["amount"] = eur(251);
        service.post(path, &other).await.expect_problem(409, "DUPLICATE");
        world.books.post(path, &body).await.expect(401);
        let told = world.app.published_of::<BillingPaymentCaptured>().await;
        assert_eq!((told.len(), told[0].0.source.as_deref()), (1, Some("facility")));
        world.app.stop().await;
    }
}

/// On PostgreSQL alone: SQLite has one writer.
#[tokio::test]
async fn two_who_need_the_same_payments_hold_them_in_the_same_order() {
    if !wanted(Backend::Postgres) {
        return;
    }
    let world = World::start(Backend::Postgres).await;
    let patient = world.patient().await;
    let (first, second) = (world.issued(patient, 200).await, world.issued(patient, 500).await);
    // Both payments are partly with the first invoice, and partly credit.
    world.credit(patient, 100).await;
    world.app.clock.advance(TimeDelta::seconds(1));
    world.pay(&first, "cash", 140).await.expect(201);
    world.step(&first, "apply-credit", None).await.expect(200);
    let taken_back =
        |cents: i64| json!({ "reason": "x", "lines": [{ "description": "x", "unit_price": cents }] });
    world.step(&first, "credit", Some(taken_back(50))).await.expect(201);
    assert_eq!(world.number("SELECT count(*) AS number FROM payments WHERE unapplied > 0").await, 2);

    let (held, is_held) = tokio::sync::oneshot::channel();
    let (let_go, gone) = std::sync::mpsc::channel::<()>();
    let database = world.app.database.clone();
    let holder = tokio::spawn(async move {
        let hold = move |db: &mut Db| {
            let oldest = "SELECT 1 FROM payments ORDER BY id LIMIT 1 FOR UPDATE";
            diesel::sql_query(oldest).execute(db)?;
            held.send(()).unwrap();
            gone.recv().unwrap();
            Ok::<_, Error>(())
        };
        database.write(hold).await.unwrap();
    });
    is_held.await.unwrap();
    let waiting = async |count: i64| {
        let sql = "SELECT count(*) AS number FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        until("those who wait", 4, async || (world.number(sql).await == count).then_some(())).await;
    };
    let (use_it, take_it) =
        (world.step(&second, "apply-credit", None), world.step(&first, "credit", Some(taken_back(20))));
    let take_it = async {
        waiting(1).await;
        take_it.await
    };
    let then = async {
        waiting(2).await;
        let_go.send(()).unwrap();
    };
    let (used, taken, ()) = tokio::join!(use_it, take_it, then);
    used.expect(200);
    taken.expect(201);
    holder.await.unwrap();
    world.app.stop().await;
}
