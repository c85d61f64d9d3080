//! Payers, coverages, the split of an invoice, and what becomes of claims.

use hms_testkit::on_both_back_ends;
use serde_json::{Value, json};

use crate::common::{INVOICES, World, eur, invoice};

const CLAIMS: &str = "/api/v1/billing/claims";

async fn insured(world: &World, cents: i64) -> (Value, Value) {
    let patient = world.patient().await;
    let payer = world.desk.post("/api/v1/billing/payers", &json!({ "name": "Saltby Mutual" })).await;
    let coverage = json!({
        "patient_id": patient, "payer_id": payer.expect(201)["id"], "valid_from": "2026-01-01",
        "terms": { "share": 800_000, "copay": 100 },
    });
    let coverage = world.desk.post("/api/v1/billing/coverages", &coverage).await;
    let mut body = invoice(patient, cents);
    body["coverage_id"] = coverage.expect(201)["id"].clone();
    body["issue"] = json!({});
    let bill = world.books.post(INVOICES, &body).await.expect(201).body.clone();
    let claims = world.desk.get(&format!("{CLAIMS}?invoice_id={}", bill["id"].as_str().unwrap())).await;
    (bill, claims.expect(200).results()[0].clone())
}

async fn step(world: &World, claim: &Value, step: &str, body: Value) -> hms_testkit::Answer {
    world.desk.post(&format!("{CLAIMS}/{}/{step}", claim["id"].as_str().unwrap()), &body).await
}

on_both_back_ends! {
    async fn an_invoice_is_split_and_each_side_pays_its_part(backend) {
        let world = World::start(backend).await;
        let (bill, claim) = insured(&world, 1_000).await;
        assert_eq!((&bill["payer_due"], &bill["patient_due"]), (&eur(720), &eur(280)));
        assert_eq!((&claim["status"], &claim["claimed"]), (&json!("draft"), &eur(720)));
        assert_eq!(world.balances(&["1100", "1110"]).await, [280, 720]);
        step(&world, &claim, "submit", json!({})).await.expect(200);
        step(&world, &claim, "accept", json!({})).await.expect(200);
        world.pay(&bill, "insurance", 720).await.expect(201);
        assert_eq!(world.invoice(&bill["id"]).await["status"], "partly_paid");
        world.pay(&bill, "cash", 280).await.expect(201);
        assert_eq!(world.invoice(&bill["id"]).await["status"], "paid");
        let claim = world.desk.get(&format!("{CLAIMS}/{}", claim["id"].as_str().unwrap())).await;
        assert_eq!(claim.expect(200)["status"], "paid");
        assert_eq!(world.balances(&["1000", "1010", "1100", "1110"]).await, [280, 720, 0, 0]);
        world.app.stop().await;
    }

    async fn what_the_insurance_does_not_pay_the_patient_owes(backend) {
        let world = World::start(backend).await;
        let (bill, claim) = insured(&world, 1_000).await;
        step(&world, &claim, "accept", json!({})).await.expect_problem(409, "ILLEGAL_TRANSITION");
        step(&world, &claim, "submit", json!({})).await.expect(200);
        let agreed = json!({ "agreed": eur(500), "reason": "over the tariff" });
        step(&world, &claim, "accept", agreed).await.expect(200);
        assert_eq!(world.balances(&["1100", "1110"]).await, [500, 500]);
        let now = world.invoice(&bill["id"]).await;
        assert_eq!((&now["patient_due"], &now["payer_due"]), (&eur(500), &eur(500)));
        let (other, claim) = insured(&world, 2_000).await;
        step(&world, &claim, "submit", json!({})).await.expect(200);
        step(&world, &claim, "reject", json!({ "reason": "not a member" })).await.expect(200);
        assert_eq!(world.invoice(&other["id"]).await["patient_due"], eur(2_000));
        assert_eq!(world.balances(&["1100", "1110"]).await, [2_500, 500]);
        step(&world, &claim, "reject", json!({ "reason": "again" })).await.expect_problem(409, "ILLEGAL_TRANSITION");
        world.app.stop().await;
    }

    async fn a_void_invoice_ends_its_claim(backend) {
        let world = World::start(backend).await;
        let (bill, claim) = insured(&world, 1_000).await;
        world.step(&bill, "void", None).await.expect(200);
        step(&world, &claim, "submit", json!({})).await.expect_problem(409, "ILLEGAL_TRANSITION");
        assert_eq!(world.balances(&["1100", "1110", "4000"]).await, [0, 0, 0]);
        world.app.stop().await;
    }
}
