//! The time that is taken. The practitioner's rows of an appointment are written by the database itself, when the
//! appointment is.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, KeepExt, Key, Result};
use hms_model::TimeSlot;
use hms_model::id::{AppointmentId, ResourceId};
use uuid::Uuid;

use crate::domain::{Appointment, Busy, Calendar, Hold, Place};
use crate::schema::occupancy;

/// No row is longer: an appointment of 24 hours with its buffers.
const LONGEST: TimeDelta = TimeDelta::hours(32);

#[derive(Debug, Insertable)]
#[diesel(table_name = occupancy, treat_none_as_default_value = false)]
struct Row {
    owner_id: Key,
    resource_id: Key,
    session_id: Key,
    seat: i64,
    seats: i64,
    start_at: At,
    end_at: At,
    expires_at: Option<At>,
}

impl Row {
    fn new(owner: Uuid, resource: Uuid, slot: TimeSlot, place: &Place, expires_at: Option<At>) -> Self {
        let busy = place.busy.unwrap_or(slot);
        Self {
            owner_id: Key(owner),
            resource_id: Key(resource),
            session_id: Key(place.session.unwrap_or(owner)),
            seat: place.seat,
            seats: place.seats,
            start_at: busy.start().into(),
            end_at: busy.end().into(),
            expires_at,
        }
    }

    fn insert(self, db: &mut Db) -> Result<()> {
        diesel::insert_into(occupancy::table).values(self).kept().execute(db)?;
        Ok(())
    }
}

/// An appointment takes the time of these rooms and this equipment, if it takes any.
pub(super) fn occupy(db: &mut Db, appointment: &Appointment, resources: &[ResourceId]) -> Result<()> {
    let slot = TimeSlot::new(appointment.start, appointment.end).ok();
    let Some(slot) = slot.filter(|_| appointment.takes_time()) else { return Ok(()) };
    for resource in resources {
        Row::new(appointment.id.uuid(), resource.uuid(), slot, &appointment.place, None).insert(db)?;
    }
    Ok(())
}

/// It takes the time of these no more.
pub(super) fn free(db: &mut Db, owner: AppointmentId, resources: &[ResourceId]) -> Result<()> {
    if !resources.is_empty() {
        let keys: Vec<_> = resources.iter().map(|id| Key::from(*id)).collect();
        let rows = occupancy::table
            .filter(occupancy::owner_id.eq(Key::from(owner)))
            .filter(occupancy::resource_id.eq_any(keys));
        diesel::delete(rows).execute(db)?;
    }
    Ok(())
}

/// A hold takes the time of its practitioner, rooms and equipment until it expires.
pub(super) fn occupy_by_hold(db: &mut Db, hold: &Hold, slot: TimeSlot) -> Result<()> {
    let resources = hold.resource_ids.iter().map(|id| id.uuid());
    for resource in std::iter::once(hold.practitioner_id.uuid()).chain(resources) {
        Row::new(hold.id.uuid(), resource, slot, &hold.place, Some(hold.expires_at.into())).insert(db)?;
    }
    Ok(())
}

/// What expired holds have left of these.
pub fn drop_lapsed(db: &mut Db, resources: &[Uuid], now: DateTime<Utc>) -> Result<()> {
    let keys: Vec<_> = resources.iter().map(|id| Key(*id)).collect();
    let lapsed = occupancy::table
        .filter(occupancy::resource_id.eq_any(keys))
        .filter(occupancy::expires_at.le(At::from(now)));
    diesel::delete(lapsed).execute(db)?;
    Ok(())
}

/// The taken time of these within a window, but for what these owners take. Whether expired holds are in it too, which
/// count as nothing, and yet must be dropped before something is written over them.
pub fn calendar(
    db: &mut Db,
    resources: &[Uuid],
    window: TimeSlot,
    except: &[Uuid],
    now: DateTime<Utc>,
) -> Result<(Calendar, bool)> {
    let keys = |ids: &[Uuid]| ids.iter().map(|id| Key(*id)).collect::<Vec<_>>();
    let mut query = occupancy::table
        .filter(occupancy::resource_id.eq_any(keys(resources)))
        .filter(occupancy::start_at.lt(At::from(window.end())))
        .filter(occupancy::start_at.gt(At::from(window.start() - LONGEST)))
        .filter(occupancy::end_at.gt(At::from(window.start())))
        .into_boxed();
    if !except.is_empty() {
        query = query.filter(occupancy::owner_id.ne_all(keys(except)));
    }
    type Found = (Key, Key, i64, At, At, Option<At>);
    let rows: Vec<Found> = query
        .select((
            occupancy::resource_id,
            occupancy::session_id,
            occupancy::seat,
            occupancy::start_at,
            occupancy::end_at,
            occupancy::expires_at,
        ))
        .load(db)?;
    let all = rows.len();
    let is_live = |expires_at: Option<At>| expires_at.is_none_or(|at| at.0 > now);
    let live = rows.into_iter().filter(|row| is_live(row.5));
    let busy: Vec<_> = live
        .filter_map(|(resource, session, seat, start, end, _)| {
            let slot = TimeSlot::new(start.into(), end.into()).ok()?;
            Some(Busy { resource: resource.0, session: session.0, seat, slot })
        })
        .collect();
    let has_lapsed = busy.len() < all;
    Ok((Calendar::new(busy), has_lapsed))
}
