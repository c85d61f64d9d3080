//! When a practitioner sees patients at a place.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use hms_model::TimeSlot;
use hms_model::id::{AppointmentTypeId, DepartmentId, PractitionerId, ScheduleId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hours::days;
use super::{AppointmentType, Holiday, Hours, Refusal, Zone};

/// The longest slot and the longest buffer of a schedule or a type, in minutes.
pub const LONGEST_SLOT: i64 = 24 * 60;
/// The longest buffer, in minutes.
pub const LONGEST_BUFFER: i64 = 4 * 60;
/// The most patients that share one slot.
pub const LARGEST_GROUP: i64 = 500;
const MOST_TYPES: usize = 100;

/// What is agreed upon for a schedule; all that a client may say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleDetails {
    /// Whose time it is.
    pub practitioner_id: PractitionerId,
    /// Where.
    pub department_id: DepartmentId,
    /// Whether it is in use; true unless it is said.
    #[serde(default = "yes")]
    pub active: bool,
    /// The zone of the place, in which all its hours are meant.
    pub zone: Zone,
    /// The first day.
    pub valid_from: NaiveDate,
    /// The last day; none: until it is changed.
    #[serde(default)]
    pub valid_to: Option<NaiveDate>,
    /// When it is open.
    pub hours: Hours,
    /// A slot begins every so many minutes, and lasts as long where its type does not say otherwise.
    pub slot_minutes: i64,
    /// Minutes that are kept free before each appointment, where its type does not say otherwise.
    #[serde(default)]
    pub buffer_before_minutes: i64,
    /// Minutes that are kept free after each appointment, where its type does not say otherwise.
    #[serde(default)]
    pub buffer_after_minutes: i64,
    /// How many patients share a slot, where its type does not say otherwise.
    #[serde(default = "one")]
    pub capacity: i64,
    /// Patients book at least so many minutes ahead.
    #[serde(default)]
    pub min_notice_minutes: i64,
    /// Patients book at most so many days ahead; none: without limit.
    #[serde(default)]
    pub max_notice_days: Option<i64>,
    /// What can be booked; when the list is empty: any type, and none.
    #[serde(default)]
    pub appointment_type_ids: Vec<AppointmentTypeId>,
}

fn yes() -> bool {
    true
}

fn one() -> i64 {
    1
}

/// When a practitioner sees patients at a place (FHIR Schedule).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    #[serde(flatten)]
    #[schema(inline)]
    /// What is agreed upon.
    pub details: ScheduleDetails,
    /// Goes up with each change; the `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A number lies within its bounds.
pub(super) fn within(field: &'static str, number: i64, least: i64, most: i64) -> Result<(), Refusal> {
    if (least..=most).contains(&number) {
        Ok(())
    } else {
        Err(Refusal::field(field, format!("must be from {least} to {most}")))
    }
}

impl ScheduleDetails {
    /// All that can be checked without looking anything up.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.valid_to.is_some_and(|to| to < self.valid_from) {
            return Err(Refusal::field("valid_to", "must not be before valid_from"));
        }
        within("slot_minutes", self.slot_minutes, 1, LONGEST_SLOT)?;
        within("buffer_before_minutes", self.buffer_before_minutes, 0, LONGEST_BUFFER)?;
        within("buffer_after_minutes", self.buffer_after_minutes, 0, LONGEST_BUFFER)?;
        within("capacity", self.capacity, 1, LARGEST_GROUP)?;
        within("min_notice_minutes", self.min_notice_minutes, 0, 366 * 24 * 60)?;
        within("max_notice_days", self.max_notice_days.unwrap_or(1), 1, 10 * 366)?;
        if self.appointment_type_ids.len() > MOST_TYPES {
            return Err(Refusal::field("appointment_type_ids", format!("at most {MOST_TYPES}")));
        }
        self.hours.check()
    }

    /// Whether it can be booked for this, or for nothing in particular.
    pub fn takes(&self, kind: Option<AppointmentTypeId>) -> bool {
        self.appointment_type_ids.is_empty()
            || kind.is_some_and(|kind| self.appointment_type_ids.contains(&kind))
    }

    /// When it is open within a window, in order. The ends of an opening are the moments of its local times by RFC 5545,
    /// 3.3.5; what a change of the clocks makes empty is left out, what it lays over each other becomes one.
    pub fn openings(&self, holidays: &[Holiday], window: TimeSlot) -> Vec<TimeSlot> {
        // A local day lies within a day and a half around the same day in UTC.
        let day = Days::new(2);
        let first = window.start().date_naive().checked_sub_days(day).unwrap_or(NaiveDate::MIN);
        let last = window.end().date_naive().checked_add_days(day).unwrap_or(NaiveDate::MAX);
        let from = first.max(self.valid_from);
        let to = self.valid_to.map_or(last, |valid_to| valid_to.min(last));
        let is_holiday = |day| holidays.iter().any(|holiday| holiday.closes(self.department_id, day));
        let slots = days(from, to).flat_map(|day| {
            let ranges = self.hours.of(day, is_holiday(day));
            ranges.into_iter().filter_map(move |range| {
                let (start, end) =
                    (self.zone.moment(range.start.on(day)), self.zone.moment(range.end.on(day)));
                TimeSlot::new(start, end).ok()
            })
        });
        let mut slots: Vec<_> = slots.collect();
        slots.sort_by_key(|slot| (slot.start(), slot.end()));
        let reaches_in = |slot: &TimeSlot| slot.overlaps(window);
        joined(slots).into_iter().filter(reaches_in).collect()
    }

    /// When patients may book by now.
    pub fn notice(&self, now: DateTime<Utc>) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
        let latest = self.max_notice_days.map(|days| now + TimeDelta::days(days));
        (now + TimeDelta::minutes(self.min_notice_minutes), latest)
    }
}

/// What overlaps becomes one; what only touches stays two.
fn joined(slots: Vec<TimeSlot>) -> Vec<TimeSlot> {
    let mut joined: Vec<TimeSlot> = Vec::new();
    for slot in slots {
        let merged = joined.last().filter(|last| last.overlaps(slot));
        match merged.and_then(|last| TimeSlot::new(last.start(), last.end().max(slot.end())).ok()) {
            Some(merged) => {
                joined.pop();
                joined.push(merged);
            }
            None => joined.push(slot),
        }
    }
    joined
}

/// How an appointment of a type lies in the calendar; what the type does not say, the schedule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// From the start of one slot to the start of the next.
    pub step: TimeDelta,
    /// How long it lasts.
    pub length: TimeDelta,
    /// What is kept free before.
    pub before: TimeDelta,
    /// What is kept free after.
    pub after: TimeDelta,
    /// How many share it.
    pub seats: i64,
}

impl Measure {
    /// Of a type in a schedule; at least one of them must be there, else it is a slot without length.
    pub fn of(schedule: Option<&ScheduleDetails>, kind: Option<&AppointmentType>) -> Self {
        let details = kind.map(|kind| &kind.details);
        let minutes = |of_type: Option<i64>, of_schedule: Option<i64>| {
            TimeDelta::minutes(of_type.or(of_schedule).unwrap_or(0))
        };
        let slot = schedule.map(|schedule| schedule.slot_minutes);
        let length = details.map(|details| details.duration_minutes);
        Self {
            step: minutes(slot, length),
            length: minutes(length, slot),
            before: minutes(
                details.and_then(|details| details.buffer_before_minutes),
                schedule.map(|schedule| schedule.buffer_before_minutes),
            ),
            after: minutes(
                details.and_then(|details| details.buffer_after_minutes),
                schedule.map(|schedule| schedule.buffer_after_minutes),
            ),
            seats: details
                .and_then(|details| details.capacity)
                .or(schedule.map(|schedule| schedule.capacity))
                .unwrap_or(1),
        }
    }

    /// The time that a slot takes, with what is kept free around it.
    pub fn busy(self, slot: TimeSlot) -> TimeSlot {
        TimeSlot::new(slot.start() - self.before, slot.end() + self.after).unwrap_or(slot)
    }
}
