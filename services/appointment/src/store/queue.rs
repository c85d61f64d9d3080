//! The queue at the counter.

mod changes;
mod desks;

use chrono::{NaiveDate, TimeDelta};
use diesel::prelude::*;
use hms_db::{At, Code, Db, Key, Result};
use hms_model::id::{AppointmentId, DepartmentId, DeskId, TicketId};

use crate::domain::queue::{Place, letters};
use crate::domain::{Ticket, TicketStatus, Triage};
use crate::schema::{queue_counters, queue_tickets as table};

pub use changes::{Change, after, newest, prune, tell};
pub use desks::{DeskFilters, close_desk, count_desks, find_desk, list_desks, open_desk};

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = table, treat_none_as_null = true)]
struct Row {
    id: Key,
    department_id: Key,
    day: NaiveDate,
    number: String,
    status: Code<TicketStatus>,
    triage: Code<Triage>,
    patient_id: Option<Key>,
    appointment_id: Option<Key>,
    appointment_start: Option<At>,
    place_triage: i64,
    place_at: At,
    place_sub: i64,
    desk_id: Option<Key>,
    desk: Option<String>,
    arrived_at: At,
    called_at: Option<At>,
    ended_at: Option<At>,
    version: i64,
    updated_at: At,
}

impl From<&Ticket> for Row {
    fn from(ticket: &Ticket) -> Self {
        Self {
            id: ticket.id.into(),
            department_id: ticket.department_id.into(),
            day: ticket.day,
            number: ticket.number.clone(),
            status: ticket.status.into(),
            triage: ticket.triage.into(),
            patient_id: ticket.patient_id.map(Key::from),
            appointment_id: ticket.appointment_id.map(Key::from),
            appointment_start: ticket.appointment_start.map(At::from),
            place_triage: ticket.place.triage,
            place_at: ticket.place.at.into(),
            place_sub: ticket.place.sub,
            desk_id: ticket.desk_id.map(Key::from),
            desk: ticket.desk.clone(),
            arrived_at: ticket.arrived_at.into(),
            called_at: ticket.called_at.map(At::from),
            ended_at: ticket.ended_at.map(At::from),
            version: ticket.version,
            updated_at: ticket.updated_at.into(),
        }
    }
}

impl From<Row> for Ticket {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            department_id: row.department_id.into(),
            day: row.day,
            number: row.number,
            status: row.status.0,
            triage: row.triage.0,
            patient_id: row.patient_id.map(Into::into),
            appointment_id: row.appointment_id.map(Into::into),
            appointment_start: row.appointment_start.map(Into::into),
            place: Place { triage: row.place_triage, at: row.place_at.into(), sub: row.place_sub },
            desk_id: row.desk_id.map(Into::into),
            desk: row.desk,
            arrived_at: row.arrived_at.into(),
            called_at: row.called_at.map(Into::into),
            ended_at: row.ended_at.map(Into::into),
            version: row.version,
            updated_at: row.updated_at.into(),
        }
    }
}

/// The next number of a department's day, and its letters. Whoever asks holds the feed ([`tell`] does at the latest),
/// so that no two get one.
pub fn next_number(db: &mut Db, department: DepartmentId, day: NaiveDate) -> Result<(String, i64)> {
    changes::hold(db)?;
    let own = queue_counters::table.find(Key::from(department));
    let columns = (queue_counters::letters, queue_counters::day, queue_counters::last);
    let known: Option<(String, NaiveDate, i64)> = own.select(columns).first(db).optional()?;
    let Some((letters_of, last_day, last)) = known else {
        let index: i64 = queue_counters::table.count().get_result(db)?;
        let new = letters(index);
        let row = (
            queue_counters::department_id.eq(Key::from(department)),
            queue_counters::letters.eq(new.clone()),
            queue_counters::day.eq(day),
            queue_counters::last.eq(1_i64),
        );
        diesel::insert_into(queue_counters::table).values(row).execute(db)?;
        return Ok((new, 1));
    };
    let next = if last_day == day { last + 1 } else { 1 };
    let set = (queue_counters::day.eq(day), queue_counters::last.eq(next));
    diesel::update(own).set(set).execute(db)?;
    Ok((letters_of, next))
}

/// Writes a new ticket.
pub fn insert(db: &mut Db, ticket: &Ticket) -> Result<()> {
    diesel::insert_into(table::table).values(Row::from(ticket)).execute(db)?;
    Ok(())
}

/// Writes the next version of a ticket; false when it has another one already.
pub fn save(db: &mut Db, before: &Ticket, next: &Ticket) -> Result<bool> {
    let read = table::table
        .filter(table::id.eq(Key::from(before.id)))
        .filter(table::version.eq(before.version))
        .filter(table::status.eq(Code(before.status)));
    Ok(diesel::update(read).set(Row::from(next)).execute(db)? == 1)
}

/// A ticket that nobody else can change until the unit of work ends, for whoever writes holds the feed.
pub fn hold(db: &mut Db, id: TicketId) -> Result<Ticket> {
    changes::hold(db)?;
    let row: Row = table::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    Ok(row.into())
}

/// Nobody else changes any queue until the unit of work ends.
pub fn hold_all(db: &mut Db) -> Result<()> {
    changes::hold(db)
}

/// The ticket of an appointment.
pub fn of_appointment(db: &mut Db, id: AppointmentId) -> Result<Option<Ticket>> {
    let own = table::table.filter(table::appointment_id.eq(Some(Key::from(id))));
    let row: Option<Row> = own.select(Row::as_select()).first(db).optional()?;
    Ok(row.map(Into::into))
}

/// What is not over of a department's day, in the order of the turns.
pub fn open(db: &mut Db, department: DepartmentId, day: NaiveDate) -> Result<Vec<Ticket>> {
    let open = [TicketStatus::Waiting, TicketStatus::Called, TicketStatus::InService, TicketStatus::Skipped];
    let rows: Vec<Row> = table::table
        .filter(table::department_id.eq(Key::from(department)))
        .filter(table::day.eq(day))
        .filter(table::status.eq_any(open.map(Code)))
        .select(Row::as_select())
        .load(db)?;
    let mut tickets: Vec<Ticket> = rows.into_iter().map(Into::into).collect();
    tickets.sort_by(crate::domain::queue::by_turn);
    Ok(tickets)
}

/// Whether somebody is at a desk.
pub fn at_desk(db: &mut Db, desk: DeskId, day: NaiveDate) -> Result<Option<Ticket>> {
    let row: Option<Row> = table::table
        .filter(table::desk_id.eq(Some(Key::from(desk))))
        .filter(table::day.eq(day))
        .filter(table::status.eq_any([TicketStatus::Called, TicketStatus::InService].map(Code)))
        .select(Row::as_select())
        .first(db)
        .optional()?;
    Ok(row.map(Into::into))
}

/// How long the last ones of a day were at a desk, at most 20.
pub fn served(db: &mut Db, department: DepartmentId, day: NaiveDate) -> Result<Vec<TimeDelta>> {
    let rows: Vec<(Option<At>, Option<At>)> = table::table
        .filter(table::department_id.eq(Key::from(department)))
        .filter(table::day.eq(day))
        .filter(table::status.eq(Code(TicketStatus::Served)))
        .order(table::ended_at.desc())
        .limit(20)
        .select((table::called_at, table::ended_at))
        .load(db)?;
    let time = |(called, ended): (Option<At>, Option<At>)| Some(ended?.0 - called?.0);
    Ok(rows.into_iter().filter_map(time).collect())
}
