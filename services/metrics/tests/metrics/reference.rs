//! The figures as somebody would count them who has all events before them and much time: slow and obvious, one question
//! after the other over all that was told.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use hms_model::event::{
    AppointmentFacts, HolidayFacts, InvoiceFacts, PaymentFacts, ScheduleFacts, TicketFacts,
};
use hms_model::id::{DepartmentId, PractitionerId};
use serde_json::{Value, json};
use uuid::Uuid;

/// All that was told, in any order, with repetitions.
#[derive(Default)]
pub struct Told {
    pub appointments: Vec<AppointmentFacts>,
    pub tickets: Vec<TicketFacts>,
    /// Whether it was called void.
    pub invoices: Vec<(InvoiceFacts, bool)>,
    /// Whether it went back.
    pub payments: Vec<(PaymentFacts, bool)>,
    pub patients: Vec<(Uuid, DateTime<Utc>)>,
    pub schedules: Vec<(ScheduleFacts, DateTime<Utc>)>,
    pub holidays: Vec<HolidayFacts>,
}

/// The newest of each.
fn newest<T: Clone>(all: &[T], id: impl Fn(&T) -> Uuid, version: impl Fn(&T) -> i64) -> Vec<T> {
    let mut found: BTreeMap<Uuid, T> = BTreeMap::new();
    for one in all {
        let known = found.get(&id(one)).map_or(0, &version);
        if version(one) > known {
            found.insert(id(one), one.clone());
        }
    }
    found.into_values().collect()
}

/// Whose figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Whose {
    pub department: Option<DepartmentId>,
    pub practitioner: Option<PractitionerId>,
}

impl Whose {
    fn has(self, department: Option<DepartmentId>, practitioner: Option<PractitionerId>) -> bool {
        (self.department.is_none() || self.department == department)
            && (self.practitioner.is_none() || self.practitioner == practitioner)
    }
}

fn rounded(part: f64, whole: f64) -> Value {
    if whole > 0.0 { json!((part * 10_000.0 / whole).round() / 10_000.0) } else { Value::Null }
}

impl Told {
    /// The figures of some days.
    pub fn figures(&self, days: &[NaiveDate], whose: Whose, zone: Tz, now: DateTime<Utc>) -> Value {
        let day_of = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
        let appointments = newest(&self.appointments, |one| one.appointment_id.uuid(), |one| one.version);
        let due: Vec<_> = appointments
            .iter()
            .filter(|one| days.contains(&day_of(one.start)))
            .filter(|one| whose.has(one.department_id, Some(one.practitioner_id)))
            .collect();
        let mut by_status: BTreeMap<&str, i64> = BTreeMap::new();
        for one in &due {
            *by_status.entry(&one.status).or_default() += 1;
        }
        let of = |status: &str| due.iter().filter(|one| one.status == status).count() as f64;
        let came = of("arrived") + of("fulfilled");
        let taking = |one: &&AppointmentFacts| {
            !one.recorded && !["cancelled", "proposed", "waitlist"].contains(&one.status.as_str())
        };
        let booked: i64 =
            due.iter().copied().filter(taking).map(|one| (one.end - one.start).num_minutes()).sum();
        json!({
            "appointments": due.len(),
            "by_status": by_status,
            "late_cancellations": due.iter().filter(|one| one.late_cancellation).count(),
            "no_show_rate": rounded(of("noshow"), came + of("noshow")),
            "waiting": self.waiting(days, whose),
            "queue": self.queue(days, whose, day_of(now), now),
            "utilisation": self.utilisation(days, whose, booked, &due.iter().copied().filter(taking).cloned().collect::<Vec<_>>(), day_of),
            "new_patients": (whose == Whose::default()).then(|| self.new_patients(days, day_of)),
            "revenue": self.revenue(days, whose),
        })
    }

    fn tickets_of(&self, days: &[NaiveDate], whose: Whose) -> Vec<TicketFacts> {
        let all = newest(&self.tickets, |one| one.ticket_id.uuid(), |one| one.version);
        let own = all.into_iter().filter(|one| days.contains(&one.day));
        own.filter(|one| whose.has(Some(one.department_id), None)).collect()
    }

    fn waiting(&self, days: &[NaiveDate], whose: Whose) -> Value {
        let tickets = self.tickets_of(days, whose);
        let called =
            tickets.iter().filter(|one| ["called", "in_service", "served"].contains(&one.status.as_str()));
        let waits: Vec<i64> =
            called.map(|one| (one.called_at.unwrap() - one.arrived_at.unwrap()).num_seconds()).collect();
        let percentile = |percent: usize| {
            let enough = |wait: &&i64| {
                waits.iter().filter(|other| *other <= *wait).count() * 100 >= percent * waits.len()
            };
            waits.iter().filter(enough).min().copied()
        };
        let sum: i64 = waits.iter().sum();
        let of = |status: &str| tickets.iter().filter(|one| one.status == status).count();
        json!({
            "tickets": tickets.len(),
            "called": waits.len(),
            "served": of("served"),
            "left": of("left"),
            "mean_seconds": (!waits.is_empty()).then(|| (sum as f64 / waits.len() as f64).round() as i64),
            "p50_seconds": percentile(50),
            "p90_seconds": percentile(90),
        })
    }

    fn queue(&self, days: &[NaiveDate], whose: Whose, today: NaiveDate, now: DateTime<Utc>) -> Value {
        let (mut longest, mut waited, mut measured) = (0, 0, 0);
        for day in days {
            let tickets = self.tickets_of(&[*day], whose);
            let over = |one: &TicketFacts| match one.status.as_str() {
                "waiting" => None,
                "left" | "skipped" => one.changed_at,
                _ => one.called_at,
            };
            let last_known = tickets.iter().flat_map(|one| [one.arrived_at, over(one)]).flatten().max();
            let end = if *day == today { Some(now) } else { last_known };
            let spans: Vec<_> = tickets
                .iter()
                .map(|one| {
                    let from = one.arrived_at.unwrap();
                    (from, over(one).or(end).unwrap().max(from))
                })
                .collect();
            for (moment, _) in &spans {
                let at_once = spans.iter().filter(|(from, until)| from <= moment && moment < until).count();
                longest = longest.max(at_once);
            }
            waited += spans.iter().map(|(from, until)| (*until - *from).num_seconds()).sum::<i64>();
            let (first, last) =
                (spans.iter().map(|span| span.0).min(), spans.iter().map(|span| span.1).max());
            measured += first.zip(last).map_or(0, |(first, last)| (last - first).num_seconds());
        }
        json!({ "longest": longest, "mean": rounded(waited as f64, measured as f64) })
    }

    /// The open minutes of each place on a day.
    fn open(&self, day: NaiveDate, day_of: impl Fn(DateTime<Utc>) -> NaiveDate) -> Vec<(ScheduleFacts, i64)> {
        let in_force: Vec<_> = self
            .schedules
            .iter()
            .filter(|(_, since)| day_of(*since) <= day)
            .map(|(facts, _)| facts.clone())
            .collect();
        let holidays = newest(&self.holidays, |one| one.holiday_id.uuid(), |one| one.version);
        let mut open = Vec::new();
        for facts in newest(&in_force, |one| one.schedule_id.uuid(), |one| one.version) {
            let holiday = holidays.iter().any(|one| {
                one.active
                    && one.day == day
                    && (one.department_id.is_none() || one.department_id == Some(facts.department_id))
            });
            let exception = facts.exceptions.iter().find(|exception| exception.day == day);
            let usual = facts.week_minutes[day.weekday().num_days_from_monday() as usize];
            let minutes = match (exception, holiday) {
                (Some(exception), true) => exception.holiday_minutes,
                (Some(exception), false) => exception.minutes,
                (None, true) => 0,
                (None, false) => usual,
            };
            let valid = facts.active && facts.valid_from <= day && facts.valid_to.is_none_or(|to| day <= to);
            if valid && minutes > 0 {
                open.push((facts, minutes));
            }
        }
        open
    }

    fn utilisation(
        &self,
        days: &[NaiveDate],
        whose: Whose,
        booked: i64,
        taking: &[AppointmentFacts],
        day_of: impl Fn(DateTime<Utc>) -> NaiveDate,
    ) -> Value {
        let (mut open_minutes, mut measured, mut known) = (0, 0, false);
        for day in days {
            let open = self.open(*day, &day_of);
            for (facts, minutes) in &open {
                if whose.has(Some(facts.department_id), Some(facts.practitioner_id)) {
                    open_minutes += minutes;
                    known = true;
                }
            }
            for one in taking.iter().filter(|one| day_of(one.start) == *day) {
                if open.iter().any(|(facts, _)| facts.practitioner_id == one.practitioner_id) {
                    measured += (one.end - one.start).num_minutes();
                    known = true;
                }
            }
        }
        json!({
            "booked_minutes": booked,
            "open_minutes": known.then_some(open_minutes),
            "rate": rounded(measured as f64, open_minutes as f64),
        })
    }

    fn new_patients(&self, days: &[NaiveDate], day_of: impl Fn(DateTime<Utc>) -> NaiveDate) -> usize {
        let first: BTreeMap<Uuid, DateTime<Utc>> = self.patients.iter().copied().collect();
        first.values().filter(|at| days.contains(&day_of(**at))).count()
    }

    fn revenue(&self, days: &[NaiveDate], whose: Whose) -> Value {
        let mut sums: BTreeMap<&str, [i64; 4]> = BTreeMap::new();
        let invoices = newest(&self.invoices, |one| one.0.invoice_id.uuid(), |one| one.0.version);
        for (invoice, void) in &invoices {
            if !void
                && days.contains(&invoice.issued_on.unwrap())
                && whose.has(invoice.department_id, invoice.practitioner_id)
            {
                let column = if invoice.kind == "credit_note" { 1 } else { 0 };
                sums.entry(invoice.total.currency.code()).or_default()[column] += invoice.total.amount;
            }
        }
        let movements: BTreeMap<(Uuid, i64), &(PaymentFacts, bool)> =
            self.payments.iter().map(|one| ((one.0.payment_id.uuid(), one.0.version), one)).collect();
        for (payment, back) in movements.values() {
            if days.contains(&payment.booked_on.unwrap())
                && whose.has(payment.department_id, payment.practitioner_id)
            {
                sums.entry(payment.amount.currency.code()).or_default()[if *back { 3 } else { 2 }] +=
                    payment.amount.amount;
            }
        }
        let row = |(currency, sums): (&&str, &[i64; 4])| {
            let [invoiced, credited, collected, refunded] = sums;
            json!({"currency": currency, "invoiced": invoiced, "credited": credited, "net": invoiced - credited, "collected": collected, "refunded": refunded})
        };
        json!(sums.iter().map(row).collect::<Vec<_>>())
    }
}
