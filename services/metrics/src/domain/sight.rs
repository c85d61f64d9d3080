//! What a caller sees of the figures.

use hms_model::id::{DepartmentId, PractitionerId};

use super::Place;

/// What a caller sees of the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Whether money is shown.
    pub money: bool,
    /// Whether the number of new patients is shown.
    pub patients: bool,
    /// Only this department.
    pub department_id: Option<DepartmentId>,
    /// Only this practitioner.
    pub practitioner_id: Option<PractitionerId>,
}

impl Sight {
    /// Whether a part of a day is among it.
    pub fn covers(self, place: Place) -> bool {
        let department = self.department_id.is_none_or(|id| place.department_id == Some(id));
        department && self.practitioner_id.is_none_or(|id| place.practitioner_id == Some(id))
    }

    /// Whether it is all of the organisation.
    pub fn is_whole(self) -> bool {
        self.department_id.is_none() && self.practitioner_id.is_none()
    }
}
