//! What the service consumes: who the patients are and in whose care, what happens to them that they are to be told, and
//! mails about accounts.

use hms_bus::{ConsumeError, Consumer, Delivery};
use hms_care::{keep_glass, keep_practitioner, keep_relation};
use hms_model::event::{
    AccessBreakGlass, AccountInvited, AccountMailFacts, AccountPasswordResetRequested,
    AccountVerificationRequested, AppointmentArrived, AppointmentCancelled, AppointmentFacts,
    AppointmentFulfilled, AppointmentNoshow, AppointmentRescheduled, AppointmentScheduled,
    BillingInvoiceIssued, BreakGlassFacts, CareTeamChanged, DepartmentCreated, DepartmentUpdated,
    InvoiceFacts, MessageSent, OfferFacts, PatientCreated, PatientFacts, PatientUpdated, PractitionerCreated,
    PractitionerUpdated, WaitlistOffered,
};
use hms_model::id::{Id, PatientId};

use crate::Desk;
use crate::domain::{About, AccountMail, Bill, Cause, Kind, Message, Offer, Patient, Purpose, Status, Visit};
use crate::drafting::draft;
use crate::sender::{ACCOUNT_MAILS, enqueue_for, facts, job_of};
use crate::store::{account_mails, appointments, departments, messages, patients};

/// The handlers of the events; they make the jobs that send.
pub fn consumer(desk: &Desk) -> Consumer {
    with_appointments(with_accounts(Consumer::new("notification"), desk), desk)
        .on::<PatientCreated>(at(desk, |desk, delivery, PatientCreated(facts)| know(desk, delivery, facts)))
        .on::<PatientUpdated>(at(desk, |desk, delivery, PatientUpdated(facts)| know(desk, delivery, facts)))
        .on::<DepartmentCreated>(|delivery, event| Ok(departments::keep(delivery.db, &event.0)?))
        .on::<DepartmentUpdated>(|delivery, event| Ok(departments::keep(delivery.db, &event.0)?))
        .on::<PractitionerCreated>(|delivery, event| Ok(keep_practitioner(delivery.db, &event.0)?))
        .on::<PractitionerUpdated>(|delivery, event| Ok(keep_practitioner(delivery.db, &event.0)?))
        .on::<CareTeamChanged>(|delivery, event| Ok(keep_relation(delivery.db, &event.0).map(drop)?))
        .on::<WaitlistOffered>(at(desk, |desk, delivery, WaitlistOffered(facts)| {
            offer(desk, delivery, facts)
        }))
        .on::<BillingInvoiceIssued>(at(desk, |desk, delivery, BillingInvoiceIssued(facts)| {
            bill(desk, delivery, &facts)
        }))
}

fn with_accounts(consumer: Consumer, desk: &Desk) -> Consumer {
    use Purpose::{Invitation, PasswordReset, Verification};
    consumer
        .on::<AccountVerificationRequested>(at(
            desk,
            |desk, delivery, AccountVerificationRequested(facts)| mail(desk, delivery, Verification, &facts),
        ))
        .on::<AccountInvited>(at(desk, |desk, delivery, AccountInvited(facts)| {
            mail(desk, delivery, Invitation, &facts)
        }))
        .on::<AccountPasswordResetRequested>(at(
            desk,
            |desk, delivery, AccountPasswordResetRequested(facts)| {
                mail(desk, delivery, PasswordReset, &facts)
            },
        ))
        .on::<AccessBreakGlass>(at(desk, |desk, delivery, AccessBreakGlass(facts)| {
            warn(desk, delivery, &facts)
        }))
}

fn with_appointments(consumer: Consumer, desk: &Desk) -> Consumer {
    consumer
        .on::<AppointmentScheduled>(at(desk, |desk, delivery, AppointmentScheduled(facts)| {
            follow(desk, delivery, Some(Kind::Confirmation), facts)
        }))
        .on::<AppointmentRescheduled>(at(desk, |desk, delivery, AppointmentRescheduled(facts)| {
            follow(desk, delivery, Some(Kind::Rescheduled), facts)
        }))
        .on::<AppointmentCancelled>(at(desk, |desk, delivery, AppointmentCancelled(facts)| {
            follow(desk, delivery, Some(Kind::Cancelled), facts)
        }))
        .on::<AppointmentArrived>(at(desk, |desk, delivery, AppointmentArrived(facts)| {
            follow(desk, delivery, None, facts)
        }))
        .on::<AppointmentFulfilled>(at(desk, |desk, delivery, AppointmentFulfilled(facts)| {
            follow(desk, delivery, None, facts)
        }))
        .on::<AppointmentNoshow>(at(desk, |desk, delivery, AppointmentNoshow(facts)| {
            follow(desk, delivery, None, facts)
        }))
}

/// A handler that has a desk of its own.
fn at<E, F>(
    desk: &Desk,
    handler: F,
) -> impl Fn(&mut Delivery<'_>, E) -> Result<(), ConsumeError> + Send + Sync + use<E, F>
where
    F: Fn(&Desk, &mut Delivery<'_>, E) -> Result<(), ConsumeError> + Send + Sync + 'static,
{
    let desk = desk.clone();
    move |delivery: &mut Delivery<'_>, event: E| handler(&desk, delivery, event)
}

fn mail(
    desk: &Desk,
    delivery: &mut Delivery<'_>,
    purpose: Purpose,
    facts: &AccountMailFacts,
) -> Result<(), ConsumeError> {
    let ids = (delivery.envelope.id, Id::new(delivery.now));
    let house = (&*desk.public_url, &desk.house.manner);
    post(delivery, AccountMail::draft(purpose, facts, ids, house, delivery.now))
}

fn warn(desk: &Desk, delivery: &mut Delivery<'_>, facts: &BreakGlassFacts) -> Result<(), ConsumeError> {
    keep_glass(delivery.db, facts)?;
    let Some(recipient) = &desk.house.privacy_email else { return Ok(()) };
    let ids = (delivery.envelope.id, Id::new(delivery.now));
    post(delivery, AccountMail::of_broken_glass(facts, recipient.to_string(), ids, delivery.now))
}

fn post(delivery: &mut Delivery<'_>, mail: AccountMail) -> Result<(), ConsumeError> {
    let job = job_of(&mail);
    if account_mails::add(delivery.db, mail)? {
        delivery.keep_trace()?;
        delivery.enqueue(ACCOUNT_MAILS.name(), &job)?;
    }
    Ok(())
}

fn know(desk: &Desk, delivery: &mut Delivery<'_>, facts: PatientFacts) -> Result<(), ConsumeError> {
    let patient = Patient::from(facts);
    patients::keep(delivery.db, &patient)?;
    if messages::make_due(delivery.db, patient.id, delivery.now)? > 0 {
        delivery.wake_after_commit(&desk.bells.keeper);
    }
    Ok(())
}

/// What an appointment is now. An event that is older than what is known tells nobody anything: what it says is not so any
/// more.
fn follow(
    desk: &Desk,
    delivery: &mut Delivery<'_>,
    kind: Option<Kind>,
    facts: AppointmentFacts,
) -> Result<(), ConsumeError> {
    if !appointments::keep(delivery.db, &facts)? {
        return Ok(());
    }
    messages::withdraw_reminders(delivery.db, facts.appointment_id)?;
    let reminders = desk.house.leads.plan(&facts, delivery.envelope.id, delivery.now);
    appointments::remind(delivery.db, facts.appointment_id, reminders)?;
    delivery.wake_after_commit(&desk.bells.reminders);
    let Some(kind) = kind.filter(|_| !facts.recorded) else { return Ok(()) };
    let place = departments::name(delivery.db, facts.department_id)?;
    let about = About::Visit(Visit::of(&facts, place));
    let cause = cause(delivery, kind, facts.patient_id, about);
    tell(desk, delivery, cause)
}

fn offer(desk: &Desk, delivery: &mut Delivery<'_>, facts: OfferFacts) -> Result<(), ConsumeError> {
    let place = departments::name(delivery.db, facts.department_id)?;
    let about = About::Offer(Offer::of(&facts, place));
    let cause = cause(delivery, Kind::Offer, facts.patient_id, about);
    tell(desk, delivery, cause)
}

fn bill(desk: &Desk, delivery: &mut Delivery<'_>, facts: &InvoiceFacts) -> Result<(), ConsumeError> {
    let Some(bill) = Bill::of(facts) else { return Ok(()) };
    let cause = cause(delivery, Kind::Invoice, facts.patient_id, About::Bill(bill));
    tell(desk, delivery, cause)
}

fn cause(delivery: &Delivery<'_>, kind: Kind, patient_id: PatientId, about: About) -> Cause {
    Cause { event_id: delivery.envelope.id, occasion: String::new(), kind, patient_id, about }
}

fn tell(desk: &Desk, delivery: &mut Delivery<'_>, cause: Cause) -> Result<(), ConsumeError> {
    let mut added: Vec<Message> = Vec::new();
    for message in draft(delivery.db, &desk.house, cause, delivery.now)? {
        if messages::add(delivery.db, &message)? {
            added.push(message);
        }
    }
    if added.iter().any(|message| message.status == Status::Pending) {
        delivery.keep_trace()?;
    }
    for message in added.iter().filter(|message| message.status == Status::Sent) {
        delivery.publish(&MessageSent(facts(message)))?;
    }
    added.iter().try_for_each(|message| enqueue_for(delivery, message))
}
