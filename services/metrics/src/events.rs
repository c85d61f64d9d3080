//! What this service learns from others: every fact becomes a row, and marks the days that it touches.

use std::time::Duration;

use hms_bus::{ConsumeError, Consumer, Delivery};
use hms_model::event::{
    AppointmentArrived, AppointmentCancelled, AppointmentFacts, AppointmentFulfilled, AppointmentNoshow,
    AppointmentRescheduled, AppointmentScheduled, AppointmentUpdated, BillingInvoiceIssued,
    BillingInvoicePaid, BillingInvoiceVoided, BillingPaymentCaptured, BillingPaymentRefunded,
    DepartmentCreated, DepartmentUpdated, HolidayChanged, InvoiceFacts, PatientCreated, PaymentFacts,
    PractitionerCreated, PractitionerUpdated, QueueChanged, ScheduleChanged, TicketFacts,
};
use hms_model::{Coded, UnknownCode, Zone};

use crate::domain::{Appointment, Bill, Patient, Payment, PaymentKind, Place, Ticket};
use crate::store::directory::{keep_department, keep_practitioner};
use crate::store::facts::{keep_appointment, keep_bill, keep_patient, keep_payment, keep_ticket};
use crate::store::hours::{keep_holiday, keep_schedule};

/// What stands in `kind` of an invoice that takes back a part of another.
const CREDIT_NOTE: &str = "credit_note";

/// How long events wait for company: a figure of the day may be a moment old.
const COMPANY: Duration = Duration::from_millis(200);

/// The handlers of the events.
pub fn consumer(zone: Zone) -> Consumer {
    let consumer = Consumer::new("metrics")
        .gathering_for(COMPANY)
        .on::<DepartmentCreated>(|delivery, event| Ok(keep_department(delivery.db, &event.0)?))
        .on::<DepartmentUpdated>(|delivery, event| Ok(keep_department(delivery.db, &event.0)?))
        .on::<PractitionerCreated>(|delivery, event| Ok(keep_practitioner(delivery.db, &event.0)?))
        .on::<PractitionerUpdated>(|delivery, event| Ok(keep_practitioner(delivery.db, &event.0)?))
        .on::<ScheduleChanged>(|delivery, event| {
            Ok(keep_schedule(delivery.db, &event.0, delivery.envelope.time)?)
        })
        .on::<HolidayChanged>(|delivery, event| Ok(keep_holiday(delivery.db, &event.0)?))
        .on::<PatientCreated>(move |delivery, PatientCreated(facts)| {
            let patient = Patient { registered_at: delivery.envelope.time };
            Ok(keep_patient(delivery.db, facts.patient_id, &patient, zone, delivery.now)?)
        })
        .on::<QueueChanged>(|delivery, QueueChanged(facts)| ticket(delivery, facts));
    of_billing(of_appointments(consumer, zone), zone)
}

fn of_appointments(consumer: Consumer, zone: Zone) -> Consumer {
    let told = move |delivery: &mut Delivery<'_>, facts| appointment(delivery, facts, zone);
    consumer
        .on::<AppointmentScheduled>(move |delivery, event| told(delivery, event.0))
        .on::<AppointmentRescheduled>(move |delivery, event| told(delivery, event.0))
        .on::<AppointmentUpdated>(move |delivery, event| told(delivery, event.0))
        .on::<AppointmentCancelled>(move |delivery, event| told(delivery, event.0))
        .on::<AppointmentArrived>(move |delivery, event| told(delivery, event.0))
        .on::<AppointmentFulfilled>(move |delivery, event| told(delivery, event.0))
        .on::<AppointmentNoshow>(move |delivery, event| told(delivery, event.0))
}

fn of_billing(consumer: Consumer, zone: Zone) -> Consumer {
    use PaymentKind::{Captured, Refunded};
    consumer
        .on::<BillingInvoiceIssued>(move |delivery, event| bill(delivery, event.0, false, zone))
        .on::<BillingInvoicePaid>(move |delivery, event| bill(delivery, event.0, false, zone))
        .on::<BillingInvoiceVoided>(move |delivery, event| bill(delivery, event.0, true, zone))
        .on::<BillingPaymentCaptured>(move |delivery, event| payment(delivery, event.0, Captured, zone))
        .on::<BillingPaymentRefunded>(move |delivery, event| payment(delivery, event.0, Refunded, zone))
}

fn appointment(delivery: &mut Delivery<'_>, facts: AppointmentFacts, zone: Zone) -> Result<(), ConsumeError> {
    let AppointmentFacts { department_id, practitioner_id, start, end, .. } = facts;
    let fact = Appointment {
        place: Place { department_id, practitioner_id: Some(practitioner_id) },
        start,
        end,
        status: code(&facts.status)?,
        recorded: facts.recorded,
        late_cancellation: facts.late_cancellation,
    };
    let key = (facts.appointment_id, facts.version);
    Ok(keep_appointment(delivery.db, key, &fact, zone, delivery.now)?)
}

/// A ticket of which no time is told counts for nothing: it comes from before tickets told it.
fn ticket(delivery: &mut Delivery<'_>, facts: TicketFacts) -> Result<(), ConsumeError> {
    let (Some(arrived_at), Some(changed_at)) = (facts.arrived_at, facts.changed_at) else { return Ok(()) };
    let fact = Ticket {
        place: Place { department_id: Some(facts.department_id), practitioner_id: None },
        day: facts.day,
        status: code(&facts.status)?,
        arrived_at,
        called_at: facts.called_at,
        changed_at,
    };
    Ok(keep_ticket(delivery.db, (facts.ticket_id, facts.version), &fact, delivery.now)?)
}

fn bill(
    delivery: &mut Delivery<'_>,
    facts: InvoiceFacts,
    is_void: bool,
    zone: Zone,
) -> Result<(), ConsumeError> {
    let InvoiceFacts { department_id, practitioner_id, .. } = facts;
    let fact = Bill {
        place: Place { department_id, practitioner_id },
        day: facts.issued_on.unwrap_or_else(|| zone.day(delivery.envelope.time)),
        is_credit: facts.kind == CREDIT_NOTE,
        is_void,
        total: facts.total,
    };
    Ok(keep_bill(delivery.db, (facts.invoice_id, facts.version), &fact, delivery.now)?)
}

fn payment(
    delivery: &mut Delivery<'_>,
    facts: PaymentFacts,
    kind: PaymentKind,
    zone: Zone,
) -> Result<(), ConsumeError> {
    let PaymentFacts { department_id, practitioner_id, .. } = facts;
    let fact = Payment {
        place: Place { department_id, practitioner_id },
        day: facts.booked_on.unwrap_or_else(|| zone.day(delivery.envelope.time)),
        kind,
        amount: facts.amount,
    };
    Ok(keep_payment(delivery.db, (facts.payment_id, facts.version), &fact, delivery.now)?)
}

/// A word that this version does not know will not be known by waiting.
fn code<T: Coded>(word: &str) -> Result<T, ConsumeError> {
    T::from_code(word).ok_or_else(|| ConsumeError::Reject(format!("status {}", UnknownCode::of::<T>())))
}
