//! Making an appointment: booking one that is to come, or recording one that was.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::id::{
    AccountId, AppointmentId, AppointmentTypeId, DepartmentId, HoldId, PatientId, PractitionerId, ResourceId,
};
use hms_model::role::Reach;
use hms_model::{Identifier, TimeSlot, coded_enum};

use super::{
    Appointment, Ask, Description, Hold, Known, Place, Placement, Question, Reason, Refusal, Status,
};

const SHORTEST: TimeDelta = TimeDelta::minutes(1);
const LONGEST: TimeDelta = TimeDelta::hours(24);
/// Clocks differ, and a booking at the counter begins at once.
const LATE_BY_AT_MOST: TimeDelta = TimeDelta::minutes(5);
const MOST_IDENTIFIERS: usize = 20;
const MOST_RESOURCES: usize = 20;

coded_enum! {
    /// The status with which an appointment can be made. All but `booked` record what is over.
    pub enum InitialStatus {
        /// To come.
        Booked = "booked",
        /// Recorded: it took place.
        Fulfilled = "fulfilled",
        /// Recorded: the patient did not come.
        Noshow = "noshow",
        /// Recorded: it was called off.
        Cancelled = "cancelled",
    }
}

impl From<InitialStatus> for Status {
    fn from(status: InitialStatus) -> Self {
        match status {
            InitialStatus::Booked => Self::Booked,
            InitialStatus::Fulfilled => Self::Fulfilled,
            InitialStatus::Noshow => Self::Noshow,
            InitialStatus::Cancelled => Self::Cancelled,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// For whom.
    pub patient_id: PatientId,
    /// With whom.
    pub practitioner_id: PractitionerId,
    /// Where.
    pub department_id: Option<DepartmentId>,
    /// From.
    pub start: DateTime<Utc>,
    /// Up to, not including.
    pub end: DateTime<Utc>,
    /// To book it, or to record how it ended.
    pub status: InitialStatus,
    /// Why the patient comes.
    pub reason: Option<Reason>,
    /// What else there is to say about it.
    pub description: Option<Description>,
    /// What other systems call it.
    pub identifiers: Vec<Identifier>,
    /// What for.
    pub appointment_type_id: Option<AppointmentTypeId>,
    /// These rooms and this equipment.
    pub resource_ids: Vec<ResourceId>,
    /// The hold that is redeemed.
    pub hold_id: Option<HoldId>,
    /// Why it shall stand beside what is booked already.
    pub overbook: Option<Reason>,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Whose appointments they may touch.
    pub reach: Reach,
    /// Their account.
    pub account_id: AccountId,
    /// Whether they may record what took place.
    pub may_record: bool,
    /// Whether they may book beside what is booked already.
    pub may_overbook: bool,
}

impl Caller {
    /// Whether they act for themselves only: notice, grid and policies bind them.
    pub fn is_patient(self) -> bool {
        matches!(self.reach, Reach::Own { .. })
    }
}

/// A request that keeps all rules which can be checked without looking anything up.
#[derive(Debug, Clone, PartialEq)]
pub struct Booking {
    request: Request,
    slot: TimeSlot,
    caller: Caller,
}

impl Booking {
    /// Checks the caller, the times and the identifiers of a request.
    pub fn new(request: Request, caller: Caller, now: DateTime<Utc>) -> Result<Self, Refusal> {
        for_whom(caller.reach, &request)?;
        let slot = TimeSlot::new(request.start, request.end).map_err(|_| Refusal::EndNotAfterStart)?;
        if request.status == InitialStatus::Booked {
            length(slot)?;
            not_past(slot, now)?;
        } else {
            recordable(slot, caller, now)?;
        }
        identifiers(&request.identifiers)?;
        resources(&request.resource_ids)?;
        if request.overbook.is_some() && !caller.may_overbook {
            return Err(Refusal::MayNotOverbook);
        }
        Ok(Self { request, slot, caller })
    }

    /// What must be known to confirm it.
    pub fn question(&self, id: AppointmentId, now: DateTime<Utc>) -> Question {
        let Request { patient_id, practitioner_id, department_id, end, .. } = self.request;
        Question { id, patient_id, practitioner_id, department_id, end, now }
    }

    /// The place that is asked for; a record asks for none.
    pub fn ask(&self, now: DateTime<Utc>) -> Option<Ask> {
        let request = &self.request;
        (!self.is_record()).then(|| Ask {
            practitioner_id: request.practitioner_id,
            department_id: request.department_id,
            appointment_type_id: request.appointment_type_id,
            slot: self.slot,
            resource_ids: request.resource_ids.clone(),
            others_will_do: false,
            bound: self.caller.is_patient(),
            overbook: request.overbook.clone(),
            now,
        })
    }

    /// The hold that is redeemed.
    pub fn hold_id(&self) -> Option<HoldId> {
        self.request.hold_id.filter(|_| !self.is_record())
    }

    /// The place that the hold has kept.
    pub fn redeem(&self, hold: &Hold, now: DateTime<Utc>) -> Result<Placement, Refusal> {
        hold.redeem(&self.request, self.caller.account_id, now)
    }

    /// What other systems will call it.
    pub fn identifiers(&self) -> &[Identifier] {
        &self.request.identifiers
    }

    /// Whether it records what is over.
    pub fn is_record(&self) -> bool {
        self.request.status != InitialStatus::Booked
    }

    /// Whether those who are named are there and in use. A record names patients and practitioners who may have left
    /// since.
    pub fn allowed(&self, known: &Known) -> Result<(), Refusal> {
        known.exist(self.request.department_id.is_some())?;
        if let Some(owner) = known.identifier_owner {
            return Err(owner.in_the_way(self.caller.reach));
        }
        if !self.is_record() {
            known.people_are_active()?;
            known.department_is_active()?;
        }
        Ok(())
    }

    /// Makes the appointment in the place that was found for it. A record takes nobody's time.
    pub fn confirm(self, found: Placement, id: AppointmentId, now: DateTime<Utc>) -> Appointment {
        let request = self.request;
        let appointment = Appointment {
            id,
            patient_id: request.patient_id,
            practitioner_id: request.practitioner_id,
            department_id: request.department_id,
            start: request.start,
            end: request.end,
            status: request.status.into(),
            reason: request.reason,
            description: request.description,
            cancellation_reason: None,
            appointment_type_id: request.appointment_type_id,
            resource_ids: Vec::new(),
            zone: None,
            series_id: None,
            overbook_reason: None,
            late_cancellation: false,
            place: Place::default(),
            identifiers: request.identifiers,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        appointment.placed(found)
    }
}

/// No resource is named twice.
pub(super) fn resources(ids: &[ResourceId]) -> Result<(), Refusal> {
    if ids.len() > MOST_RESOURCES {
        return Err(Refusal::field("resource_ids", format!("at most {MOST_RESOURCES}")));
    }
    let mut seen = HashSet::new();
    if ids.iter().all(|id| seen.insert(id)) {
        Ok(())
    } else {
        Err(Refusal::field("resource_ids", "the same one stands there twice"))
    }
}

fn for_whom(reach: Reach, request: &Request) -> Result<(), Refusal> {
    let covered = reach.covers_in(request.patient_id, request.department_id);
    match reach {
        Reach::Own { patient_id: None, .. } => Err(Refusal::NoRecord),
        Reach::Own { .. } if !covered => Err(Refusal::NotYourself),
        Reach::Department { .. } if !covered => Err(Refusal::OtherDepartment),
        _ => Ok(()),
    }
}

/// How long a booking may last.
pub(super) fn length(slot: TimeSlot) -> Result<(), Refusal> {
    match slot.duration() {
        length if length < SHORTEST => Err(Refusal::TooShort),
        length if length > LONGEST => Err(Refusal::TooLong),
        _ => Ok(()),
    }
}

/// When a booking may begin.
pub(super) fn not_past(slot: TimeSlot, now: DateTime<Utc>) -> Result<(), Refusal> {
    if slot.start() < now - LATE_BY_AT_MOST { Err(Refusal::InThePast) } else { Ok(()) }
}

/// What took place lasted as long as it lasted: a stay in a ward takes days.
fn recordable(slot: TimeSlot, caller: Caller, now: DateTime<Utc>) -> Result<(), Refusal> {
    if !caller.may_record {
        return Err(Refusal::MayNotRecord);
    }
    if slot.end() > now { Err(Refusal::NotOverYet) } else { Ok(()) }
}

fn identifiers(identifiers: &[Identifier]) -> Result<(), Refusal> {
    if identifiers.len() > MOST_IDENTIFIERS {
        return Err(Refusal::TooManyIdentifiers);
    }
    let mut seen = HashSet::new();
    if identifiers.iter().all(|identifier| seen.insert(identifier)) {
        Ok(())
    } else {
        Err(Refusal::IdentifierTwice)
    }
}
