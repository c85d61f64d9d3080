//! Random events, shuffled and repeated, against a reference that is slow and obvious.
//!
//! `HMS_TEST_METRICS_SEEDS` says how many histories there are (2).

use chrono::{DateTime, Days, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::America::New_York;
use fastrand::Rng;
use hms_model::event::{
    AppointmentArrived, AppointmentCancelled, AppointmentFacts, AppointmentFulfilled, AppointmentNoshow,
    AppointmentRescheduled, AppointmentScheduled, AppointmentUpdated, BillingInvoiceIssued,
    BillingInvoicePaid, BillingInvoiceVoided, BillingPaymentCaptured, BillingPaymentRefunded, Envelope,
    HolidayChanged, HolidayFacts, InvoiceFacts, OpenDay, PatientCreated, PatientFacts, PaymentFacts,
    QueueChanged, ScheduleChanged, ScheduleFacts, TicketFacts,
};
use hms_model::id::{DepartmentId, Id, PractitionerId};
use hms_model::money::{Currency, Money};
use hms_settings::Settings;
use hms_testkit::{Backend, on_both_back_ends, until};
use serde_json::Value;

use crate::common::{DAILY, WEEKLY, World, day, envelope, uncounted};
use crate::reference::{Told, Whose};

const FROM: &str = "2026-02-23";
const TO: &str = "2026-03-15";

/// What a history is made of.
struct History {
    random: Rng,
    told: Told,
    events: Vec<Envelope>,
    departments: Vec<DepartmentId>,
    practitioners: Vec<PractitionerId>,
    now: DateTime<Utc>,
}

impl History {
    fn new_id<K>(&self) -> Id<K> {
        Id::new(self.now)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.random.usize(..from.len())]
    }

    fn a_day(&mut self) -> NaiveDate {
        day(FROM) + Days::new(self.random.u64(..21))
    }

    fn a_moment(&mut self) -> DateTime<Utc> {
        // Around the clock, so that many lie on another day than in UTC.
        self.a_day().and_hms_opt(0, 0, 0).unwrap().and_utc() + TimeDelta::minutes(self.random.i64(0..24 * 60))
    }

    fn place(&mut self) -> (Option<DepartmentId>, PractitionerId) {
        let (departments, practitioners) = (self.departments.clone(), self.practitioners.clone());
        let department = self.pick(&departments);
        (self.random.bool().then_some(department), self.pick(&practitioners))
    }

    fn money(&mut self) -> Money {
        let currency = self.pick(&[Currency::EUR, Currency::USD, Currency::JPY]);
        Money::new(self.random.i64(1..100_000), currency)
    }

    fn appointment(&mut self, world: &World) {
        let ((department_id, practitioner_id), start) = (self.place(), self.a_moment());
        let mut facts = AppointmentFacts {
            department_id,
            start,
            end: start + TimeDelta::minutes(self.random.i64(1..120)),
            recorded: self.random.u8(..8) == 0,
            ..world.appointment(practitioner_id, "2026-03-02T09:00:00Z")
        };
        let statuses = ["booked", "pending", "proposed", "waitlist"];
        facts.status = self.pick(&statuses).into();
        self.tell_appointment(&facts, 0);
        for version in 2..=self.random.i64(1..5) {
            facts.version = version;
            let kind = self.random.u8(1..7);
            match kind {
                1 => {
                    let length = facts.end - facts.start;
                    facts.start = self.a_moment();
                    facts.end = facts.start + length;
                }
                2 => facts.department_id = self.place().0,
                3 => facts.status = "arrived".into(),
                4 => facts.status = "fulfilled".into(),
                5 => facts.status = "noshow".into(),
                _ => {
                    facts.status = "cancelled".into();
                    facts.late_cancellation = self.random.bool();
                }
            }
            self.tell_appointment(&facts, kind);
        }
    }

    fn tell_appointment(&mut self, facts: &AppointmentFacts, kind: u8) {
        let (own, now) = (facts.clone(), self.now);
        self.told.appointments.push(facts.clone());
        self.events.push(match kind {
            0 => envelope(&AppointmentScheduled(own), now),
            1 => envelope(&AppointmentRescheduled(own), now),
            2 => envelope(&AppointmentUpdated(own), now),
            3 => envelope(&AppointmentArrived(own), now),
            4 => envelope(&AppointmentFulfilled(own), now),
            5 => envelope(&AppointmentNoshow(own), now),
            _ => envelope(&AppointmentCancelled(own), now),
        });
    }

    fn ticket(&mut self, world: &World) {
        let departments = self.departments.clone();
        let department_id = self.pick(&departments);
        // Among them today, which is not over: 3 o'clock in New York.
        let date = day(FROM) + Days::new(self.random.u64(..8));
        let morning = New_York.from_local_datetime(&date.and_hms_opt(0, 5, 0).unwrap()).unwrap().to_utc();
        let arrived = morning + TimeDelta::seconds(self.random.i64(0..9_000));
        let mut facts = TicketFacts {
            day: date,
            arrived_at: Some(arrived),
            changed_at: Some(arrived),
            ..world.ticket(department_id, "2026-03-02T07:00:00Z", "waiting")
        };
        let mut at = arrived;
        let path = self.pick(&[
            &["called", "in_service", "served"][..],
            &["called", "waiting", "called", "served"],
            &["called", "skipped"],
            &["called", "in_service"],
            &["skipped", "waiting"],
            &["left"],
            &["called"],
            &[],
        ]);
        self.tell_ticket(&facts);
        for status in path {
            at += TimeDelta::seconds(self.random.i64(0..300));
            facts.version += 1;
            facts.status = (*status).into();
            facts.changed_at = Some(at);
            if *status == "called" {
                facts.called_at = Some(at);
            }
            self.tell_ticket(&facts);
        }
    }

    fn tell_ticket(&mut self, facts: &TicketFacts) {
        self.told.tickets.push(facts.clone());
        self.events.push(envelope(&QueueChanged(facts.clone()), self.now));
    }

    fn invoice(&mut self, world: &World) {
        let ((department_id, practitioner), on) = (self.place(), self.a_day());
        let kind = if self.random.u8(..5) == 0 { "credit_note" } else { "invoice" };
        let mut facts = InvoiceFacts {
            kind: kind.into(),
            total: self.money(),
            department_id,
            practitioner_id: self.random.bool().then_some(practitioner),
            ..world.invoice(&on.to_string(), 0, Currency::EUR)
        };
        self.events.push(envelope(&BillingInvoiceIssued(facts.clone()), self.now));
        self.told.invoices.push((facts.clone(), false));
        if self.random.bool() {
            facts.version += i64::from(self.random.bool());
            self.events.push(envelope(&BillingInvoicePaid(facts.clone()), self.now));
            self.told.invoices.push((facts.clone(), false));
        }
        if self.random.u8(..4) == 0 {
            facts.version += 1;
            self.events.push(envelope(&BillingInvoiceVoided(facts.clone()), self.now));
            self.told.invoices.push((facts, true));
        }
    }

    fn payment(&mut self, world: &World) {
        let ((department_id, practitioner), on) = (self.place(), self.a_day());
        let facts = PaymentFacts {
            amount: self.money(),
            department_id,
            practitioner_id: Some(practitioner),
            ..world.payment(&on.to_string(), 0, Currency::EUR)
        };
        self.events.push(envelope(&BillingPaymentCaptured(facts.clone()), self.now));
        self.told.payments.push((facts.clone(), false));
        for version in 2..=self.random.i64(1..4) {
            let amount = Money::new(self.random.i64(1..500), facts.amount.currency);
            let back = PaymentFacts { version, amount, booked_on: Some(self.a_day()), ..facts.clone() };
            self.events.push(envelope(&BillingPaymentRefunded(back.clone()), self.now));
            self.told.payments.push((back, true));
        }
    }

    fn patient(&mut self) {
        let at = self.a_moment();
        let facts = PatientFacts {
            patient_id: self.new_id(),
            version: 1,
            account_id: None,
            name: "Ann Lee".into(),
            email: None,
            phone: None,
            language: None,
            active: true,
        };
        self.told.patients.push((facts.patient_id.uuid(), at));
        self.events.push(envelope(&PatientCreated(facts), at));
    }

    fn schedule(&mut self) {
        let (departments, practitioners) = (self.departments.clone(), self.practitioners.clone());
        let (mut facts, mut since) = (
            ScheduleFacts {
                schedule_id: self.new_id(),
                version: 1,
                practitioner_id: self.pick(&practitioners),
                department_id: self.pick(&departments),
                active: true,
                zone: "America/New_York".into(),
                valid_from: self.a_day(),
                valid_to: None,
                week_minutes: [480, 240, 480, 0, 360, 0, 0],
                exceptions: Vec::new(),
            },
            self.a_moment(),
        );
        self.tell_schedule(&facts, since);
        for version in 2..=self.random.i64(1..4) {
            since += TimeDelta::hours(self.random.i64(1..80));
            facts.version = version;
            facts.active = self.random.u8(..5) > 0;
            facts.valid_to = self.random.bool().then(|| day(TO));
            facts.week_minutes[self.random.usize(..7)] = self.random.i64(0..600);
            let day = self.a_day();
            facts.exceptions.retain(|exception| exception.day != day);
            facts.exceptions.push(OpenDay {
                day,
                minutes: self.random.i64(0..200),
                holiday_minutes: self.random.i64(0..60),
            });
            self.tell_schedule(&facts, since);
        }
    }

    fn tell_schedule(&mut self, facts: &ScheduleFacts, since: DateTime<Utc>) {
        self.told.schedules.push((facts.clone(), since));
        self.events.push(envelope(&ScheduleChanged(facts.clone()), since));
    }

    fn holiday(&mut self) {
        let departments = self.departments.clone();
        let department = self.pick(&departments);
        let mut facts = HolidayFacts {
            holiday_id: self.new_id(),
            version: 1,
            department_id: self.random.bool().then_some(department),
            day: self.a_day(),
            active: true,
        };
        for version in 1..=self.random.i64(1..3) {
            (facts.version, facts.active) = (version, version == 1);
            self.told.holidays.push(facts.clone());
            self.events.push(envelope(&HolidayChanged(facts.clone()), self.now));
        }
    }
}

async fn history(world: &World, seed: u64) -> History {
    let mut history = History {
        random: Rng::with_seed(seed),
        told: Told::default(),
        events: Vec::new(),
        departments: vec![world.department("North").await, world.department("South").await],
        practitioners: vec![
            world.practitioner("Dr. Mia Chen").await.practitioner_id,
            world.practitioner("Dr. Tom Ray").await.practitioner_id,
            world.practitioner("Dr. Eva Lund").await.practitioner_id,
        ],
        now: world.app.clock.now(),
    };
    for _ in 0..40 {
        history.appointment(world);
        history.ticket(world);
    }
    for _ in 0..12 {
        history.invoice(world);
        history.payment(world);
        history.patient();
    }
    for _ in 0..3 {
        history.schedule();
        history.holiday();
    }
    // Some come again as they are, some are told of again by another event.
    for _ in 0..history.events.len() / 4 {
        let mut again = history.events[history.random.usize(..history.events.len())].clone();
        if history.random.bool() {
            again.id = history.new_id();
        }
        history.events.push(again);
    }
    let mut events = std::mem::take(&mut history.events);
    history.random.shuffle(&mut events);
    history.events = events;
    history
}

/// Each figure of each row is that of the reference.
async fn compare(world: &World, history: &History, case: &str) {
    let days: Vec<NaiveDate> = day(FROM).iter_days().take_while(|one| *one <= day(TO)).collect();
    let mut all = vec![Whose::default()];
    all.extend(history.departments.iter().map(|id| Whose { department: Some(*id), practitioner: None }));
    all.extend(history.practitioners.iter().map(|id| Whose { department: None, practitioner: Some(*id) }));
    all.push(Whose {
        department: Some(history.departments[0]),
        practitioner: Some(history.practitioners[0]),
    });
    for whose in &all {
        let mut query = format!("from={FROM}&to={TO}");
        if let Some(id) = whose.department {
            query += &format!("&department_id={id}");
        }
        if let Some(id) = whose.practitioner {
            query += &format!("&practitioner_id={id}");
        }
        let daily = world.admin.get(&format!("{DAILY}?{query}")).await;
        let parts: Vec<&[NaiveDate]> = days.chunks(1).collect();
        same(history, daily.expect(200).results(), &parts, *whose, case);
        let weekly = world.admin.get(&format!("{WEEKLY}?{query}")).await;
        let parts: Vec<&[NaiveDate]> = days.chunks(7).collect();
        same(history, weekly.expect(200).results(), &parts, *whose, case);
    }
    for (group, ids) in [("department", 1..3), ("practitioner", 3..6)] {
        let answer = world.admin.get(&format!("{WEEKLY}?from={FROM}&to={TO}&group_by={group}")).await;
        for row in answer.expect(200).results() {
            let whose = all[ids.clone()].iter().find(|whose| {
                let id =
                    whose.department.map(|id| id.to_string()).or(whose.practitioner.map(|id| id.to_string()));
                row[format!("{group}_id")].as_str() == id.as_deref()
            });
            let Some(whose) = whose else { continue };
            let week = days.chunks(7).find(|week| row["from"] == week[0].to_string()).unwrap();
            same(history, std::slice::from_ref(row), &[week], *whose, case);
        }
    }
}

fn same(history: &History, rows: &[Value], parts: &[&[NaiveDate]], whose: Whose, case: &str) {
    assert_eq!(rows.len(), parts.len(), "{case} {whose:?}");
    for (row, days) in rows.iter().zip(parts) {
        let expected = history.told.figures(days, whose, New_York, history.now);
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&row[name], value, "{case} {whose:?} {}: {name}\n{row:#}", row["from"]);
        }
    }
}

async fn told(backend: Backend, seed: u64) {
    let settings = [("HMS_QUEUE_ZONE", "America/New_York"), ("HMS_METRICS_EVERY_MS", "50")];
    let world = World::start_with(backend, &settings).await;
    let mut history = history(&world, seed).await;
    let mut left: &[Envelope] = &history.events.clone();
    while !left.is_empty() {
        let (batch, rest) = left.split_at(history.random.usize(1..=40).min(left.len()));
        world.app.deliver_batch(batch.to_vec()).await.unwrap();
        left = rest;
    }
    compare(&world, &history, &format!("seed {seed}, as it came")).await;
    until("all is counted", 20, async || (uncounted(&world.app.database).await == 0).then_some(())).await;
    compare(&world, &history, &format!("seed {seed}, counted")).await;
    world.rebuild().await;
    compare(&world, &history, &format!("seed {seed}, counted anew")).await;
    world.app.stop().await;
}

on_both_back_ends! {
    async fn any_order_and_any_repetition_gives_the_same_figures(backend) {
        let seeds: u64 = Settings::from_environment().parse_or("HMS_TEST_METRICS_SEEDS", 2).unwrap();
        let first = fastrand::u64(..1_000_000);
        println!("seeds {first} to {}", first + seeds - 1);
        for seed in first..first + seeds {
            told(backend, seed).await;
        }
    }
}
