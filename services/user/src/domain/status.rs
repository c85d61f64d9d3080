//! Whether a record is in use.

use hms_model::{Coded, coded_enum};

use super::Refusal;

coded_enum! {
    /// Whether a practitioner or a department is in use.
    pub enum Status {
        /// In use.
        Active = "active",
        /// No longer in use; kept, because others refer to it.
        Inactive = "inactive",
    }
}

coded_enum! {
    /// Whether a patient's record is in use, and whether the patient lives.
    pub enum PatientStatus {
        /// In use.
        Active = "active",
        /// No longer in use; kept, because others refer to it.
        Inactive = "inactive",
        /// The patient has died; the record is in use.
        Deceased = "deceased",
    }
}

impl PatientStatus {
    /// The status of a new record.
    pub(super) fn of_new(deceased: bool) -> Self {
        if deceased { Self::Deceased } else { Self::Active }
    }

    /// The status after a change: the one that is `wanted`, where one is. A record in use is `deceased` exactly when
    /// it has a time of death; one that is not in use stays so until its use is wanted again.
    pub(super) fn next(self, wanted: Option<Self>, deceased: bool) -> Result<Self, Refusal> {
        let in_use = Self::of_new(deceased);
        match wanted {
            None if self == Self::Inactive => Ok(Self::Inactive),
            None => Ok(in_use),
            Some(wanted) if wanted == in_use || wanted == Self::Inactive => Ok(wanted),
            Some(_) => Err(Refusal::Transition {
                status: self.code(),
                allowed: vec![in_use.code(), Self::Inactive.code()],
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_follows_from_what_is_wanted_and_from_death() {
        use PatientStatus::{Active, Deceased, Inactive};
        let cases = [
            (Active, None, false, Some(Active)),
            (Active, None, true, Some(Deceased)),
            (Deceased, None, true, Some(Deceased)),
            (Deceased, None, false, Some(Active)),
            (Inactive, None, false, Some(Inactive)),
            (Inactive, None, true, Some(Inactive)),
            (Active, Some(Inactive), false, Some(Inactive)),
            (Deceased, Some(Inactive), true, Some(Inactive)),
            (Inactive, Some(Inactive), false, Some(Inactive)),
            (Inactive, Some(Active), false, Some(Active)),
            (Inactive, Some(Deceased), true, Some(Deceased)),
            (Active, Some(Deceased), true, Some(Deceased)),
            (Active, Some(Deceased), false, None),
            (Inactive, Some(Deceased), false, None),
            (Deceased, Some(Active), true, None),
            (Inactive, Some(Active), true, None),
        ];
        for (status, wanted, deceased, next) in cases {
            assert_eq!(
                status.next(wanted, deceased).ok(),
                next,
                "{status}, {wanted:?} wanted, deceased: {deceased}"
            );
        }
    }

    #[test]
    fn a_refusal_tells_what_is_allowed() {
        let refusal = PatientStatus::Active.next(Some(PatientStatus::Deceased), false).unwrap_err();
        assert_eq!(refusal, Refusal::Transition { status: "active", allowed: vec!["active", "inactive"] });
    }
}
