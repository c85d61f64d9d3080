//! Rooms and equipment.

use chrono::{DateTime, NaiveDate, Utc};
use hms_model::id::{DepartmentId, HolidayId, ResourceId};
use hms_model::{Text, coded_enum};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Need;

coded_enum! {
    /// What a resource is.
    pub enum ResourceKind {
        /// A room.
        Room = "room",
        /// A device that one appointment uses at a time.
        Equipment = "equipment",
    }
}

/// All that a client may say of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceDetails {
    /// Where it is.
    pub department_id: DepartmentId,
    /// What it is.
    pub kind: ResourceKind,
    /// What it is good for, as types name it: `ultrasound`.
    pub category: Text<1, 100>,
    /// What people call it.
    pub name: Text<1, 200>,
    /// Whether it can be booked; true unless it is said.
    #[serde(default = "yes")]
    pub active: bool,
}

fn yes() -> bool {
    true
}

/// A room or a piece of equipment, which takes one appointment at a time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Resource {
    /// Its id.
    pub id: ResourceId,
    #[serde(flatten)]
    #[schema(inline)]
    /// What it is.
    pub details: ResourceDetails,
    /// Goes up with each change; the `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Resource {
    /// Whether it is what is needed, at this place.
    pub fn serves(&self, need: &Need, department: DepartmentId) -> bool {
        let details = &self.details;
        details.active
            && details.department_id == department
            && details.kind == need.kind
            && details.category == need.category
    }
}

/// All that a client may say of a holiday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HolidayDetails {
    /// The place that is closed; none: all places.
    #[serde(default)]
    pub department_id: Option<DepartmentId>,
    /// The day, in the zone of each place.
    pub date: NaiveDate,
    /// What it is called.
    pub name: Text<1, 200>,
}

/// A day on which a place is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Holiday {
    /// Its id.
    pub id: HolidayId,
    #[serde(flatten)]
    #[schema(inline)]
    /// What it is.
    pub details: HolidayDetails,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Holiday {
    /// Whether this place is closed on this day for it.
    pub fn closes(&self, department: DepartmentId, day: NaiveDate) -> bool {
        self.details.date == day && self.details.department_id.is_none_or(|closed| closed == department)
    }
}
