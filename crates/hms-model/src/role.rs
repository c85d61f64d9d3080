//! Who may do what, as one table: a role gives scopes, a scope stands in a handler's signature.

use crate::id::{AccountId, PatientId};
use crate::{Coded, coded_enum};

coded_enum! {
    /// What an account is. The order is the one in which a person of several roles is shown.
    pub enum Role {
        /// Runs the deployment.
        Admin = "admin",
        /// A physician, or another practitioner who treats.
        Doctor = "doctor",
        /// Nursing staff.
        Nurse = "nurse",
        /// The front desk.
        Receptionist = "receptionist",
        /// Dispenses medication.
        Pharmacist = "pharmacist",
        /// Works in the laboratory.
        LabTechnician = "lab_technician",
        /// Keeps the books.
        Accountant = "accountant",
        /// Any other staff.
        Staff = "staff",
        /// Receives care: sees only their own.
        Patient = "patient",
        /// Another service or a machine client.
        Service = "service",
        /// A device.
        Device = "device",
    }
}

impl Role {
    /// Whether this role works for the organisation; the others see only what is their own.
    pub fn is_staff(self) -> bool {
        !matches!(self, Role::Patient | Role::Service | Role::Device)
    }

    /// The scopes that this role gives.
    pub fn scopes(self) -> &'static [Scope] {
        use Scope as S;
        match self {
            Role::Admin => Scope::ALL,
            Role::Doctor | Role::Nurse => &[
                S::PatientRead,
                S::PatientWrite,
                S::PractitionerRead,
                S::DepartmentRead,
                S::AppointmentRead,
                S::AppointmentWrite,
                S::NotificationRead,
            ],
            Role::Receptionist => &[
                S::PatientRead,
                S::PatientWrite,
                S::PractitionerRead,
                S::DepartmentRead,
                S::AppointmentRead,
                S::AppointmentWrite,
                S::AppointmentRecord,
                S::NotificationRead,
                S::AuditRead,
            ],
            Role::Pharmacist | Role::LabTechnician | Role::Accountant | Role::Staff => &[
                S::PatientRead,
                S::PractitionerRead,
                S::DepartmentRead,
                S::AppointmentRead,
                S::NotificationRead,
                S::AuditRead,
            ],
            Role::Patient => &[
                S::PatientRead,
                S::PatientWrite,
                S::PractitionerRead,
                S::DepartmentRead,
                S::AppointmentRead,
                S::AppointmentWrite,
                S::NotificationRead,
            ],
            Role::Service | Role::Device => &[],
        }
    }
}

/// Declares the scopes and, for each, a marker type by which a handler names it in its signature.
macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $code:literal),+ $(,)?) => {
        coded_enum! {
            /// What a token allows: `resource:verb`.
            pub enum Scope { $($(#[$doc])* $name = $code),+ }
        }

        /// The scopes as types, for handler signatures: `Call<scope::PatientRead>`.
        pub mod scope {
            use super::{Requirement, Requires, Scope};
            $($(#[$doc])* #[derive(Debug, Clone, Copy)] pub struct $name;
            impl Requires for $name { const REQUIREMENT: Requirement = Requirement::Scope(Scope::$name); })+

            /// Anyone, signed in or not.
            #[derive(Debug, Clone, Copy)]
            pub struct Anyone;
            impl Requires for Anyone { const REQUIREMENT: Requirement = Requirement::Nothing; }

            /// Whoever is signed in.
            #[derive(Debug, Clone, Copy)]
            pub struct SignedIn;
            impl Requires for SignedIn { const REQUIREMENT: Requirement = Requirement::SignedIn; }
        }
    };
}

scopes! {
    /// Read patients.
    PatientRead = "patient:read",
    /// Register and change patients.
    PatientWrite = "patient:write",
    /// Read practitioners.
    PractitionerRead = "practitioner:read",
    /// Register and change practitioners.
    PractitionerWrite = "practitioner:write",
    /// Read departments.
    DepartmentRead = "department:read",
    /// Make and change departments.
    DepartmentWrite = "department:write",
    /// Read appointments.
    AppointmentRead = "appointment:read",
    /// Book, move and cancel appointments.
    AppointmentWrite = "appointment:write",
    /// Record appointments that took place, with their outcome.
    AppointmentRecord = "appointment:record",
    /// Read messages that were sent.
    NotificationRead = "notification:read",
    /// Read the audit.
    AuditRead = "audit:read",
    /// Make and change accounts of other people.
    AccountWrite = "account:write",
}

/// What a handler asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing: the route is public.
    Nothing,
    /// A valid token, whatever its scopes.
    SignedIn,
    /// A valid token with this scope.
    Scope(Scope),
}

/// A type that names a [`Requirement`].
pub trait Requires: 'static {
    /// What it asks.
    const REQUIREMENT: Requirement;
}

/// Whose records a caller may touch: the rule on objects that stands beside the scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everyone's: staff.
    Everyone,
    /// Only what is their own.
    Own {
        /// Their account.
        account_id: AccountId,
        /// The patient they are, once that is known.
        patient_id: Option<PatientId>,
    },
}

impl Reach {
    /// Whether it takes in this patient's records.
    pub fn covers(self, patient: PatientId) -> bool {
        match self {
            Reach::Everyone => true,
            Reach::Own { patient_id, .. } => patient_id == Some(patient),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_may_all_and_a_device_nothing() {
        assert_eq!(Role::Admin.scopes(), Scope::ALL);
        assert!(Role::Device.scopes().is_empty());
    }

    #[test]
    fn no_role_but_admin_makes_accounts() {
        for role in Role::ALL.iter().filter(|role| **role != Role::Admin) {
            assert!(!role.scopes().contains(&Scope::AccountWrite), "{role}");
        }
    }
}
