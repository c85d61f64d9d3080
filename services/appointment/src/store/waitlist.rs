//! The waitlist: who waits, what became free, what is offered to whom.

mod list;
mod offers;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Code, Db, Json, Key, LockExt, Result};
use hms_model::id::{Id, WaitlistEntryId};

use super::read_json;
use crate::domain::{Appointment, Entry, EntryStatus, Offer, OfferStatus, Opening, Priority};
use crate::schema::{holds, waitlist_entries as table, waitlist_offers, waitlist_openings as openings};

pub use list::{WaitlistFilters, list};
pub use offers::{close_offer, insert_offer, lapsed, lapsed_holds, next_moment};

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = table)]
pub(super) struct Row {
    pub id: Key,
    patient_id: Key,
    practitioner_id: Option<Key>,
    department_id: Option<Key>,
    appointment_type_id: Option<Key>,
    start_at: At,
    end_at: At,
    minutes: Option<i64>,
    priority: i64,
    status: Code<EntryStatus>,
    appointment_id: Option<Key>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&Entry> for Row {
    fn from(entry: &Entry) -> Self {
        Self {
            id: entry.id.into(),
            patient_id: entry.patient_id.into(),
            practitioner_id: entry.practitioner_id.map(Key::from),
            department_id: entry.department_id.map(Key::from),
            appointment_type_id: entry.appointment_type_id.map(Key::from),
            start_at: entry.start.into(),
            end_at: entry.end.into(),
            minutes: entry.minutes,
            priority: entry.priority.rank(),
            status: entry.status.into(),
            appointment_id: entry.appointment_id.map(Key::from),
            version: entry.version,
            created_at: entry.created_at.into(),
            updated_at: entry.updated_at.into(),
        }
    }
}

impl Row {
    pub(super) fn entry(self, offer: Option<Offer>) -> Entry {
        let priority = [Priority::Urgent, Priority::High, Priority::Normal, Priority::Low]
            .into_iter()
            .find(|priority| priority.rank() == self.priority);
        Entry {
            id: self.id.into(),
            patient_id: self.patient_id.into(),
            practitioner_id: self.practitioner_id.map(Into::into),
            department_id: self.department_id.map(Into::into),
            appointment_type_id: self.appointment_type_id.map(Into::into),
            start: self.start_at.into(),
            end: self.end_at.into(),
            minutes: self.minutes,
            priority: priority.unwrap_or(Priority::Normal),
            status: self.status.0,
            offer,
            appointment_id: self.appointment_id.map(Into::into),
            version: self.version,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        }
    }
}

/// Writes a new entry.
pub fn insert(db: &mut Db, entry: &Entry) -> Result<()> {
    diesel::insert_into(table::table).values(Row::from(entry)).execute(db)?;
    Ok(())
}

/// The entry of this id, with what is offered to it.
pub fn find(db: &mut Db, id: WaitlistEntryId) -> Result<Entry> {
    let row: Row = table::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    let offer = open_offer(db, id)?;
    Ok(row.entry(offer))
}

/// The same, and nobody else can change it until the unit of work ends.
pub fn hold(db: &mut Db, id: WaitlistEntryId) -> Result<Entry> {
    let row: Row = table::table.find(Key::from(id)).select(Row::as_select()).lock(db).get_result(db)?;
    let offer = open_offer(db, id)?;
    Ok(row.entry(offer))
}

fn open_offer(db: &mut Db, id: WaitlistEntryId) -> Result<Option<Offer>> {
    let own = waitlist_offers::table
        .filter(waitlist_offers::entry_id.eq(Key::from(id)))
        .filter(waitlist_offers::status.eq(Code(OfferStatus::Open)));
    let columns = (
        waitlist_offers::id,
        waitlist_offers::hold_id,
        waitlist_offers::opening,
        waitlist_offers::expires_at,
    );
    let found: Option<(Key, Key, Json, At)> = own.select(columns).first(db).optional()?;
    let Some((id, hold, opening, expires_at)) = found else { return Ok(None) };
    let opening: Opening = read_json(opening)?;
    // The hold may be shorter than what became free.
    let end: Option<At> = holds::table.find(hold).select(holds::end_at).first(db).optional()?;
    Ok(Some(Offer {
        id: id.into(),
        hold_id: hold.into(),
        practitioner_id: opening.practitioner_id,
        start: opening.start,
        end: end.map_or(opening.end, Into::into),
        expires_at: expires_at.into(),
        opening,
    }))
}

/// Writes the next version of an entry; false when it has another one already.
pub fn save(db: &mut Db, before: &Entry, next: &Entry) -> Result<bool> {
    let read = table::table
        .filter(table::id.eq(Key::from(before.id)))
        .filter(table::version.eq(before.version))
        .filter(table::status.eq(Code(before.status)));
    let set = (
        table::status.eq(Code(next.status)),
        table::appointment_id.eq(next.appointment_id.map(Key::from)),
        table::version.eq(next.version),
        table::updated_at.eq(At::from(next.updated_at)),
    );
    Ok(diesel::update(read).set(set).execute(db)? == 1)
}

/// Notes what becomes free when an appointment becomes another one.
pub(super) fn freed(db: &mut Db, before: &Appointment, next: &Appointment) -> Result<()> {
    let id: Id<Opening> = Id::new(next.updated_at);
    match Opening::freed(before, next, id.uuid()) {
        Some(opening) => open(db, &opening, next.updated_at),
        None => Ok(()),
    }
}

/// Notes a time that is free now, to be offered.
pub fn open(db: &mut Db, opening: &Opening, now: DateTime<Utc>) -> Result<()> {
    let row = (
        openings::id.eq(Key(opening.id)),
        openings::practitioner_id.eq(Key::from(opening.practitioner_id)),
        openings::department_id.eq(opening.department_id.map(Key::from)),
        openings::appointment_type_id.eq(opening.appointment_type_id.map(Key::from)),
        openings::start_at.eq(At::from(opening.start)),
        openings::end_at.eq(At::from(opening.end)),
        openings::created_at.eq(At::from(now)),
    );
    diesel::insert_into(openings::table).values(row).execute(db)?;
    Ok(())
}

/// Takes up the oldest time that is to be offered and that no other replica has in hand: it is gone with this unit of
/// work, and stays with its failure.
pub fn take_opening(db: &mut Db) -> Result<Option<Opening>> {
    type Found = (Key, Key, Option<Key>, Option<Key>, At, At);
    let query = openings::table
        .order((openings::created_at.asc(), openings::id.asc()))
        .limit(1)
        .select((
            openings::id,
            openings::practitioner_id,
            openings::department_id,
            openings::appointment_type_id,
            openings::start_at,
            openings::end_at,
        ))
        .lock_skip(db);
    let found: Option<Found> = query.get_result(db).optional()?;
    let Some((id, practitioner, department, kind, start, end)) = found else { return Ok(None) };
    diesel::delete(openings::table.find(id)).execute(db)?;
    Ok(Some(Opening {
        id: id.0,
        practitioner_id: practitioner.into(),
        department_id: department.map(Into::into),
        appointment_type_id: kind.map(Into::into),
        start: start.into(),
        end: end.into(),
    }))
}

/// Those who wait, may want this time and were not offered it before, the most pressing first.
pub fn candidates(db: &mut Db, opening: &Opening, limit: i64) -> Result<Vec<Entry>> {
    let asked = waitlist_offers::table
        .filter(waitlist_offers::opening_id.eq(Key(opening.id)))
        .select(waitlist_offers::entry_id);
    let with = Some(Key::from(opening.practitioner_id));
    let mut query = table::table
        .filter(table::status.eq(Code(EntryStatus::Waiting)))
        .filter(table::practitioner_id.is_null().or(table::practitioner_id.eq(with)))
        .filter(table::start_at.le(At::from(opening.start)))
        .filter(table::end_at.gt(At::from(opening.start)))
        .filter(table::id.ne_all(asked))
        .into_boxed();
    query = match opening.department_id {
        None => query.filter(table::department_id.is_null()),
        Some(there) => {
            query.filter(table::department_id.is_null().or(table::department_id.eq(Some(Key::from(there)))))
        }
    };
    let rows: Vec<Row> = query
        .order((table::priority.asc(), table::created_at.asc(), table::id.asc()))
        .limit(limit)
        .select(Row::as_select())
        .load(db)?;
    Ok(rows.into_iter().map(|row| row.entry(None)).collect())
}
