//! What the service tells others, and what it learns of who is in whose care.

use hms_bus::{ConsumeError, Consumer, Deliveries};
use hms_care::keep_relations;
use hms_model::event::{
    AppointmentArrived, AppointmentCancelled, AppointmentFacts, AppointmentFulfilled, AppointmentNoshow,
    AppointmentRescheduled, AppointmentScheduled, AppointmentUpdated, CareFacts, CareTeamChanged,
    DepartmentFacts, PatientFacts, PractitionerFacts,
};

use crate::domain::{Department, Patient, PatientStatus, Practitioner, Status};

/// The status of an appointment that binds nobody to the patient.
const CANCELLED: &str = "cancelled";

/// Appointments bind practitioners and departments to patients.
pub fn consumer() -> Consumer {
    Consumer::new("user")
        .on_many(keep(|AppointmentScheduled(facts)| facts))
        .on_many(keep(|AppointmentRescheduled(facts)| facts))
        .on_many(keep(|AppointmentUpdated(facts)| facts))
        .on_many(keep(|AppointmentCancelled(facts)| facts))
        .on_many(keep(|AppointmentArrived(facts)| facts))
        .on_many(keep(|AppointmentFulfilled(facts)| facts))
        .on_many(keep(|AppointmentNoshow(facts)| facts))
}

/// Keeps whom they bind, and tells the other services when these are others than before.
fn keep<E>(
    facts: fn(E) -> AppointmentFacts,
) -> impl Fn(&mut Deliveries<'_>, Vec<E>) -> Result<(), ConsumeError> {
    move |deliveries, appointments| {
        let relations = appointments.into_iter().map(facts).map(care);
        let changed = keep_relations(deliveries.db, relations)?;
        deliveries.publish(&changed.into_iter().map(CareTeamChanged).collect::<Vec<_>>())
    }
}

fn care(facts: AppointmentFacts) -> CareFacts {
    CareFacts {
        appointment_id: facts.appointment_id,
        version: facts.version,
        patient_id: facts.patient_id,
        practitioner_id: facts.practitioner_id,
        department_id: facts.department_id,
        binding: facts.status != CANCELLED,
    }
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
        language: patient.details.language.as_ref().map(ToString::to_string),
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
