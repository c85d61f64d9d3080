//! What an event does to the figures of a day.

use chrono::TimeDelta;
use hms_model::event::{
    AppointmentArrived, AppointmentCancelled, AppointmentFacts, AppointmentFulfilled, AppointmentNoshow,
    AppointmentRescheduled, AppointmentScheduled, AppointmentUpdated, BillingInvoiceIssued,
    BillingInvoicePaid, BillingInvoiceVoided, BillingPaymentCaptured, BillingPaymentRefunded, HolidayChanged,
    HolidayFacts, InvoiceFacts, PatientCreated, PatientFacts, PaymentFacts, QueueChanged, ScheduleChanged,
    ScheduleFacts, TicketFacts,
};
use hms_model::id::Id;
use hms_model::money::{Currency, Money};
use hms_testkit::{on_both_back_ends, until};
use serde_json::json;

use crate::common::{DAILY, WEEKLY, World, at, day, envelope, execute, number, uncounted};

on_both_back_ends! {
    async fn an_appointment_counts_once_for_the_day_that_it_is_on(backend) {
        let world = World::start(backend).await;
        let mia = world.practitioner("Dr. Mia Chen").await.practitioner_id;
        let booked = world.appointment(mia, "2026-03-02T09:00:00Z");
        world.app.deliver(&AppointmentScheduled(booked.clone())).await;
        world.app.deliver(&AppointmentScheduled(booked.clone())).await;
        let row = world.of_day("2026-03-02").await;
        assert_eq!((&row["appointments"], &row["by_status"]), (&json!(1), &json!({"booked": 1})));
        assert_eq!(row["utilisation"]["booked_minutes"], 30);

        let start = at("2026-03-03T09:00:00Z");
        let end = start + TimeDelta::minutes(45);
        let moved = AppointmentFacts { version: 2, start, end, ..booked.clone() };
        let came = AppointmentFacts { version: 3, status: "arrived".into(), ..moved.clone() };
        // The later first: what comes late is older than what is known.
        world.app.deliver(&AppointmentArrived(came.clone())).await;
        world.app.deliver(&AppointmentRescheduled(moved)).await;
        assert_eq!(world.of_day("2026-03-02").await["appointments"], 0);
        let row = world.of_day("2026-03-03").await;
        assert_eq!(row["by_status"], json!({"arrived": 1}));
        assert_eq!(row["utilisation"]["booked_minutes"], 45);

        let called_off = AppointmentFacts {
            version: 4,
            status: "cancelled".into(),
            late_cancellation: true,
            ..came
        };
        world.app.deliver(&AppointmentCancelled(called_off)).await;
        let row = world.of_day("2026-03-03").await;
        assert_eq!((&row["by_status"], &row["late_cancellations"]), (&json!({"cancelled": 1}), &json!(1)));
        assert_eq!(row["utilisation"]["booked_minutes"], 0);
    }

    async fn an_answer_is_right_before_and_after_a_day_was_counted(backend) {
        let world = World::start_with(backend, &[("HMS_METRICS_EVERY_MS", "50")]).await;
        let mia = world.practitioner("Dr. Mia Chen").await.practitioner_id;
        for number in 1..=20 {
            let booked = world.appointment(mia, "2026-03-02T09:00:00Z");
            world.app.deliver(&AppointmentScheduled(booked)).await;
            assert_eq!(world.of_day("2026-03-02").await["appointments"], number);
        }
        until("the day is counted", 10, async || (uncounted(&world.app.database).await == 0).then_some(())).await;
        assert_eq!(world.of_day("2026-03-02").await["appointments"], 20);
        let counted = number(&world.app.database, "SELECT days_counted AS number FROM jobs").await;
        assert!((1..=20).contains(&counted), "{counted}");
    }

    async fn no_shows_are_told_of_those_who_were_to_come(backend) {
        let world = World::start(backend).await;
        let mia = world.practitioner("Dr. Mia Chen").await.practitioner_id;
        assert_eq!(world.of_day("2026-03-02").await["no_show_rate"], json!(null));
        for (status, times) in [("noshow", 1), ("fulfilled", 2), ("arrived", 1), ("booked", 3), ("cancelled", 2)] {
            for _ in 0..times {
                let facts = world.appointment(mia, "2026-03-02T09:00:00Z");
                let facts = AppointmentFacts { status: status.into(), ..facts };
                match status {
                    "noshow" => world.app.deliver(&AppointmentNoshow(facts)).await,
                    "fulfilled" => world.app.deliver(&AppointmentFulfilled(facts)).await,
                    "arrived" => world.app.deliver(&AppointmentArrived(facts)).await,
                    "cancelled" => world.app.deliver(&AppointmentCancelled(facts)).await,
                    _ => world.app.deliver(&AppointmentScheduled(facts)).await,
                }
            }
        }
        let row = world.of_day("2026-03-02").await;
        assert_eq!((&row["appointments"], &row["no_show_rate"]), (&json!(9), &json!(0.25)));
    }

    async fn an_appointment_at_another_place_counts_there(backend) {
        let world = World::start(backend).await;
        let mia = world.practitioner("Dr. Mia Chen").await.practitioner_id;
        let (north, south) = (world.department("North").await, world.department("South").await);
        let facts = AppointmentFacts { department_id: Some(north), ..world.appointment(mia, "2026-03-02T09:00:00Z") };
        world.app.deliver(&AppointmentScheduled(facts.clone())).await;
        let elsewhere = AppointmentFacts { version: 2, department_id: Some(south), ..facts };
        world.app.deliver(&AppointmentUpdated(elsewhere)).await;
        let answer = world.admin.get(&format!("{DAILY}?from=2026-03-02&to=2026-03-02&group_by=department")).await;
        let rows: Vec<_> = answer.expect(200).results().iter().map(|row| (&row["department"], &row["appointments"])).collect();
        assert_eq!(rows, [(&json!("South"), &json!(1))]);
        for (department, count) in [(north, 0), (south, 1)] {
            let path = format!("{DAILY}?from=2026-03-02&to=2026-03-02&department_id={department}");
            assert_eq!(world.admin.get(&path).await["results"][0]["appointments"], count);
        }
    }

    async fn days_and_weeks_are_those_of_the_clinic(backend) {
        let zone = [("HMS_QUEUE_ZONE", "America/New_York"), ("HMS_METRICS_EVERY_MS", "3600000")];
        let world = World::start_with(backend, &zone).await;
        let mia = world.practitioner("Dr. Mia Chen").await.practitioner_id;
        // Sunday 23:30 and Monday 00:30 on both sides of the change of the clocks.
        for start in ["2026-03-09T03:30:00Z", "2026-03-09T04:30:00Z", "2026-03-02T04:30:00Z", "2026-03-02T05:30:00Z"] {
            world.app.deliver(&AppointmentScheduled(world.appointment(mia, start))).await;
        }
        let counts = async |path: &str, name: &str| {
            let answer = world.admin.get(path).await;
            let rows = answer.expect(200).results().iter().filter(|row| row["appointments"] != 0);
            rows.map(|row| (row[name].as_str().unwrap().to_owned(), row["appointments"].as_i64().unwrap())).collect::<Vec<_>>()
        };
        let daily = counts(&format!("{DAILY}?from=2026-02-20&to=2026-03-20"), "from").await;
        let expected = ["2026-03-01", "2026-03-02", "2026-03-08", "2026-03-09"].map(|day| (day.to_owned(), 1));
        assert_eq!(daily, expected);
        let weekly = counts(&format!("{WEEKLY}?from=2026-03-02&to=2026-03-09"), "week").await;
        assert_eq!(weekly, [("2026-W10".to_owned(), 2), ("2026-W11".to_owned(), 1)]);
        assert_eq!(world.admin.get(DAILY).await["zone"], "America/New_York");
    }

    async fn the_queue_is_told_by_its_tickets(backend) {
        let world = World::start(backend).await;
        let counter = world.department("Counter").await;
        let given = world.ticket(counter, "2026-03-01T09:00:00Z", "waiting");
        world.app.deliver(&QueueChanged(given.clone())).await;
        let called_at = Some(at("2026-03-01T09:10:00Z"));
        let called = TicketFacts { version: 2, status: "called".into(), called_at, changed_at: called_at, ..given };
        world.app.deliver(&QueueChanged(called.clone())).await;
        let ended_at = Some(at("2026-03-01T09:30:00Z"));
        let served = TicketFacts { version: 3, status: "served".into(), ended_at, changed_at: ended_at, ..called };
        world.app.deliver(&QueueChanged(served)).await;
        let other = world.ticket(counter, "2026-03-01T09:05:00Z", "left");
        let left = TicketFacts { changed_at: Some(at("2026-03-01T09:20:00Z")), ..other };
        world.app.deliver(&QueueChanged(left)).await;
        let row = world.of_day("2026-03-01").await;
        assert_eq!(row["waiting"], json!({
            "tickets": 2, "called": 1, "served": 1, "left": 1,
            "mean_seconds": 600, "p50_seconds": 600, "p90_seconds": 600,
        }));
        // 10 and 15 minutes of 20.
        assert_eq!(row["queue"], json!({ "longest": 2, "mean": 1.25 }));

        // Today somebody waits still, since ten minutes.
        world.app.deliver(&QueueChanged(world.ticket(counter, "2026-03-02T07:50:00Z", "waiting"))).await;
        assert_eq!(world.of_day("2026-03-02").await["queue"], json!({ "longest": 1, "mean": 1.0 }));
        // A ticket from before tickets told their times.
        let old = TicketFacts { arrived_at: None, changed_at: None, ..world.ticket(counter, "2026-03-02T07:50:00Z", "waiting") };
        world.app.deliver(&QueueChanged(old)).await;
        assert_eq!(world.of_day("2026-03-02").await["waiting"]["tickets"], 1);
    }

    async fn booked_minutes_stand_against_those_that_were_open(backend) {
        let world = World::start(backend).await;
        let (mia, tom) = (world.practitioner("Dr. Mia Chen").await.practitioner_id, world.practitioner("Dr. Tom Ray").await.practitioner_id);
        let department_id = world.department("Cardiology").await;
        for (practitioner, start) in [(mia, "2026-03-02T09:00:00Z"), (mia, "2026-03-03T09:00:00Z"), (tom, "2026-03-02T09:00:00Z")] {
            let facts = AppointmentFacts { department_id: Some(department_id), ..world.appointment(practitioner, start) };
            world.app.deliver(&AppointmentScheduled(facts)).await;
        }
        assert_eq!(world.of_day("2026-03-02").await["utilisation"], json!({"booked_minutes": 60, "open_minutes": null, "rate": null}));
        let schedule = ScheduleFacts {
            schedule_id: world.new_id(),
            version: 1,
            practitioner_id: mia,
            department_id,
            active: true,
            zone: "UTC".into(),
            valid_from: day("2026-01-01"),
            valid_to: None,
            week_minutes: [120, 60, 0, 0, 0, 0, 0],
            exceptions: Vec::new(),
        };
        world.app.deliver(&ScheduleChanged(schedule)).await;
        // Tom has no schedule: his half hour is booked, but measured against nothing.
        assert_eq!(world.of_day("2026-03-02").await["utilisation"], json!({"booked_minutes": 60, "open_minutes": 120, "rate": 0.25}));
        let of_mia = world.admin.get(&format!("{DAILY}?from=2026-03-02&to=2026-03-03&practitioner_id={mia}")).await;
        assert_eq!(of_mia["results"][1]["utilisation"], json!({"booked_minutes": 30, "open_minutes": 60, "rate": 0.5}));
        // The schedule was made today; of yesterday and before it says nothing.
        assert_eq!(world.of_day("2026-02-23").await["utilisation"]["open_minutes"], json!(null));
        let holiday = HolidayFacts { holiday_id: world.new_id(), version: 1, department_id: None, day: day("2026-03-02"), active: true };
        world.app.deliver(&HolidayChanged(holiday.clone())).await;
        assert_eq!(world.of_day("2026-03-02").await["utilisation"]["open_minutes"], json!(null));
        world.app.deliver(&HolidayChanged(HolidayFacts { version: 2, active: false, ..holiday.clone() })).await;
        world.app.deliver(&HolidayChanged(holiday)).await;
        assert_eq!(world.of_day("2026-03-02").await["utilisation"]["open_minutes"], 120);
    }

    async fn money_counts_each_currency_by_itself(backend) {
        let world = World::start(backend).await;
        let invoice = world.invoice("2026-03-02", 10_000, Currency::EUR);
        world.app.deliver(&BillingInvoiceIssued(invoice.clone())).await;
        // Issued and paid at once is told of twice, with one version.
        world.app.deliver(&BillingInvoicePaid(invoice.clone())).await;
        world.app.deliver(&BillingInvoiceIssued(world.invoice("2026-03-02", 700, Currency::JPY))).await;
        let credit = InvoiceFacts { kind: "credit_note".into(), ..world.invoice("2026-03-02", 1_500, Currency::EUR) };
        world.app.deliver(&BillingInvoiceIssued(credit)).await;
        let payment = world.payment("2026-03-02", 5_000, Currency::EUR);
        world.app.deliver(&BillingPaymentCaptured(payment.clone())).await;
        for (version, amount) in [(2, 300), (3, 200), (3, 200)] {
            let amount = Money::new(amount, Currency::EUR);
            let refund = PaymentFacts { version, amount, ..payment.clone() };
            world.app.deliver(&BillingPaymentRefunded(refund)).await;
        }
        let revenue = |currency: &str, numbers: [i64; 5]| {
            let [invoiced, credited, net, collected, refunded] = numbers;
            json!({"currency": currency, "invoiced": invoiced, "credited": credited, "net": net, "collected": collected, "refunded": refunded})
        };
        let row = world.of_day("2026-03-02").await;
        assert_eq!(row["revenue"], json!([revenue("EUR", [10_000, 1_500, 8_500, 5_000, 500]), revenue("JPY", [700, 0, 700, 0, 0])]));
        // Void: it counts for no day, and what is told of it late does not bring it back.
        let void = InvoiceFacts { version: 4, ..invoice.clone() };
        world.app.deliver(&BillingInvoiceVoided(void)).await;
        world.app.deliver(&BillingInvoicePaid(InvoiceFacts { version: 3, ..invoice })).await;
        let row = world.of_day("2026-03-02").await;
        assert_eq!(row["revenue"][0], revenue("EUR", [0, 1_500, -1_500, 5_000, 500]));
    }

    async fn a_patient_is_new_once(backend) {
        let world = World::start(backend).await;
        let patient = PatientFacts {
            patient_id: Id::new(world.app.clock.now()),
            version: 1,
            account_id: None,
            name: "Ann Lee".into(),
            email: None,
            phone: None,
            language: None,
            active: true,
        };
        let created = envelope(&PatientCreated(patient.clone()), at("2026-03-01T23:59:00Z"));
        world.app.deliver_envelope(created.clone()).await.unwrap();
        world.app.deliver_envelope(created).await.unwrap();
        world.app.deliver_envelope(envelope(&PatientCreated(patient), at("2026-03-01T23:59:00Z"))).await.unwrap();
        assert_eq!(world.of_day("2026-03-01").await["new_patients"], 1);
        assert_eq!(world.of_day("2026-03-02").await["new_patients"], 0);
    }

    async fn figures_are_counted_anew_from_what_is_kept(backend) {
        let world = World::start_with(backend, &[("HMS_METRICS_EVERY_MS", "50")]).await;
        let mia = world.practitioner("Dr. Mia Chen").await.practitioner_id;
        for start in ["2026-03-01T09:00:00Z", "2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"] {
            world.app.deliver(&AppointmentScheduled(world.appointment(mia, start))).await;
        }
        let before = world.admin.get(DAILY).await;
        until("all is counted", 10, async || (uncounted(&world.app.database).await == 0).then_some(())).await;
        // Somebody has spoilt what was counted: a day too few, one too many.
        execute(&world.app.database, "DELETE FROM cells WHERE day = '2026-03-01'").await;
        execute(&world.app.database, "UPDATE cells SET day = '2026-02-20'").await;
        assert_ne!(world.admin.get(DAILY).await.body, before.body);
        let done = world.rebuild().await;
        assert_eq!((&done["days"], &done["days_left"]), (&json!(2), &json!(0)));
        assert_eq!(world.admin.get(DAILY).await.body, before.body);
        let another = world.rebuild().await;
        assert_ne!(another["id"], done["id"]);
        world.admin.get(&format!("/api/v1/analytics/rebuilds/{mia}")).await.expect_problem(404, "NOT_FOUND");
    }

    async fn a_front_page_asks_once(backend) {
        let world = World::start(backend).await;
        let mia = world.practitioner("Dr. Mia Chen").await.practitioner_id;
        world.department("Cardiology").await;
        for start in ["2026-02-01T09:00:00Z", "2026-01-31T09:00:00Z", "2026-03-01T09:00:00Z", "2026-03-02T09:00:00Z", "2026-03-03T09:00:00Z"] {
            world.app.deliver(&AppointmentScheduled(world.appointment(mia, start))).await;
        }
        let front = world.admin.get("/api/v1/analytics/dashboard").await;
        let front = front.expect(200);
        // Monday: the week has one day so far. January's last day is the 31st of the last ones.
        assert_eq!((&front["today"]["appointments"], &front["this_week"]["appointments"]), (&json!(1), &json!(1)));
        assert_eq!((&front["last_30_days"]["from"], &front["last_30_days"]["appointments"]), (&json!("2026-02-01"), &json!(3)));
        assert_eq!(front["days"].as_array().unwrap().len(), 30);
        assert_eq!(front["departments"][0]["name"], "Cardiology");
    }

    async fn what_cannot_be_asked_is_said(backend) {
        let world = World::start(backend).await;
        for (query, status, code) in [
            ("from=2026-03-02&to=2026-03-01", 422, "UNPROCESSABLE"),
            ("from=2025-03-01&to=2026-03-02", 422, "UNPROCESSABLE"),
            ("from=yesterday", 400, "INVALID_REQUEST"),
            ("group_by=patient", 400, "INVALID_REQUEST"),
            ("colour=red", 400, "INVALID_REQUEST"),
        ] {
            for path in [DAILY, WEEKLY] {
                world.admin.get(&format!("{path}?{query}")).await.expect_problem(status, code);
            }
        }
        world.admin.get(&format!("{DAILY}?from=2025-03-02&to=2026-03-02")).await.expect(200);
    }
}
