//! What the service consumes: who the patients are and in whose care, what happens to them that they are to be told, and
//! mails about accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use hms_bus::{ConsumeError, Consumer, Deliveries};
use hms_care::{keep_glass, keep_practitioner, keep_relations};
use hms_model::event::{
    AccessBreakGlass, AccountInvited, AccountMailFacts, AccountPasswordResetRequested,
    AccountVerificationRequested, AppointmentArrived, AppointmentCancelled, AppointmentFacts,
    AppointmentFulfilled, AppointmentNoshow, AppointmentRescheduled, AppointmentScheduled,
    BillingInvoiceIssued, BreakGlassFacts, CareTeamChanged, DepartmentCreated, DepartmentUpdated, Event,
    InvoiceFacts, MessageSent, OfferFacts, PatientCreated, PatientFacts, PatientUpdated, PractitionerCreated,
    PractitionerUpdated, WaitlistOffered,
};
use hms_model::id::{AppointmentId, EventId, Id, PatientId};

use crate::Desk;
use crate::domain::{
    About, AccountMail, Bill, Cause, Kind, Message, Offer, Patient, Purpose, Reminder, Status, Visit,
};
use crate::drafting::draft;
use crate::sender::{ACCOUNT_MAILS, enqueue_each, facts, job_of};
use crate::store::appointments::Told;
use crate::store::{account_mails, appointments, departments, messages, patients};

/// How long events wait for company: a mail of a batch of thirty costs a tenth of one alone, and nobody sees that it left a
/// moment later.
const COMPANY: Duration = Duration::from_millis(50);

/// The handlers of the events; they make the jobs that send.
pub fn consumer(desk: &Desk) -> Consumer {
    let consumer = Consumer::new("notification").gathering_for(COMPANY);
    with_appointments(with_accounts(consumer, desk), desk)
        .on_many(at(desk, know, |PatientCreated(facts)| facts))
        .on_many(at(desk, know, |PatientUpdated(facts)| facts))
        .on::<DepartmentCreated>(|delivery, event| Ok(departments::keep(delivery.db, &event.0)?))
        .on::<DepartmentUpdated>(|delivery, event| Ok(departments::keep(delivery.db, &event.0)?))
        .on::<PractitionerCreated>(|delivery, event| Ok(keep_practitioner(delivery.db, &event.0)?))
        .on::<PractitionerUpdated>(|delivery, event| Ok(keep_practitioner(delivery.db, &event.0)?))
        .on_many::<CareTeamChanged>(|deliveries, changed| {
            keep_relations(deliveries.db, changed.into_iter().map(|event| event.0))?;
            Ok(())
        })
        .on_many(at(desk, offer, |WaitlistOffered(facts)| facts))
        .on_many(at(desk, bill, |BillingInvoiceIssued(facts)| facts))
}

fn with_accounts(consumer: Consumer, desk: &Desk) -> Consumer {
    use Purpose::{Invitation, PasswordReset, Verification};
    let mails = |purpose| {
        move |desk: &Desk, deliveries: &mut Deliveries<'_>, facts| mail(desk, deliveries, purpose, facts)
    };
    consumer
        .on_many(at(desk, mails(Verification), |AccountVerificationRequested(facts)| facts))
        .on_many(at(desk, mails(Invitation), |AccountInvited(facts)| facts))
        .on_many(at(desk, mails(PasswordReset), |AccountPasswordResetRequested(facts)| facts))
        .on_many(at(desk, warn, |AccessBreakGlass(facts)| facts))
}

fn with_appointments(consumer: Consumer, desk: &Desk) -> Consumer {
    let told = |kind| {
        move |desk: &Desk, deliveries: &mut Deliveries<'_>, facts| follow(desk, deliveries, kind, facts)
    };
    consumer
        .on_many(at(desk, told(Some(Kind::Confirmation)), |AppointmentScheduled(facts)| facts))
        .on_many(at(desk, told(Some(Kind::Rescheduled)), |AppointmentRescheduled(facts)| facts))
        .on_many(at(desk, told(Some(Kind::Cancelled)), |AppointmentCancelled(facts)| facts))
        .on_many(at(desk, told(None), |AppointmentArrived(facts)| facts))
        .on_many(at(desk, told(None), |AppointmentFulfilled(facts)| facts))
        .on_many(at(desk, told(None), |AppointmentNoshow(facts)| facts))
}

/// A handler that has a desk of its own, and gets what the events tell.
fn at<E: Event, T, F>(
    desk: &Desk,
    handler: F,
    facts: fn(E) -> T,
) -> impl Fn(&mut Deliveries<'_>, Vec<E>) -> Result<(), ConsumeError> + Send + Sync + use<E, T, F>
where
    T: 'static,
    F: Fn(&Desk, &mut Deliveries<'_>, Vec<T>) -> Result<(), ConsumeError> + Send + Sync + 'static,
{
    let desk = desk.clone();
    move |deliveries: &mut Deliveries<'_>, events: Vec<E>| {
        handler(&desk, deliveries, events.into_iter().map(facts).collect())
    }
}

/// What the events tell, each with the id of its event.
fn with_ids<T>(deliveries: &Deliveries<'_>, told: Vec<T>) -> Vec<(EventId, T)> {
    deliveries.envelopes.iter().map(|envelope| envelope.id).zip(told).collect()
}

fn mail(
    desk: &Desk,
    deliveries: &mut Deliveries<'_>,
    purpose: Purpose,
    told: Vec<AccountMailFacts>,
) -> Result<(), ConsumeError> {
    let (now, house) = (deliveries.now, (&*desk.public_url, &desk.house.manner));
    let mails = with_ids(deliveries, told).into_iter();
    let mails =
        mails.map(|(event, facts)| AccountMail::draft(purpose, &facts, (event, Id::new(now)), house, now));
    post(deliveries, mails.collect())
}

fn warn(
    desk: &Desk,
    deliveries: &mut Deliveries<'_>,
    told: Vec<BreakGlassFacts>,
) -> Result<(), ConsumeError> {
    for facts in &told {
        keep_glass(deliveries.db, facts)?;
    }
    let Some(recipient) = &desk.house.privacy_email else { return Ok(()) };
    let now = deliveries.now;
    let mails = with_ids(deliveries, told).into_iter().map(|(event, facts)| {
        AccountMail::of_broken_glass(&facts, recipient.to_string(), (event, Id::new(now)), now)
    });
    post(deliveries, mails.collect())
}

fn post(deliveries: &mut Deliveries<'_>, mails: Vec<AccountMail>) -> Result<(), ConsumeError> {
    let added = account_mails::add_all(deliveries.db, mails)?;
    deliveries.keep_traces(added.iter().map(|mail| mail.event_id))?;
    deliveries.enqueue_each(added.iter().map(|mail| (mail.event_id, ACCOUNT_MAILS.name(), job_of(mail))))
}

fn know(desk: &Desk, deliveries: &mut Deliveries<'_>, told: Vec<PatientFacts>) -> Result<(), ConsumeError> {
    let told: Vec<Patient> = told.into_iter().map(Patient::from).collect();
    patients::keep_all(deliveries.db, &told)?;
    let ids: BTreeSet<PatientId> = told.iter().map(|patient| patient.id).collect();
    if messages::make_due(deliveries.db, ids, deliveries.now)? > 0 {
        deliveries.wake_after_commit(&desk.bells.keeper);
    }
    Ok(())
}

/// What appointments are now. An event that is older than what is known tells nobody anything: what it says is not so any
/// more.
fn follow(
    desk: &Desk,
    deliveries: &mut Deliveries<'_>,
    kind: Option<Kind>,
    told: Vec<AppointmentFacts>,
) -> Result<(), ConsumeError> {
    let Told { news, known } = appointments::keep_all(deliveries.db, &told)?;
    let told = with_ids(deliveries, told).into_iter().zip(news);
    let told: Vec<_> = told.filter(|(_, is_news)| *is_news).map(|(told, _)| told).collect();
    if told.is_empty() {
        return Ok(());
    }
    // Of what nobody knew before there are no reminders.
    let changed: BTreeSet<_> = told.iter().map(|(_, facts)| facts.appointment_id).collect();
    let changed: Vec<_> = changed.into_iter().filter(|id| known.contains(id)).collect();
    messages::withdraw_reminders(deliveries.db, &changed)?;
    appointments::forget_reminders(deliveries.db, &changed)?;
    appointments::remind(deliveries.db, &reminders(desk, &told, deliveries.now))?;
    deliveries.wake_after_commit(&desk.bells.reminders);
    let Some(kind) = kind else { return Ok(()) };
    let told: Vec<_> = told.into_iter().filter(|(_, facts)| !facts.recorded).collect();
    let places = departments::names(deliveries.db, told.iter().filter_map(|(_, facts)| facts.department_id))?;
    let causes = told.into_iter().map(|(event, facts)| {
        let place = facts.department_id.and_then(|id| places.get(&id).cloned());
        cause(event, kind, facts.patient_id, About::Visit(Visit::of(&facts, place)))
    });
    tell(desk, deliveries, causes.collect())
}

/// The reminders of each appointment, as the last of the events has it.
fn reminders(desk: &Desk, told: &[(EventId, AppointmentFacts)], now: DateTime<Utc>) -> Vec<Reminder> {
    let last: BTreeMap<AppointmentId, _> =
        told.iter().map(|(event, facts)| (facts.appointment_id, (*event, facts))).collect();
    last.into_values().flat_map(|(event, facts)| desk.house.leads.plan(facts, event, now)).collect()
}

fn offer(desk: &Desk, deliveries: &mut Deliveries<'_>, told: Vec<OfferFacts>) -> Result<(), ConsumeError> {
    let places = departments::names(deliveries.db, told.iter().filter_map(|facts| facts.department_id))?;
    let causes = with_ids(deliveries, told).into_iter().map(|(event, facts)| {
        let place = facts.department_id.and_then(|id| places.get(&id).cloned());
        cause(event, Kind::Offer, facts.patient_id, About::Offer(Offer::of(&facts, place)))
    });
    let causes = causes.collect();
    tell(desk, deliveries, causes)
}

fn bill(desk: &Desk, deliveries: &mut Deliveries<'_>, told: Vec<InvoiceFacts>) -> Result<(), ConsumeError> {
    let causes = with_ids(deliveries, told).into_iter().filter_map(|(event, facts)| {
        Some(cause(event, Kind::Invoice, facts.patient_id, About::Bill(Bill::of(&facts)?)))
    });
    let causes = causes.collect();
    tell(desk, deliveries, causes)
}

fn cause(event_id: EventId, kind: Kind, patient_id: PatientId, about: About) -> Cause {
    Cause { event_id, occasion: String::new(), kind, patient_id, about }
}

fn tell(desk: &Desk, deliveries: &mut Deliveries<'_>, causes: Vec<Cause>) -> Result<(), ConsumeError> {
    let drafts = draft(deliveries.db, &desk.house, causes, deliveries.now)?;
    let added = messages::add_all(deliveries.db, drafts)?;
    let of = |status| move |message: &&Message| message.status == status;
    deliveries.keep_traces(added.iter().filter(of(Status::Pending)).map(|message| message.cause.event_id))?;
    let sent = added.iter().filter(of(Status::Sent));
    let sent: Vec<_> = sent.map(|message| (message.cause.event_id, MessageSent(facts(message)))).collect();
    deliveries.publish_each(sent.iter().map(|(event, sent)| (*event, sent)))?;
    enqueue_each(deliveries, &added)
}
