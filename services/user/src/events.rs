//! What the service tells others. It acts upon nobody's events.

use hms_bus::Consumer;
use hms_model::event::{DepartmentFacts, PatientFacts, PractitionerFacts};

use crate::domain::{Department, Patient, PatientStatus, Practitioner, Status};

/// Nothing is consumed.
pub fn consumer() -> Consumer {
    Consumer::new("user")
}

/// What others keep of a patient. Nobody books for someone who has died, nor writes to them, so that they are told of
/// as not active.
pub fn patient_facts(patient: &Patient) -> PatientFacts {
    PatientFacts {
        patient_id: patient.id,
        version: patient.version,
        account_id: patient.account_id,
        name: patient.name(),
        email: patient.details.email.as_ref().map(ToString::to_string),
        phone: patient.details.phone.as_ref().map(ToString::to_string),
        active: patient.status == PatientStatus::Active,
    }
}

/// What others keep of a practitioner.
pub fn practitioner_facts(practitioner: &Practitioner) -> PractitionerFacts {
    PractitionerFacts {
        practitioner_id: practitioner.id,
        version: practitioner.version,
        account_id: practitioner.account_id,
        name: practitioner.name(),
        specialty: practitioner.details.specialty.as_ref().map(ToString::to_string),
        department_id: practitioner.details.department_id,
        active: practitioner.status == Status::Active,
    }
}

/// What others keep of a department.
pub fn department_facts(department: &Department) -> DepartmentFacts {
    DepartmentFacts {
        department_id: department.id,
        version: department.version,
        name: department.details.name.to_string(),
        active: department.status == Status::Active,
    }
}
