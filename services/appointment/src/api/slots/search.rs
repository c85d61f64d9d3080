//! Going through schedules and calendars for free slots, as far as a page needs and no further.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use hms_db::Db;
use hms_model::TimeSlot;
use hms_model::id::{AppointmentTypeId, DepartmentId, PractitionerId, ScheduleId};
use hms_problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::query::{Cursor, SlotQuery};
use crate::domain::{Plan, Refusal, Schedule, Zone};
use crate::store;

const USUAL_WINDOW: TimeDelta = TimeDelta::days(14);
const LONGEST_WINDOW: TimeDelta = TimeDelta::days(62);
/// The calendar is read for a day first, then for more at a time: where slots are free the first day has enough of
/// them, and where none are it is read in few pieces.
const FIRST_STRETCH: TimeDelta = TimeDelta::days(1);
const LONGEST_STRETCH: TimeDelta = TimeDelta::days(8);
/// The longest buffer of either side.
const MARGIN: TimeDelta = TimeDelta::hours(4);

/// A free slot (FHIR Slot).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Slot {
    /// With whom.
    pub practitioner_id: PractitionerId,
    /// Where.
    pub department_id: DepartmentId,
    /// The schedule that offers it.
    pub schedule_id: ScheduleId,
    /// What for, if that was asked.
    pub appointment_type_id: Option<AppointmentTypeId>,
    /// From.
    pub start: DateTime<Utc>,
    /// Up to, not including.
    pub end: DateTime<Utc>,
    /// The zone of the place.
    pub zone: Zone,
    /// How many can still book it.
    pub seats_left: i64,
}

impl Slot {
    /// Its place in the order of the list.
    pub fn cursor(&self) -> Cursor {
        Cursor::after(self.start, self.schedule_id)
    }
}

/// The window of a query.
pub fn window(query: &SlotQuery, now: DateTime<Utc>) -> Result<Option<TimeSlot>, Refusal> {
    let from = query.from.unwrap_or(now);
    let to = query.to.unwrap_or(from + USUAL_WINDOW);
    let asked = TimeSlot::new(from, to).map_err(|_| Refusal::field("to", "must be after from"))?;
    if asked.duration() > LONGEST_WINDOW {
        return Err(Refusal::field("to", "at most 62 days after from"));
    }
    let page = query.cursor.and_then(|cursor| DateTime::from_timestamp_micros(cursor.start));
    Ok(TimeSlot::new(from.max(now).max(page.unwrap_or(from)), to).ok())
}

/// The slots of a page, and one more where there are more.
pub fn search(
    db: &mut Db,
    query: &SlotQuery,
    window: TimeSlot,
    bound: bool,
    now: DateTime<Utc>,
) -> Result<Vec<Slot>, Problem> {
    let plan = store::plan::searched(db, &query.search, window)?;
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let (mut from, mut stretch) = (window.start(), FIRST_STRETCH);
    while found.len() <= query.size
        && let Ok(part) = TimeSlot::new(from, window.end().min(from + stretch))
    {
        let left: Vec<_> = plan.schedules.iter().filter(|schedule| takes(&plan, schedule, &seen)).collect();
        if left.is_empty() {
            break;
        }
        let mut slots = free(db, &plan, &left, part, bound, now)?;
        slots.sort_by_key(Slot::cursor);
        slots.retain(|slot| query.cursor.is_none_or(|cursor| slot.cursor() > cursor));
        if query.first {
            slots.retain(|slot| seen.insert(slot.practitioner_id));
        }
        found.extend(slots);
        (from, stretch) = (part.end(), (stretch * 2).min(LONGEST_STRETCH));
    }
    found.truncate(query.size + 1);
    Ok(found)
}

/// Whether there may be something in a schedule that is not found yet.
fn takes(plan: &Plan, schedule: &Schedule, seen: &HashSet<PractitionerId>) -> bool {
    let details = &schedule.details;
    details.takes(plan.kind.as_ref().map(|kind| kind.id)) && !seen.contains(&details.practitioner_id)
}

/// The free slots of these schedules in a part of the window: one query for all that is taken in it.
fn free(
    db: &mut Db,
    plan: &Plan,
    schedules: &[&Schedule],
    part: TimeSlot,
    bound: bool,
    now: DateTime<Utc>,
) -> Result<Vec<Slot>, Problem> {
    let people = schedules.iter().map(|schedule| schedule.details.practitioner_id.uuid());
    let mut taken_by: Vec<_> =
        people.chain(plan.resources.iter().map(|resource| resource.id.uuid())).collect();
    taken_by.sort_unstable();
    taken_by.dedup();
    // A slot that begins in the part may end a day after it.
    let around = TimeSlot::new(part.start() - MARGIN, part.end() + TimeDelta::days(1) + MARGIN);
    let (calendar, _) = store::occupancy::calendar(db, &taken_by, around.unwrap_or(part), &[], now)?;
    let mut slots = Vec::new();
    for schedule in schedules {
        let details = &schedule.details;
        let (earliest, latest) = details.notice(now);
        let in_time = |start| !bound || (start >= earliest && latest.is_none_or(|latest| start <= latest));
        let free = plan.free(schedule, &calendar, part).filter(|free| in_time(free.slot.start()));
        slots.extend(free.map(|free| Slot {
            practitioner_id: details.practitioner_id,
            department_id: details.department_id,
            schedule_id: schedule.id,
            appointment_type_id: plan.kind.as_ref().map(|kind| kind.id),
            start: free.slot.start(),
            end: free.slot.end(),
            zone: details.zone,
            seats_left: free.seats_left,
        }));
    }
    Ok(slots)
}
