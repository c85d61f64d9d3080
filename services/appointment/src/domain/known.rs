//! What is known when an appointment is decided upon.

use chrono::{DateTime, Utc};
use hms_model::TimeSlot;
use hms_model::id::{AppointmentId, DepartmentId, PatientId, PractitionerId};
use hms_model::role::Reach;

use super::{Reference, Refusal};

/// What must be known before an appointment can be decided upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The appointment itself, which is not in its own way.
    pub id: AppointmentId,
    /// For whom.
    pub patient_id: PatientId,
    /// With whom.
    pub practitioner_id: PractitionerId,
    /// Where.
    pub department_id: Option<DepartmentId>,
    /// The end of the slot.
    pub end: DateTime<Utc>,
    /// The time of the question: a hold counts until it expires.
    pub now: DateTime<Utc>,
}

/// What is known of those that an appointment names, and of the time it asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// The practitioner, if there is such a one.
    pub practitioner: Option<Practitioner>,
    /// Whether the patient is active, if there is such a one.
    pub patient_active: Option<bool>,
    /// Whether the department is in use, if there is such a one.
    pub department_active: Option<bool>,
    /// The end of the last of what takes the practitioner's time and starts before the asked-for slot ends. Since what
    /// takes time never overlaps, this one alone can reach into the slot.
    pub busy_until: Option<DateTime<Utc>>,
    /// Whether a hold that has expired still stands in the calendar of the practitioner.
    pub has_lapsed_hold: bool,
    /// Whether the practitioner has a schedule in use; without any, every time can be booked.
    pub has_schedule: bool,
    /// Who has one of the identifiers already.
    pub identifier_owner: Option<Owner>,
}

/// What is known of a practitioner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Practitioner {
    /// The name as people say it.
    pub name: String,
    /// Whether they work here at present.
    pub active: bool,
}

/// The appointment that has an identifier already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Which.
    pub appointment_id: AppointmentId,
    /// Whose.
    pub patient_id: PatientId,
}

impl Owner {
    /// That it is in the way; which one it is, only for those who may see it.
    pub fn in_the_way(self, reach: Reach) -> Refusal {
        Refusal::Duplicate(reach.covers(self.patient_id).then_some(self.appointment_id))
    }
}

impl Known {
    /// The same where no patient is asked about.
    pub(super) fn without_patient(&self) -> Self {
        Self { patient_active: Some(true), ..self.clone() }
    }

    /// All that are named exist.
    pub(super) fn exist(&self, with_department: bool) -> Result<(), Refusal> {
        let unknown = |reference| Err(Refusal::Unknown(reference));
        if self.practitioner.is_none() {
            return unknown(Reference::Practitioner);
        }
        if self.patient_active.is_none() {
            return unknown(Reference::Patient);
        }
        if with_department && self.department_active.is_none() {
            return unknown(Reference::Department);
        }
        Ok(())
    }

    /// The practitioner works here, and the patient's record is in use.
    pub(super) fn people_are_active(&self) -> Result<(), Refusal> {
        if self.practitioner.as_ref().is_some_and(|practitioner| !practitioner.active) {
            return Err(Refusal::Inactive(Reference::Practitioner));
        }
        if self.patient_active == Some(false) { Err(Refusal::Inactive(Reference::Patient)) } else { Ok(()) }
    }

    /// The department is in use. One that is not named is not in the way.
    pub(super) fn department_is_active(&self) -> Result<(), Refusal> {
        if self.department_active == Some(false) {
            Err(Refusal::Inactive(Reference::Department))
        } else {
            Ok(())
        }
    }

    /// The practitioner is free.
    pub fn free(&self, slot: TimeSlot) -> Result<(), Refusal> {
        match self.busy_until {
            Some(until) if until > slot.start() => Err(Refusal::SlotTaken),
            _ => Ok(()),
        }
    }

    /// The name of the practitioner, for messages.
    pub fn practitioner_name(&self) -> &str {
        self.practitioner.as_ref().map_or("", |practitioner| &practitioner.name)
    }
}
