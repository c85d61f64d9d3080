//! A slot that is kept for somebody for some minutes.

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::TimeSlot;
use hms_model::id::{
    AccountId, AppointmentId, AppointmentTypeId, DepartmentId, HoldId, Id, PractitionerId, ResourceId,
};
use hms_model::role::Reach;
use serde::Serialize;
use utoipa::ToSchema;

use super::booking::{length, not_past, resources};
use super::{Ask, Known, Place, Placement, Question, Refusal, Request, Zone};

/// How long a slot is held where it is not said, in minutes.
pub const USUAL_HOLD: i64 = 5;
/// How long a slot can be held, in minutes.
const LONGEST_HOLD: i64 = 30;
/// How many slots somebody can hold at a time: whoever is bound, and everybody else.
const MOST_HELD: (i64, i64) = (5, 100);

/// A slot that is kept for an account. It is over by the clock alone.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Hold {
    /// Its id; `hold_id` of a booking.
    pub id: HoldId,
    /// Whose it is.
    #[serde(skip)]
    pub held_by: AccountId,
    /// With whom.
    pub practitioner_id: PractitionerId,
    /// Where.
    pub department_id: Option<DepartmentId>,
    /// What for.
    pub appointment_type_id: Option<AppointmentTypeId>,
    /// From.
    pub start: DateTime<Utc>,
    /// Up to, not including.
    pub end: DateTime<Utc>,
    /// The rooms and equipment.
    pub resource_ids: Vec<ResourceId>,
    /// The zone of the place.
    pub zone: Option<Zone>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// How it lies in the calendar.
    #[serde(skip)]
    pub place: Place,
}

impl Hold {
    /// What can be checked before the calendar is looked at; until when it would be.
    pub fn check(
        slot: TimeSlot,
        minutes: i64,
        held: i64,
        reach: Reach,
        ask: &Ask,
    ) -> Result<DateTime<Utc>, Refusal> {
        if let Reach::Department { department_id } = reach
            && ask.department_id != Some(department_id)
        {
            return Err(Refusal::OtherDepartment);
        }
        resources(&ask.resource_ids)?;
        length(slot)?;
        not_past(slot, ask.now)?;
        if !(1..=LONGEST_HOLD).contains(&minutes) {
            return Err(Refusal::field("minutes", format!("must be from 1 to {LONGEST_HOLD}")));
        }
        let most = if ask.bound { MOST_HELD.0 } else { MOST_HELD.1 };
        if held >= most {
            return Err(Refusal::TooManyHolds);
        }
        Ok(ask.now + TimeDelta::minutes(minutes))
    }

    /// What must be known to hold it: a hold is for nobody in particular, and so no patient is asked about.
    pub fn question(id: AppointmentId, ask: &Ask) -> Question {
        Question {
            id,
            patient_id: Id::from_uuid(id.uuid()),
            practitioner_id: ask.practitioner_id,
            department_id: ask.department_id,
            end: ask.slot.end(),
            now: ask.now,
        }
    }

    /// Whether those who are named are there and in use.
    pub fn allowed(known: &Known, ask: &Ask) -> Result<(), Refusal> {
        known.without_patient().exist(ask.department_id.is_some())?;
        known.people_are_active()?;
        known.department_is_active()
    }

    /// The hold, where a place was found.
    pub fn new(
        id: HoldId,
        held_by: AccountId,
        ask: &Ask,
        found: Placement,
        expires_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            held_by,
            practitioner_id: ask.practitioner_id,
            department_id: found.department_id,
            appointment_type_id: ask.appointment_type_id,
            start: ask.slot.start(),
            end: ask.slot.end(),
            resource_ids: found.resource_ids,
            zone: found.zone,
            expires_at,
            place: found.place,
        }
    }

    /// The place that a booking by this hold gets: the booking must be of what is held, by whoever holds it, in time.
    pub fn redeem(
        &self,
        request: &Request,
        account: AccountId,
        now: DateTime<Utc>,
    ) -> Result<Placement, Refusal> {
        if self.held_by != account || self.expires_at <= now {
            return Err(Refusal::HoldExpired);
        }
        let same = (self.practitioner_id, self.start, self.end, self.appointment_type_id)
            == (request.practitioner_id, request.start, request.end, request.appointment_type_id);
        let there = request.department_id.is_none() || request.department_id == self.department_id;
        let with = request.resource_ids.iter().all(|id| self.resource_ids.contains(id));
        if !(same && there && with) {
            return Err(Refusal::field("hold_id", "another time, place, practitioner or type is held"));
        }
        Ok(Placement {
            place: self.place,
            department_id: self.department_id,
            zone: self.zone,
            resource_ids: self.resource_ids.clone(),
            overbook_reason: None,
        })
    }
}
