//! Invoices as PDF.

use hms_testkit::on_both_back_ends;
use serde_json::json;

use crate::common::{INVOICES, World, invoice, path};

async fn pdf(world: &World, path: &str) -> Vec<u8> {
    // The answer is no text: the client of the stories cannot show it.
    let url = format!("{}{path}", world.app.base());
    let token = world.books.token().unwrap();
    let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/pdf".parse().unwrap())
    );
    answer.bytes().await.unwrap().to_vec()
}

/// Whether a text stands in the file: as it is, or, where it has other letters than ASCII, as Windows-1252 in hex.
fn says(pdf: &[u8], text: &str) -> bool {
    let hex: String = text.chars().map(|letter| format!("{:02x}", u8::try_from(letter).unwrap())).collect();
    let pdf = String::from_utf8_lossy(pdf);
    pdf.contains(&format!("({text})")) || pdf.to_lowercase().contains(&format!("<{hex}>"))
}

on_both_back_ends! {
    async fn an_invoice_is_a_pdf_in_the_language_that_is_asked_for(backend) {
        let world = World::start_with(backend, &[("HMS_ORGANISATION", "Clinique d'Été")]).await;
        let patient = world.patient().await;
        let mut body = invoice(patient, 123_450);
        body["lines"][0]["tax_rate"] = json!(190_000);
        body["issue"] = json!({});
        let bill = world.books.post(INVOICES, &body).await.expect(201).body.clone();
        let cases = [
            ("", ["Invoice INV-000001", "2 March 2026", "1,234.50\u{a0}EUR"]),
            ("?language=de", ["Rechnung INV-000001", "2. März 2026", "1.469,06\u{a0}EUR"]),
            ("?language=fr", ["Facture INV-000001", "1er avril 2026", "1\u{a0}469,06\u{a0}EUR"]),
        ];
        for (query, texts) in cases {
            let pdf = pdf(&world, &format!("{}/pdf{query}", path(&bill["id"]))).await;
            assert!(pdf.starts_with(b"%PDF-") && pdf.ends_with(b"%%EOF"), "{query}");
            for text in texts.iter().chain(&["Ann Patient", "A visit", "Clinique d'Été"]) {
                assert!(says(&pdf, text), "{text} is not in the PDF of {query:?}");
            }
        }
        let own = |id: &serde_json::Value| format!("{}/pdf", path(id));
        world.books.get(&format!("{}?language=xx", own(&bill["id"]))).await.expect_problem(400, "INVALID_REQUEST");
        let draft = world.desk.post(INVOICES, &invoice(patient, 1)).await;
        world.books.get(&own(&draft["id"])).await.expect_problem(409, "ILLEGAL_TRANSITION");
        let (ann, other) = (world.app.client_of_patient(patient), world.patient().await);
        ann.get(&own(&bill["id"])).await.expect(200);
        world.app.client_of_patient(other).get(&own(&bill["id"])).await.expect_problem(404, "NOT_FOUND");
        world.app.stop().await;
    }
}
