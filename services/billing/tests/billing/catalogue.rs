//! The catalogue: prices by period, and their history.

use hms_testkit::on_both_back_ends;
use serde_json::{Value, json};

use crate::common::{CATALOGUE, INVOICES, World, eur};

on_both_back_ends! {
    async fn a_price_begins_and_the_one_before_stays_known(backend) {
        let world = World::start(backend).await;
        let patient = world.patient().await;
        let price = |from: &str, cents| json!({ "valid_from": from, "price": eur(cents), "tax_rate": 70_000 });
        let body = json!({ "code": "XRAY", "name": "An X-ray", "prices": [price("2026-01-01", 5_000)] });
        let item = world.books.post(CATALOGUE, &body).await;
        item.expect(201);
        world.books.post(CATALOGUE, &body).await.expect_problem(409, "DUPLICATE");
        world.desk.post(CATALOGUE, &body).await.expect_problem(403, "FORBIDDEN");
        let own = format!("{CATALOGUE}/{}", item.text("id"));
        let prices = format!("{own}/prices");
        world.books.post(&prices, &price("2026-03-01", 6_000)).await.expect(200);
        world.books.post(&prices, &price("2026-03-01", 7_000)).await.expect_problem(409, "DUPLICATE");
        let line = json!({
            "patient_id": patient, "currency": "EUR", "lines": [{ "code": "XRAY", "quantity": "2" }],
        });
        let bill = world.desk.post(INVOICES, &line).await;
        assert_eq!((&bill.expect(201)["net"], &bill["tax"]), (&eur(12_000), &eur(840)));
        assert_eq!(bill["lines"][0]["description"], "An X-ray");
        let mut earlier = line.clone();
        earlier["issue"] = json!({ "issued_on": "2026-02-10" });
        let bill = world.books.post(INVOICES, &earlier).await;
        assert_eq!(bill.expect(201)["net"], eur(10_000), "the price of the day");
        let shown = world.desk.get(&own).await;
        let from: Vec<_> = shown["prices"].as_array().unwrap().iter().map(|price| &price["valid_from"]).collect();
        assert_eq!(from, [&json!("2026-03-01"), &json!("2026-01-01")]);
        world.books.patch(&own, &json!({ "active": false })).await.expect(200);
        world.desk.post(INVOICES, &line).await.expect_problem(422, "UNPROCESSABLE");
        let found = world.desk.get(&format!("{CATALOGUE}?search=x-r&active=false")).await;
        assert_eq!(found.expect(200).results().iter().map(|item| &item["code"]).collect::<Vec<&Value>>(), ["XRAY"]);
        world.app.stop().await;
    }
}
