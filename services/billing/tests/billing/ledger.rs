//! The ledger by hand, its periods and its reports.

use chrono::TimeDelta;
use hms_model::role::Role;
use hms_testkit::on_both_back_ends;
use serde_json::json;

use crate::common::{INVOICES, REPORTS, World, invoice};

const ENTRIES: &str = "/api/v1/accounting/entries";

on_both_back_ends! {
    async fn an_entry_by_hand_balances_and_is_reversed_once(backend) {
        let world = World::start(backend).await;
        let entry = |postings| json!({ "memo": "Rent", "currency": "EUR", "postings": postings });
        let right = json!([{ "account": "5000", "amount": 900 }, { "account": "1010", "amount": -900 }]);
        let made = world.books.post(ENTRIES, &entry(right)).await;
        made.expect(201);
        for (postings, status, code) in [
            (json!([{ "account": "5000", "amount": 900 }, { "account": "1010", "amount": -899 }]), 422, "UNPROCESSABLE"),
            (json!([{ "account": "5000", "amount": 0 }, { "account": "1010", "amount": 0 }]), 422, "UNPROCESSABLE"),
            (json!([]), 422, "UNPROCESSABLE"),
            (json!([{ "account": "9999", "amount": 1 }, { "account": "1010", "amount": -1 }]), 422, "UNKNOWN_REFERENCE"),
        ] {
            world.books.post(ENTRIES, &entry(postings)).await.expect_problem(status, code);
        }
        let reverse = format!("{ENTRIES}/{}/reverse", made.text("id"));
        let reversal = world.books.post(&reverse, &json!({ "memo": "Wrong" })).await;
        assert_eq!(reversal.expect(201)["reverses"], made["id"]);
        world.books.post(&reverse, &json!({ "memo": "Again" })).await.expect_problem(409, "ILLEGAL_TRANSITION");
        let again = format!("{ENTRIES}/{}/reverse", reversal.text("id"));
        world.books.post(&again, &json!({ "memo": "Back" })).await.expect_problem(409, "ILLEGAL_TRANSITION");
        assert_eq!(world.balances(&["5000", "1010"]).await, [0, 0]);
        world.desk.get(ENTRIES).await.expect_problem(403, "FORBIDDEN");
        world.app.stop().await;
    }

    async fn a_key_of_one_department_reaches_neither_the_books_nor_another_ones_invoices(backend) {
        let world = World::start(backend).await;
        let (patient, here, there) =
            (world.patient().await, world.department("Here").await, world.department("There").await);
        let mut claims = world.app.claims(&[Role::Accountant]);
        claims.department_id = Some(here);
        let bound = world.app.client_with(claims);
        let of = |department| {
            let mut body = invoice(patient, 100);
            body["department_id"] = json!(department);
            body["issue"] = json!({});
            body
        };
        bound.post(INVOICES, &of(there)).await.expect_problem(403, "FORBIDDEN");
        let own = bound.post(INVOICES, &of(here)).await;
        own.expect(201);
        let other = world.books.post(INVOICES, &of(there)).await;
        bound.get(&crate::common::path(&other.expect(201)["id"])).await.expect_problem(404, "NOT_FOUND");
        assert_eq!(bound.get(INVOICES).await.expect(200).results().len(), 1);
        let pay = |id: &serde_json::Value| {
            json!({ "invoice_id": id, "method": "cash", "amount": crate::common::eur(1) })
        };
        bound.post(crate::common::PAYMENTS, &pay(&own["id"])).await.expect(201);
        bound.post(crate::common::PAYMENTS, &pay(&other["id"])).await.expect_problem(422, "UNKNOWN_REFERENCE");
        for path in [ENTRIES, "/api/v1/accounting/periods", "/api/v1/billing/claims"] {
            bound.get(path).await.expect_problem(403, "FORBIDDEN");
        }
        bound.get(&format!("{REPORTS}/trial-balance?currency=EUR")).await.expect_problem(403, "FORBIDDEN");
        world.app.stop().await;
    }

    async fn a_month_that_is_over_closes_and_takes_nothing_more(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let close = async |month: &str| {
            world.books.request("POST", &format!("/api/v1/accounting/periods/{month}/close"), &[], None).await
        };
        close("2026-03").await.expect_problem(409, "ILLEGAL_TRANSITION");
        close("March").await.expect_problem(400, "INVALID_REQUEST");
        close("2026-02").await.expect(201);
        close("2026-02").await.expect_problem(409, "ILLEGAL_TRANSITION");
        close("2026-01").await.expect_problem(409, "ILLEGAL_TRANSITION");
        let mut late = invoice(patient, 100);
        late["issue"] = json!({ "issued_on": "2026-02-28" });
        world.books.post(INVOICES, &late).await.expect_problem(409, "PERIOD_CLOSED");
        late["issue"] = json!({ "issued_on": "2026-03-01" });
        let bill = world.books.post(INVOICES, &late).await;
        assert_eq!(bill.expect(201)["number"], "INV-000001", "the refusal took no number");
        let list = world.books.get("/api/v1/accounting/periods").await;
        assert_eq!(list.expect(200).body[0]["month"], "2026-02");
        world.app.stop().await;
    }

    async fn the_reports_add_up_as_json_and_as_csv(backend) {
        let world = World::start(backend).await;
        let (patient, department) = (world.patient().await, world.department("=Cardiology").await);
        let mut body = invoice(patient, 10_000);
        body["department_id"] = json!(department);
        body["lines"][0]["tax_rate"] = json!(190_000);
        body["issue"] = json!({});
        let bill = world.books.post(INVOICES, &body).await.expect(201).body.clone();
        world.issued(patient, 2_500).await;
        world.pay(&bill, "cash", 12_000).await.expect(201);
        let report = async |name: &str| world.books.get(&format!("{REPORTS}/{name}")).await;
        let sheet = report("balance-sheet?currency=EUR").await;
        let sums = ["assets", "liabilities", "equity", "result"].map(|name| sheet[name].as_i64().unwrap());
        assert_eq!(sums, [14_500, 2_000, 0, 12_500]);
        let revenue = report("revenue?currency=EUR").await;
        let of = |id: serde_json::Value| {
            let rows = revenue.body.as_array().unwrap();
            rows.iter().find(|row| row["department_id"] == id).unwrap()["revenue"].as_i64().unwrap()
        };
        assert_eq!((of(json!(department)), of(json!(null))), (10_000, 2_500));
        let csv = report("revenue?currency=EUR&format=csv").await;
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        let text = csv.body.as_str().unwrap();
        assert!(text.contains(&format!("{department},'=Cardiology,100.00,EUR\n")), "{text}");
        let csv = report("trial-balance?currency=EUR&format=csv").await;
        let expected = "account,name,kind,debit,credit,balance,currency\n1000,Cash,asset,120.00,0.00,120.00,EUR\n";
        assert!(csv.body.as_str().unwrap().starts_with(expected), "{}", csv.body);
        world.app.clock.advance(TimeDelta::days(40));
        let later = world.app.client(&[Role::Accountant]);
        let age = later.get(&format!("{REPORTS}/receivables?currency=EUR&format=csv")).await;
        assert!(age.body.as_str().unwrap().contains("patient,0.00,25.00,0.00,0.00,0.00,25.00\n"), "{}", age.body);
        let none = later.get(&format!("{REPORTS}/income-statement?currency=EUR&from=2026-03-03")).await;
        assert_eq!(none.expect(200)["income"], 0);
        later.get(&format!("{REPORTS}/trial-balance?currency=EUR&colour=red")).await.expect_problem(400, "INVALID_REQUEST");
        later.get(&format!("{REPORTS}/trial-balance")).await.expect_problem(400, "INVALID_REQUEST");
        world.app.stop().await;
    }
}
