//! Which patients' records staff may see: one decision, made of loaded facts.

use super::{Reach, Role};
use crate::coded_enum;
use crate::id::{AccountId, DepartmentId, PatientId, PractitionerId};

coded_enum! {
    /// `HMS_RECORD_ACCESS`: whose records staff see.
    pub enum RecordAccess {
        /// All staff see all patients.
        Organisation = "organisation",
        /// Those who treat see the patients of their own care and of their department.
        CareTeam = "care_team",
    }
}

/// Who asks, as far as the decision needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The account.
    pub account_id: AccountId,
    /// Its roles.
    pub roles: Vec<Role>,
    /// What its token reaches at most.
    pub reach: Reach,
    /// The practitioner who is the account's own.
    pub practitioner_id: Option<PractitionerId>,
    /// The department that this practitioner belongs to.
    pub department_id: Option<DepartmentId>,
}

/// What binds a viewer to a patient.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Relation {
    /// The record was registered with the viewer's own account.
    pub own: bool,
    /// The viewer has, or had, an appointment with the patient.
    pub care: bool,
    /// The viewer's department has, or had, one.
    pub department: bool,
    /// The viewer has broken the glass, and the time of that is not over.
    pub broken_glass: bool,
}

impl Role {
    /// Whether this role treats patients: it may break the glass, and it is held to its own patients where records
    /// are the care team's.
    pub fn is_clinical(self) -> bool {
        matches!(self, Role::Doctor | Role::Nurse | Role::Pharmacist | Role::LabTechnician)
    }
}

impl Viewer {
    /// Whether the viewer sees only patients to whom a [`Relation`] binds them. Whoever also has a role that does not
    /// treat, such as the front desk, needs the demographics of everyone for it.
    pub fn is_held_to_care(&self, access: RecordAccess) -> bool {
        let staff: Vec<_> = self.roles.iter().filter(|role| role.is_staff()).collect();
        access == RecordAccess::CareTeam
            && self.reach == Reach::Everyone
            && !staff.is_empty()
            && staff.iter().all(|role| role.is_clinical())
    }

    /// Whether the viewer may see the demographics of this patient.
    pub fn sees(&self, access: RecordAccess, patient: PatientId, relation: Relation) -> bool {
        if self.is_held_to_care(access) {
            return relation.own || relation.care || relation.department || relation.broken_glass;
        }
        match self.reach {
            Reach::Own { .. } => relation.own || self.reach.covers(patient),
            Reach::Everyone | Reach::Department { .. } => self.reach.covers(patient),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::Coded;
    use crate::id::Id;

    fn viewer(roles: &[Role], reach: Reach) -> Viewer {
        let account_id = Id::new(DateTime::UNIX_EPOCH);
        Viewer { account_id, roles: roles.to_vec(), reach, practitioner_id: None, department_id: None }
    }

    /// Every combination of what may bind somebody to a patient.
    fn relations() -> impl Iterator<Item = Relation> {
        (0_u8..16).map(|bits| Relation {
            own: bits & 1 > 0,
            care: bits & 2 > 0,
            department: bits & 4 > 0,
            broken_glass: bits & 8 > 0,
        })
    }

    /// Role × setting × relation. The answer of each row: without any relation, and with one that is not their own.
    #[test]
    fn the_whole_table() {
        use RecordAccess::{CareTeam, Organisation};
        let table = [
            (Role::Admin, Organisation, true, true),
            (Role::Admin, CareTeam, true, true),
            (Role::Doctor, Organisation, true, true),
            (Role::Doctor, CareTeam, false, true),
            (Role::Nurse, Organisation, true, true),
            (Role::Nurse, CareTeam, false, true),
            (Role::Receptionist, Organisation, true, true),
            (Role::Receptionist, CareTeam, true, true),
            (Role::Pharmacist, Organisation, true, true),
            (Role::Pharmacist, CareTeam, false, true),
            (Role::LabTechnician, Organisation, true, true),
            (Role::LabTechnician, CareTeam, false, true),
            (Role::Accountant, Organisation, true, true),
            (Role::Accountant, CareTeam, true, true),
            (Role::Staff, Organisation, true, true),
            (Role::Staff, CareTeam, true, true),
            (Role::Patient, Organisation, false, false),
            (Role::Patient, CareTeam, false, false),
            (Role::Service, Organisation, true, true),
            (Role::Service, CareTeam, true, true),
            (Role::Device, Organisation, false, false),
            (Role::Device, CareTeam, false, false),
        ];
        assert_eq!(table.len(), Role::ALL.len() * RecordAccess::ALL.len(), "every role has its rows");
        let patient = Id::new(DateTime::UNIX_EPOCH);
        for (role, access, unrelated, related) in table {
            let account_id = Id::new(DateTime::UNIX_EPOCH);
            let own = Reach::Own { account_id, patient_id: None };
            let whole = role.is_staff() || role == Role::Service;
            let viewer = viewer(&[role], if whole { Reach::Everyone } else { own });
            for relation in relations() {
                let bound = relation.care || relation.department || relation.broken_glass;
                let expected = relation.own || if bound { related } else { unrelated };
                assert_eq!(viewer.sees(access, patient, relation), expected, "{role} {access} {relation:?}");
            }
        }
    }

    #[test]
    fn a_second_role_that_does_not_treat_widens_and_patient_does_not() {
        let patient = Id::new(DateTime::UNIX_EPOCH);
        let cases = [
            (&[Role::Doctor, Role::Receptionist][..], true),
            (&[Role::Doctor, Role::Nurse], false),
            (&[Role::Doctor, Role::Patient], false),
            (&[Role::Admin, Role::Doctor], true),
        ];
        for (roles, seen) in cases {
            let viewer = viewer(roles, Reach::Everyone);
            assert_eq!(viewer.sees(RecordAccess::CareTeam, patient, Relation::default()), seen, "{roles:?}");
        }
    }

    #[test]
    fn what_is_bound_to_a_department_sees_no_patient_by_any_relation() {
        let department_id = Id::new(DateTime::UNIX_EPOCH);
        let viewer = viewer(&[Role::Doctor], Reach::Department { department_id });
        for (relation, access) in
            relations().flat_map(|relation| RecordAccess::ALL.iter().map(move |access| (relation, *access)))
        {
            assert!(!viewer.sees(access, Id::new(DateTime::UNIX_EPOCH), relation), "{access} {relation:?}");
        }
    }

    #[test]
    fn ones_own_patient_is_seen_by_token_or_by_account() {
        let (patient, other) = (Id::new(DateTime::UNIX_EPOCH), Id::new(DateTime::UNIX_EPOCH));
        let account_id = Id::new(DateTime::UNIX_EPOCH);
        let viewer = viewer(&[Role::Patient], Reach::Own { account_id, patient_id: Some(patient) });
        let own = Relation { own: true, ..Relation::default() };
        for access in RecordAccess::ALL {
            assert!(viewer.sees(*access, patient, Relation::default()));
            assert!(viewer.sees(*access, other, own));
            assert!(!viewer.sees(*access, other, Relation::default()));
        }
    }
}
