//! What the service consumes: which patient and which practitioner belongs to which account. The next sign-in or
//! refresh carries it.

use hms_bus::{ConsumeError, Consumer, Delivery};
use hms_model::event::{
    PatientCreated, PatientFacts, PatientUpdated, PractitionerCreated, PractitionerFacts, PractitionerUpdated,
};

use crate::store::links::{self, Link, Record};

/// The events that it acts upon.
pub fn consumer() -> Consumer {
    Consumer::new("auth")
        .on::<PatientCreated>(|delivery, event| patient(delivery, event.0))
        .on::<PatientUpdated>(|delivery, event| patient(delivery, event.0))
        .on::<PractitionerCreated>(|delivery, event| practitioner(delivery, event.0))
        .on::<PractitionerUpdated>(|delivery, event| practitioner(delivery, event.0))
}

fn patient(delivery: &mut Delivery<'_>, facts: PatientFacts) -> Result<(), ConsumeError> {
    let record = Record::Patient(facts.patient_id);
    apply(delivery, &Link { record, account_id: facts.account_id, version: facts.version })
}

fn practitioner(delivery: &mut Delivery<'_>, facts: PractitionerFacts) -> Result<(), ConsumeError> {
    let record = Record::Practitioner(facts.practitioner_id);
    apply(delivery, &Link { record, account_id: facts.account_id, version: facts.version })
}

fn apply(delivery: &mut Delivery<'_>, link: &Link) -> Result<(), ConsumeError> {
    links::apply(delivery.db, link, delivery.now)?;
    Ok(())
}
