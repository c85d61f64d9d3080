//! The facts of some days.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Code, Db, Key, Result};
use hms_model::Zone;
use hms_model::money::Money;

use crate::domain::{
    Appointment, Bill, Facts, Patient, Payment, PaymentKind, Place, Span, Status, Ticket, TicketStatus,
};
use crate::schema::{appointments, bills, patients, payments, tickets};
use crate::store::unreadable;

/// What is known of the days of a span, as clocks show them in a zone.
pub fn within(db: &mut Db, span: Span, zone: Zone) -> Result<Facts> {
    Ok(Facts {
        appointments: appointments_of(db, span, zone)?,
        tickets: tickets_of(db, span)?,
        bills: bills_of(db, span)?,
        payments: payments_of(db, span)?,
        patients: patients_of(db, span, zone)?,
    })
}

/// All days of which something is known.
pub fn all_days(db: &mut Db, zone: Zone) -> Result<BTreeSet<NaiveDate>> {
    let mut days: BTreeSet<NaiveDate> =
        tickets::table.select(tickets::day).distinct().load(db)?.into_iter().collect();
    let of_bills: Vec<NaiveDate> = bills::table.select(bills::day).distinct().load(db)?;
    let of_payments: Vec<NaiveDate> = payments::table.select(payments::day).distinct().load(db)?;
    let starts: Vec<At> = appointments::table.select(appointments::start_at).load(db)?;
    let registered: Vec<At> = patients::table.select(patients::registered_at).load(db)?;
    days.extend(of_bills);
    days.extend(of_payments);
    days.extend(starts.into_iter().chain(registered).map(|at| zone.day(at.0)));
    Ok(days)
}

/// The moments among which those of the days of a span lie, whatever the zone: no place is more than a day away from UTC.
fn around(span: Span) -> (At, At) {
    let midnight = |day: Option<NaiveDate>, or: DateTime<Utc>| {
        At(day.map_or(or, |day| day.and_time(NaiveTime::MIN).and_utc()))
    };
    (
        midnight(span.from.checked_sub_days(Days::new(1)), DateTime::<Utc>::MIN_UTC),
        midnight(span.to.checked_add_days(Days::new(2)), DateTime::<Utc>::MAX_UTC),
    )
}

fn place(department: Option<Key>, practitioner: Option<Key>) -> Place {
    Place { department_id: department.map(Into::into), practitioner_id: practitioner.map(Into::into) }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = appointments)]
struct AppointmentRow {
    department_id: Option<Key>,
    practitioner_id: Option<Key>,
    start_at: At,
    end_at: At,
    status: Code<Status>,
    recorded: bool,
    late_cancellation: bool,
}

fn appointments_of(db: &mut Db, span: Span, zone: Zone) -> Result<Vec<Appointment>> {
    let (from, until) = around(span);
    let rows: Vec<AppointmentRow> = appointments::table
        .filter(appointments::start_at.ge(from))
        .filter(appointments::start_at.lt(until))
        .select(AppointmentRow::as_select())
        .load(db)?;
    let within = rows.into_iter().filter(|row| span.has(zone.day(row.start_at.0)));
    Ok(within
        .map(|row| Appointment {
            place: place(row.department_id, row.practitioner_id),
            start: row.start_at.0,
            end: row.end_at.0,
            status: row.status.0,
            recorded: row.recorded,
            late_cancellation: row.late_cancellation,
        })
        .collect())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tickets)]
struct TicketRow {
    department_id: Option<Key>,
    day: NaiveDate,
    status: Code<TicketStatus>,
    arrived_at: At,
    called_at: Option<At>,
    changed_at: At,
}

fn tickets_of(db: &mut Db, span: Span) -> Result<Vec<Ticket>> {
    let rows: Vec<TicketRow> = tickets::table
        .filter(tickets::day.between(span.from, span.to))
        .select(TicketRow::as_select())
        .load(db)?;
    Ok(rows
        .into_iter()
        .map(|row| Ticket {
            place: place(row.department_id, None),
            day: row.day,
            status: row.status.0,
            arrived_at: row.arrived_at.0,
            called_at: row.called_at.map(Into::into),
            changed_at: row.changed_at.0,
        })
        .collect())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = bills)]
struct BillRow {
    department_id: Option<Key>,
    practitioner_id: Option<Key>,
    day: NaiveDate,
    is_credit: bool,
    is_void: bool,
    currency: String,
    total: i64,
}

fn bills_of(db: &mut Db, span: Span) -> Result<Vec<Bill>> {
    let rows: Vec<BillRow> =
        bills::table.filter(bills::day.between(span.from, span.to)).select(BillRow::as_select()).load(db)?;
    let bill = |row: BillRow| {
        Ok(Bill {
            place: place(row.department_id, row.practitioner_id),
            day: row.day,
            is_credit: row.is_credit,
            is_void: row.is_void,
            total: Money::new(row.total, row.currency.parse().map_err(unreadable)?),
        })
    };
    rows.into_iter().map(bill).collect()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = payments)]
struct PaymentRow {
    department_id: Option<Key>,
    practitioner_id: Option<Key>,
    day: NaiveDate,
    kind: Code<PaymentKind>,
    currency: String,
    amount: i64,
}

fn payments_of(db: &mut Db, span: Span) -> Result<Vec<Payment>> {
    let rows: Vec<PaymentRow> = payments::table
        .filter(payments::day.between(span.from, span.to))
        .select(PaymentRow::as_select())
        .load(db)?;
    let payment = |row: PaymentRow| {
        Ok(Payment {
            place: place(row.department_id, row.practitioner_id),
            day: row.day,
            kind: row.kind.0,
            amount: Money::new(row.amount, row.currency.parse().map_err(unreadable)?),
        })
    };
    rows.into_iter().map(payment).collect()
}

fn patients_of(db: &mut Db, span: Span, zone: Zone) -> Result<Vec<Patient>> {
    let (from, until) = around(span);
    let rows: Vec<At> = patients::table
        .filter(patients::registered_at.ge(from))
        .filter(patients::registered_at.lt(until))
        .select(patients::registered_at)
        .load(db)?;
    let patients = rows.into_iter().map(|at| Patient { registered_at: at.0 });
    Ok(patients.filter(|patient| span.has(zone.day(patient.registered_at))).collect())
}
