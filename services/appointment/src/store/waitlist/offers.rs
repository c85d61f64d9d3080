//! What is offered to whom.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Code, Db, Key, LockExt, Result};
use hms_model::id::{HoldId, OfferId, WaitlistEntryId};

use crate::domain::{Entry, Offer, OfferStatus, Opening};
use crate::schema::{holds, waitlist_offers as table};
use crate::store::json;

/// Writes an offer to an entry. The database refuses a second open one of the same time, or to the same entry.
pub fn insert_offer(db: &mut Db, entry: &Entry, offer: &Offer, now: DateTime<Utc>) -> Result<()> {
    let row = (
        table::id.eq(Key::from(offer.id)),
        table::entry_id.eq(Key::from(entry.id)),
        table::opening_id.eq(Key(offer.opening.id)),
        table::hold_id.eq(Key::from(offer.hold_id)),
        table::status.eq(Code(OfferStatus::Open)),
        table::expires_at.eq(At::from(offer.expires_at)),
        table::opening.eq(json(&offer.opening)?),
        table::created_at.eq(At::from(now)),
    );
    diesel::insert_into(table::table).values(row).execute(db)?;
    Ok(())
}

/// An open offer comes to its end; false when it had already.
pub fn close_offer(db: &mut Db, id: OfferId, status: OfferStatus) -> Result<bool> {
    let open =
        table::table.filter(table::id.eq(Key::from(id))).filter(table::status.eq(Code(OfferStatus::Open)));
    Ok(diesel::update(open).set(table::status.eq(Code(status))).execute(db)? == 1)
}

/// Whose offers have expired and have not been taken back; at most so many.
pub fn lapsed(db: &mut Db, now: DateTime<Utc>, limit: i64) -> Result<Vec<WaitlistEntryId>> {
    let entries: Vec<Key> = table::table
        .filter(table::status.eq(Code(OfferStatus::Open)))
        .filter(table::expires_at.le(At::from(now)))
        .order(table::expires_at.asc())
        .limit(limit)
        .select(table::entry_id)
        .load(db)?;
    Ok(entries.into_iter().map(Into::into).collect())
}

/// Holds that have expired and are no offers, which nobody else has in hand; at most so many.
pub fn lapsed_holds(db: &mut Db, now: DateTime<Utc>, limit: i64) -> Result<Vec<(HoldId, Opening)>> {
    type Found = (Key, Key, Option<Key>, Option<Key>, At, At);
    let offered = table::table.filter(table::status.eq(Code(OfferStatus::Open))).select(table::hold_id);
    let query = holds::table
        .filter(holds::expires_at.le(At::from(now)))
        .filter(holds::id.ne_all(offered))
        .limit(limit)
        .select((
            holds::id,
            holds::practitioner_id,
            holds::department_id,
            holds::appointment_type_id,
            holds::start_at,
            holds::end_at,
        ))
        .lock_skip(db);
    let rows: Vec<Found> = query.load(db)?;
    let opening = |(id, practitioner, department, kind, start, end): Found| {
        let opening = Opening {
            id: id.0,
            practitioner_id: practitioner.into(),
            department_id: department.map(Into::into),
            appointment_type_id: kind.map(Into::into),
            start: start.into(),
            end: end.into(),
        };
        (id.into(), opening)
    };
    Ok(rows.into_iter().map(opening).collect())
}

/// When the next hold or offer expires.
pub fn next_moment(db: &mut Db) -> Result<Option<DateTime<Utc>>> {
    let hold: Option<At> = holds::table.select(diesel::dsl::min(holds::expires_at)).first(db)?;
    let open = table::table.filter(table::status.eq(Code(OfferStatus::Open)));
    let offer: Option<At> = open.select(diesel::dsl::min(table::expires_at)).first(db)?;
    Ok(hold.into_iter().chain(offer).map(|at| at.0).min())
}
