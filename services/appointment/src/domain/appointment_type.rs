//! What an appointment is for: how long it lasts, and what it takes.

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::id::AppointmentTypeId;
use hms_model::{Text, coded_enum};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schedule::{LARGEST_GROUP, LONGEST_BUFFER, LONGEST_SLOT, within};
use super::{Refusal, ResourceKind};

const MOST_NEEDS: usize = 10;
const MOST_OF_ONE: i64 = 10;

coded_enum! {
    /// What becomes of a cancellation that comes too late.
    pub enum LateCancel {
        /// It is done, and marked as late.
        Mark = "mark",
        /// Patients cannot do it; staff can, and it is marked.
        Refuse = "refuse",
    }
}

/// Rooms or equipment that an appointment takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// A room or equipment.
    pub kind: ResourceKind,
    /// Of this category: `ultrasound`.
    pub category: Text<1, 100>,
    /// How many; 1 unless it is said.
    #[serde(default = "one")]
    pub count: i64,
}

fn one() -> i64 {
    1
}

fn yes() -> bool {
    true
}

fn mark() -> LateCancel {
    LateCancel::Mark
}

/// All that a client may say of a type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppointmentTypeDetails {
    /// What people call it.
    pub name: Text<1, 200>,
    /// What else there is to say.
    #[serde(default)]
    pub description: Option<Text<1, 2000>>,
    /// Whether it can be booked; true unless it is said.
    #[serde(default = "yes")]
    pub active: bool,
    /// How long it lasts, in minutes.
    pub duration_minutes: i64,
    /// Minutes that are kept free before; none: as the schedule says.
    #[serde(default)]
    pub buffer_before_minutes: Option<i64>,
    /// Minutes that are kept free after; none: as the schedule says.
    #[serde(default)]
    pub buffer_after_minutes: Option<i64>,
    /// How many patients share a slot; none: as the schedule says.
    #[serde(default)]
    pub capacity: Option<i64>,
    /// Rooms and equipment that it takes, all of them at the place of the appointment.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// A cancellation within so many minutes before the start is late; 0: none is.
    #[serde(default)]
    pub cancel_notice_minutes: i64,
    /// What becomes of a late one.
    #[serde(default = "mark")]
    pub late_cancel: LateCancel,
}

/// What an appointment is for (FHIR Appointment.appointmentType).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AppointmentType {
    /// Its id.
    pub id: AppointmentTypeId,
    #[serde(flatten)]
    #[schema(inline)]
    /// What it is.
    pub details: AppointmentTypeDetails,
    /// Goes up with each change; the `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl AppointmentTypeDetails {
    /// The numbers lie within their bounds, and nothing is needed twice.
    pub fn check(&self) -> Result<(), Refusal> {
        within("duration_minutes", self.duration_minutes, 1, LONGEST_SLOT)?;
        within("buffer_before_minutes", self.buffer_before_minutes.unwrap_or(0), 0, LONGEST_BUFFER)?;
        within("buffer_after_minutes", self.buffer_after_minutes.unwrap_or(0), 0, LONGEST_BUFFER)?;
        within("capacity", self.capacity.unwrap_or(1), 1, LARGEST_GROUP)?;
        within("cancel_notice_minutes", self.cancel_notice_minutes, 0, 366 * 24 * 60)?;
        if self.needs.len() > MOST_NEEDS {
            return Err(Refusal::field("needs", format!("at most {MOST_NEEDS}")));
        }
        for need in &self.needs {
            within("needs.count", need.count, 1, MOST_OF_ONE)?;
            let same = |other: &&Need| (other.kind, &other.category) == (need.kind, &need.category);
            if self.needs.iter().filter(same).count() > 1 {
                return Err(Refusal::field("needs", "each category stands there once, with its count"));
            }
        }
        Ok(())
    }

    /// Whether a cancellation at this time is late.
    pub fn is_late(&self, start: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.cancel_notice_minutes > 0 && now > start - TimeDelta::minutes(self.cancel_notice_minutes)
    }
}
