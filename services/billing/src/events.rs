//! What this service learns from others.

use std::sync::Arc;

use hms_bus::{ConsumeError, Consumer, Delivery};
use hms_model::Coded;
use hms_model::audit::{Action, Actor, AuditEntry, Outcome};
use hms_model::event::{
    AppointmentFacts, AppointmentFulfilled, AuditRecorded, DepartmentCreated, DepartmentUpdated,
    PatientCreated, PatientUpdated, PractitionerCreated, PractitionerUpdated,
};
use hms_model::id::Id;
use hms_model::money::{Quantity, Rate};

use crate::config::Config;
use crate::domain::{Draft, Invoice, NewLine, price_at};
use crate::store;
use crate::store::directory::{keep_department, keep_patient, keep_practitioner};

const SERVICE: &str = "billing";

/// Keeps the copies up to date, and drafts an invoice for each appointment that took place.
pub fn consumer(config: &Arc<Config>) -> Consumer {
    let config = Arc::clone(config);
    Consumer::new(SERVICE)
        .on::<PatientCreated>(|delivery, event| Ok(keep_patient(delivery.db, &event.0)?))
        .on::<PatientUpdated>(|delivery, event| Ok(keep_patient(delivery.db, &event.0)?))
        .on::<PractitionerCreated>(|delivery, event| Ok(keep_practitioner(delivery.db, &event.0)?))
        .on::<PractitionerUpdated>(|delivery, event| Ok(keep_practitioner(delivery.db, &event.0)?))
        .on::<DepartmentCreated>(|delivery, event| Ok(keep_department(delivery.db, &event.0)?))
        .on::<DepartmentUpdated>(|delivery, event| Ok(keep_department(delivery.db, &event.0)?))
        .on::<AppointmentFulfilled>(move |delivery, event| draft(delivery, event.0, &config))
}

/// Drafts the invoice of an appointment, once. What was only recorded was billed where it took place. Where the
/// catalogue has no price, the draft has no lines: someone must write them.
fn draft(delivery: &mut Delivery<'_>, facts: AppointmentFacts, config: &Config) -> Result<(), ConsumeError> {
    if facts.recorded || store::invoices::by_appointment(delivery.db, facts.appointment_id)?.is_some() {
        return Ok(());
    }
    let item = store::catalogue::by_code(delivery.db, config.appointment.as_str())?;
    let line = item.filter(|item| item.active).and_then(|item| {
        let price = price_at(&item.prices, facts.start.date_naive(), config.currency)?;
        Some(NewLine {
            code: Some(item.code),
            description: item.name,
            quantity: Quantity::ONE,
            unit_price: price.price,
            discount_rate: Rate::ZERO,
            discount_amount: 0,
            tax_rate: price.tax_rate,
        })
    });
    let draft = Draft {
        patient_id: facts.patient_id,
        appointment_id: Some(facts.appointment_id),
        practitioner_id: Some(facts.practitioner_id),
        department_id: facts.department_id,
        coverage_id: None,
        payer_id: None,
        currency: config.currency,
        lines: line.into_iter().collect(),
        note: None,
        reference: None,
    };
    // One line of the catalogue: the only refusal is an amount that does not fit, and that stays so.
    let invoice = Invoice::draft(draft, Id::new(delivery.now), delivery.now)
        .map_err(|refusal| hms_db::Error::Other(Box::new(refusal)))?;
    store::invoices::insert(delivery.db, &invoice)?;
    delivery.publish(&AuditRecorded(drafted(&invoice)))
}

/// What the audit is told of a draft that nobody asked for: as of one that is made by hand, but without an account.
fn drafted(invoice: &Invoice) -> AuditEntry {
    AuditEntry {
        id: Id::new(invoice.created_at),
        at: invoice.created_at,
        service: SERVICE.to_owned(),
        actor: Actor { account_id: None, roles: Vec::new() },
        action: Action::Create,
        resource: "invoice".to_owned(),
        resource_id: Some(invoice.id.to_string()),
        patient_ids: vec![invoice.patient_id],
        outcome: Outcome::Success,
        detail: Some(invoice.status.code().to_owned()),
        request_id: None,
        source_ip: None,
    }
}
