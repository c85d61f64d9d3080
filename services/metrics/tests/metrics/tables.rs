//! Figures as a table.

use hms_model::event::{AppointmentFacts, AppointmentScheduled, BillingInvoiceIssued};
use hms_model::money::Currency;
use hms_testkit::on_both_back_ends;

use crate::common::{DAILY, World};

on_both_back_ends! {
    async fn a_table_has_a_column_for_each_currency_and_no_formula(backend) {
        let world = World::start(backend).await;
        let evil = world.department("=HYPERLINK(\"http://evil.example\",\"click\")").await;
        let mia = world.practitioner("Dr. \"Mia\", Chen").await.practitioner_id;
        let facts = AppointmentFacts { department_id: Some(evil), ..world.appointment(mia, "2026-03-02T09:00:00Z") };
        world.app.deliver(&AppointmentScheduled(facts)).await;
        for currency in [Currency::EUR, Currency::JPY] {
            world.app.deliver(&BillingInvoiceIssued(world.invoice("2026-03-02", 1_000, currency))).await;
        }
        let day = format!("{DAILY}?from=2026-03-02&to=2026-03-02");
        let by_query = world.admin.get(&format!("{day}&group_by=department&format=csv")).await;
        let by_header = world.admin.request("GET", &format!("{day}&group_by=department"), &[("accept", "text/csv")], None).await;
        assert_eq!(by_query.expect(200).body, by_header.expect(200).body);
        assert_eq!(by_query.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(by_query.header("content-disposition"), "attachment; filename=\"daily.csv\"");
        let text = by_query.body.as_str().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].starts_with("from,to,week,department_id,department,practitioner_id,practitioner,appointments,proposed,"));
        assert!(lines[0].ends_with(",new_patients,invoiced_EUR,credited_EUR,net_EUR,collected_EUR,refunded_EUR,invoiced_JPY,credited_JPY,net_JPY,collected_JPY,refunded_JPY"));
        // What belongs to no department comes first.
        assert!(lines[1].ends_with(",1000,0,1000,0,0,1000,0,1000,0,0"), "{text}");
        assert!(lines[2].contains(",\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"click\"\")\","), "{text}");
        let by_practitioner = world.admin.get(&format!("{day}&group_by=practitioner&format=csv")).await;
        assert!(by_practitioner.body.as_str().unwrap().contains(",\"Dr. \"\"Mia\"\", Chen\",1,"));
        // JSON where both are accepted, or the query says so.
        let json = world.admin.request("GET", &format!("{day}&format=json"), &[("accept", "text/csv")], None).await;
        assert!(json.expect(200)["results"].is_array());
    }
}
