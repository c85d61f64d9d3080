//! What else people are told of: offers, invoices, and that somebody broke the glass.

use crate::common::{App, message, messages, outgoing, reachable, wants};
use chrono::TimeDelta;
use hms_model::Clock;
use hms_model::event::{
    AccessBreakGlass, BillingInvoiceIssued, BreakGlassFacts, InvoiceFacts, OfferFacts, WaitlistOffered,
};
use hms_model::id::{Id, PatientId};
use hms_model::money::{Currency, Money};
use hms_testkit::{on_both_back_ends, until};
use serde_json::json;

pub fn offer(clock: &Clock, patient_id: PatientId, minutes: i64) -> WaitlistOffered {
    let now = clock.now();
    WaitlistOffered(OfferFacts {
        entry_id: Id::new(now),
        version: 2,
        offer_id: Id::new(now),
        patient_id,
        practitioner_id: Id::new(now),
        practitioner_name: "Dr. Mia Chen".into(),
        department_id: None,
        appointment_type_id: None,
        start: now + TimeDelta::hours(25),
        end: now + TimeDelta::hours(26),
        zone: Some("Europe/Berlin".into()),
        expires_at: now + TimeDelta::minutes(minutes),
    })
}

pub fn invoice(clock: &Clock, patient_id: PatientId, kind: &str) -> BillingInvoiceIssued {
    let now = clock.now();
    let total = Money::new(11_900, Currency::EUR);
    BillingInvoiceIssued(InvoiceFacts {
        invoice_id: Id::new(now),
        version: 2,
        number: "2026-000007".into(),
        kind: kind.into(),
        patient_id,
        appointment_id: None,
        issued_on: None,
        department_id: None,
        practitioner_id: None,
        total,
        open: total,
        due_on: None,
    })
}

on_both_back_ends! {
    async fn an_offer_comes_through_quiet_hours_and_never_after_its_end(backend) {
        let app = App::start(backend).await;
        let (ann, own) = reachable(&app).await;
        wants(&own, ann, json!({
            "channels": {"waitlist": ["sms"]},
            "quiet_hours": {"from": "00:00", "to": "23:59", "zone": "UTC"},
        })).await;
        app.deliver(&offer(&app.clock, ann, 30)).await;
        message(&own, "kind=waitlist.offer&status=sent").await;
        let [text] = &outgoing(&app, ".txt")[..] else { panic!("one text message") };
        assert!(text.contains("Dienstag, 3. März 2026, 10:00 CET") && text.contains("Montag, 2. März 2026, 09:30 CET"), "{text}");

        // The second one is over before anybody could send it.
        app.deliver(&offer(&app.clock, ann, 0)).await;
        let late = message(&own, "kind=waitlist.offer&status=skipped").await;
        assert_eq!(late["error"], "it would be of no use any more");
        assert_eq!(outgoing(&app, ".txt").len(), 1);
        app.stop().await;
    }

    async fn an_invoice_is_told_and_a_credit_note_is_not(backend) {
        let app = App::start(backend).await;
        let (ann, own) = reachable(&app).await;
        app.deliver(&invoice(&app.clock, ann, "credit_note")).await;
        app.deliver(&invoice(&app.clock, ann, "invoice")).await;
        let told = message(&own, "channel=in_app").await;
        assert_eq!((&told["kind"], &told["subject"]), (&json!("billing.invoice"), &json!("Ihre Rechnung 2026-000007")));
        assert!(told["body"].as_str().unwrap().contains("Betrag: 119.00 EUR\n"), "{told}");
        messages(&own, "", 2).await;
        app.stop().await;
    }

    async fn that_the_glass_was_broken_is_mailed_to_who_guards_privacy_with_ids_alone(backend) {
        let app = App::start_with(backend, &[("HMS_PRIVACY_EMAIL", "privacy@clinic.example")]).await;
        let (ann, _) = reachable(&app).await;
        let now = app.clock.now();
        let facts = BreakGlassFacts {
            break_glass_id: Id::new(now),
            version: 1,
            account_id: Id::new(now),
            patient_id: ann,
            until: now + TimeDelta::hours(12),
        };
        app.deliver(&AccessBreakGlass(facts.clone())).await;
        let mail = until("the mail", 10, async || outgoing(&app, ".eml").pop()).await;
        assert!(mail.contains("To: privacy@clinic.example\r\n"), "{mail}");
        for id in [facts.break_glass_id.to_string(), facts.account_id.to_string(), ann.to_string()] {
            assert!(mail.contains(&id), "{id} is not in {mail}");
        }
        assert!(!mail.contains("Ann") && !mail.contains("Lee"), "{mail}");
        app.stop().await;
    }

    async fn nobody_is_told_of_broken_glass_where_nobody_guards_privacy(backend) {
        let app = App::start(backend).await;
        let (ann, own) = reachable(&app).await;
        let now = app.clock.now();
        let facts = BreakGlassFacts { break_glass_id: Id::new(now), version: 1, account_id: Id::new(now), patient_id: ann, until: now };
        app.deliver(&AccessBreakGlass(facts)).await;
        app.deliver(&invoice(&app.clock, ann, "invoice")).await;
        message(&own, "channel=email&status=sent").await;
        assert_eq!(outgoing(&app, ".eml").len(), 1, "the invoice");
        app.stop().await;
    }
}
