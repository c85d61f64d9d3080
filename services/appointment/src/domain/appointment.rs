//! An appointment and what becomes of it.

use chrono::{DateTime, Utc};
use hms_model::Identifier;
use hms_model::id::{AppointmentId, DepartmentId, PatientId, PractitionerId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Description, Reason, Refusal, Status};

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

    /// It is called off.
    pub fn cancel(&self, reason: Reason, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let cancelled = self.become_status(Status::Cancelled, now)?;
        Ok(Self { cancellation_reason: Some(reason), ..cancelled })
    }

    /// It is put out of sight: called off, unless it was before. What took place, or should have, stays.
    pub fn remove(&self, now: DateTime<Utc>) -> Result<Self, Refusal> {
        match self.status {
            Status::Cancelled => Ok(Self { version: self.version + 1, updated_at: now, ..self.clone() }),
            _ => self.become_status(Status::Cancelled, now),
        }
    }
}
