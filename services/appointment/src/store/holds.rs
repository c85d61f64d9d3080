//! Slots that are held.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, Error, Json, KeepExt, Key, LockExt, Result};
use hms_model::TimeSlot;
use hms_model::id::{AccountId, HoldId};

use super::{json, occupancy as taken, place, read_json, unreadable};
use crate::domain::Hold;
use crate::schema::{holds, occupancy};

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = holds, treat_none_as_default_value = false)]
struct Row {
    id: Key,
    held_by: Key,
    practitioner_id: Key,
    department_id: Option<Key>,
    appointment_type_id: Option<Key>,
    start_at: At,
    end_at: At,
    busy_start: Option<At>,
    busy_end: Option<At>,
    session_id: Option<Key>,
    seat: i64,
    seats: i64,
    resource_ids: Json,
    zone: Option<String>,
    expires_at: At,
    created_at: At,
}

/// The hold of this id, expired or not, which nobody else can redeem until the unit of work ends.
pub fn hold(db: &mut Db, id: HoldId) -> Result<Option<Hold>> {
    let query = holds::table.find(Key::from(id)).select(Row::as_select()).lock(db);
    let row: Option<Row> = query.get_result(db).optional()?;
    row.map(Hold::try_from).transpose()
}

/// How many slots an account holds.
pub fn count(db: &mut Db, held_by: AccountId, now: DateTime<Utc>) -> Result<i64> {
    let live = holds::table
        .filter(holds::held_by.eq(Key::from(held_by)))
        .filter(holds::expires_at.gt(At::from(now)));
    Ok(live.count().get_result(db)?)
}

/// Writes a hold and takes its time.
pub fn insert(db: &mut Db, hold: &Hold, now: DateTime<Utc>) -> Result<()> {
    let row = Row {
        id: hold.id.into(),
        held_by: hold.held_by.into(),
        practitioner_id: hold.practitioner_id.into(),
        department_id: hold.department_id.map(Key::from),
        appointment_type_id: hold.appointment_type_id.map(Key::from),
        start_at: hold.start.into(),
        end_at: hold.end.into(),
        busy_start: hold.place.busy.map(|busy| busy.start().into()),
        busy_end: hold.place.busy.map(|busy| busy.end().into()),
        session_id: hold.place.session.map(Key),
        seat: hold.place.seat,
        seats: hold.place.seats,
        resource_ids: json(&hold.resource_ids)?,
        zone: hold.zone.map(String::from),
        expires_at: hold.expires_at.into(),
        created_at: now.into(),
    };
    diesel::insert_into(holds::table).values(row).kept().execute(db)?;
    let slot = TimeSlot::new(hold.start, hold.end).map_err(unreadable)?;
    taken::occupy_by_hold(db, hold, slot)
}

/// Lets a hold go, and its time with it.
pub fn release(db: &mut Db, id: HoldId) -> Result<()> {
    diesel::delete(occupancy::table.filter(occupancy::owner_id.eq(Key::from(id)))).execute(db)?;
    diesel::delete(holds::table.find(Key::from(id))).execute(db)?;
    Ok(())
}

impl TryFrom<Row> for Hold {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            held_by: row.held_by.into(),
            practitioner_id: row.practitioner_id.into(),
            department_id: row.department_id.map(Into::into),
            appointment_type_id: row.appointment_type_id.map(Into::into),
            start: row.start_at.into(),
            end: row.end_at.into(),
            resource_ids: read_json(row.resource_ids)?,
            zone: row.zone.map(TryInto::try_into).transpose().map_err(unreadable)?,
            expires_at: row.expires_at.into(),
            place: place(row.busy_start, row.busy_end, row.session_id, row.seat, row.seats),
        })
    }
}
