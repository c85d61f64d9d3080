//! An appointment and what becomes of it.

use chrono::{DateTime, Utc};
use hms_model::Identifier;
use hms_model::id::{
    AppointmentId, AppointmentTypeId, DepartmentId, PatientId, PractitionerId, ResourceId, SeriesId,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{AppointmentType, Description, LateCancel, Place, Placement, Reason, Refusal, Status, Zone};

/// A patient sees a practitioner at a time (FHIR Appointment).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Appointment {
    /// Its id.
    pub id: AppointmentId,
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
    /// How it stands.
    pub status: Status,
    /// Why the patient comes.
    pub reason: Option<Reason>,
    /// What else there is to say about it.
    pub description: Option<Description>,
    /// Why it was called off.
    pub cancellation_reason: Option<Reason>,
    /// What it is for.
    pub appointment_type_id: Option<AppointmentTypeId>,
    /// The rooms and equipment it takes.
    pub resource_ids: Vec<ResourceId>,
    /// The zone of the place, where a schedule says.
    pub zone: Option<Zone>,
    /// The series it belongs to.
    pub series_id: Option<SeriesId>,
    /// Why it was booked beside what was booked already, if it was.
    pub overbook_reason: Option<Reason>,
    /// Whether it was called off later than its type allows for.
    pub late_cancellation: bool,
    /// How it lies in the calendar.
    #[serde(skip)]
    pub place: Place,
    /// What other systems call it.
    pub identifiers: Vec<Identifier>,
    /// Goes up with each change; the `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Appointment {
    /// It moves on to another status.
    pub fn become_status(&self, status: Status, now: DateTime<Utc>) -> Result<Self, Refusal> {
        if !self.status.moves().contains(&status) {
            return Err(Refusal::Illegal(self.status));
        }
        Ok(Self { status, version: self.version + 1, updated_at: now, ..self.clone() })
    }

    /// It is called off, as the policy of its type says: late ones are marked, or refused to patients.
    pub fn cancel(
        &self,
        reason: Option<Reason>,
        kind: Option<&AppointmentType>,
        by_patient: bool,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        let cancelled = self.become_status(Status::Cancelled, now)?;
        let late = kind.filter(|kind| kind.details.is_late(self.start, now));
        if by_patient && late.is_some_and(|kind| kind.details.late_cancel == LateCancel::Refuse) {
            return Err(Refusal::TooLate);
        }
        Ok(Self { cancellation_reason: reason, late_cancellation: late.is_some(), ..cancelled })
    }

    /// Whether it takes the time of its practitioner, rooms and equipment.
    pub fn takes_time(&self) -> bool {
        self.status.blocks() && self.overbook_reason.is_none()
    }

    /// It lies there.
    pub fn placed(self, found: Placement) -> Self {
        Self {
            place: found.place,
            department_id: found.department_id.or(self.department_id),
            zone: found.zone.or(self.zone),
            resource_ids: found.resource_ids,
            overbook_reason: found.overbook_reason,
            ..self
        }
    }

    /// It is put out of sight: called off, unless it was before. What took place, or should have, stays.
    pub fn remove(
        &self,
        kind: Option<&AppointmentType>,
        by_patient: bool,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        match self.status {
            Status::Cancelled => Ok(Self { version: self.version + 1, updated_at: now, ..self.clone() }),
            _ => self.cancel(None, kind, by_patient, now),
        }
    }
}
