//! What an event tells becomes a row, unless a newer version is known.
//!
//! A row is inserted first: of two deliveries at once the second waits here for the first, and then sees what it has
//! written and holds it.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use hms_db::{At, Code, Db, InsertExt, Key, LockExt, Result};
use hms_model::Zone;
use hms_model::id::{AppointmentId, InvoiceId, PatientId, PaymentId, TicketId};

use crate::domain::{Appointment, Bill, Patient, Payment, Ticket};
use crate::schema::{appointments, bills, patients, payments, tickets};
use crate::store::changed;

/// Keeps what is new of something that has one row, and marks its day: the one that it counted for before and the one that
/// it counts for now.
macro_rules! keep {
    ($db:expr, $table:ident, $id:expr, $version:expr, $values:expr, $day:expr, $old:expr, $of_old:expr, $now:expr) => {{
        let (db, id, version, values, day) = ($db, Key::from($id), $version, $values, $day);
        let new = ($table::id.eq(id), $table::version.eq(version), values.clone());
        if diesel::insert_into($table::table).values(new).or_ignore().execute(db)? == 1 {
            return changed::mark(db, [day], $now);
        }
        let (known, old): (i64, _) =
            $table::table.find(id).select(($table::version, $old)).lock(db).get_result(db)?;
        if known < version {
            diesel::update($table::table.find(id)).set(($table::version.eq(version), values)).execute(db)?;
            changed::mark(db, [$of_old(old), day], $now)?;
        }
        Ok(())
    }};
}

/// Keeps what is new of an appointment.
pub fn keep_appointment(
    db: &mut Db,
    (id, version): (AppointmentId, i64),
    fact: &Appointment,
    zone: Zone,
    now: DateTime<Utc>,
) -> Result<()> {
    let values = (
        appointments::department_id.eq(fact.place.department_id.map(Key::from)),
        appointments::practitioner_id.eq(fact.place.practitioner_id.map(Key::from)),
        appointments::start_at.eq(At(fact.start)),
        appointments::end_at.eq(At(fact.end)),
        appointments::status.eq(Code(fact.status)),
        appointments::recorded.eq(fact.recorded),
        appointments::late_cancellation.eq(fact.late_cancellation),
    );
    let before = |start: At| zone.day(start.0);
    let day = zone.day(fact.start);
    keep!(db, appointments, id, version, values, day, appointments::start_at, before, now)
}

/// Keeps what is new of a ticket.
pub fn keep_ticket(
    db: &mut Db,
    (id, version): (TicketId, i64),
    fact: &Ticket,
    now: DateTime<Utc>,
) -> Result<()> {
    let values = (
        tickets::department_id.eq(fact.place.department_id.map(Key::from)),
        tickets::day.eq(fact.day),
        tickets::status.eq(Code(fact.status)),
        tickets::arrived_at.eq(At(fact.arrived_at)),
        tickets::called_at.eq(fact.called_at.map(At)),
        tickets::changed_at.eq(At(fact.changed_at)),
    );
    keep!(db, tickets, id, version, values, fact.day, tickets::day, |day: NaiveDate| day, now)
}

/// Keeps what is new of an invoice or a credit note.
pub fn keep_bill(
    db: &mut Db,
    (id, version): (InvoiceId, i64),
    fact: &Bill,
    now: DateTime<Utc>,
) -> Result<()> {
    let values = (
        bills::department_id.eq(fact.place.department_id.map(Key::from)),
        bills::practitioner_id.eq(fact.place.practitioner_id.map(Key::from)),
        bills::day.eq(fact.day),
        bills::is_credit.eq(fact.is_credit),
        bills::is_void.eq(fact.is_void),
        bills::currency.eq(fact.total.currency.code()),
        bills::total.eq(fact.total.amount),
    );
    keep!(db, bills, id, version, values, fact.day, bills::day, |day: NaiveDate| day, now)
}

/// Keeps money that was taken or given back; each version of a payment tells of it once.
pub fn keep_payment(
    db: &mut Db,
    (id, version): (PaymentId, i64),
    fact: &Payment,
    now: DateTime<Utc>,
) -> Result<()> {
    let row = (
        payments::id.eq(Key::from(id)),
        payments::version.eq(version),
        payments::kind.eq(Code(fact.kind)),
        payments::department_id.eq(fact.place.department_id.map(Key::from)),
        payments::practitioner_id.eq(fact.place.practitioner_id.map(Key::from)),
        payments::day.eq(fact.day),
        payments::currency.eq(fact.amount.currency.code()),
        payments::amount.eq(fact.amount.amount),
    );
    if diesel::insert_into(payments::table).values(row).or_ignore().execute(db)? == 1 {
        changed::mark(db, [fact.day], now)?;
    }
    Ok(())
}

/// Keeps when a patient was registered.
pub fn keep_patient(
    db: &mut Db,
    id: PatientId,
    fact: &Patient,
    zone: Zone,
    now: DateTime<Utc>,
) -> Result<()> {
    let row = (patients::id.eq(Key::from(id)), patients::registered_at.eq(At(fact.registered_at)));
    if diesel::insert_into(patients::table).values(row).or_ignore().execute(db)? == 1 {
        changed::mark(db, [zone.day(fact.registered_at)], now)?;
    }
    Ok(())
}
