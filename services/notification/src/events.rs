//! What the service consumes: who the patients are, what happens to their appointments, and mails about accounts.

use std::sync::Arc;

use hms_bus::{ConsumeError, Consumer, Delivery};
use hms_model::event::{
    AccountInvited, AccountMailFacts, AccountPasswordResetRequested, AccountVerificationRequested,
    AppointmentCancelled, AppointmentFacts, AppointmentRescheduled, AppointmentScheduled, PatientCreated,
    PatientFacts, PatientUpdated,
};
use hms_model::id::Id;
use tokio::sync::Notify;

use crate::domain::{AccountMail, AccountMailKind, Kind, Message, Status};
use crate::store::{account_mails, messages, patients};

/// The handlers of the events; they wake the sender.
pub fn consumer(sender: &Arc<Notify>, public_url: &str) -> Consumer {
    let waking = || Arc::clone(sender);
    let (created, updated) = (waking(), waking());
    let (scheduled, rescheduled, cancelled) = (waking(), waking(), waking());
    let mailing = |kind| {
        let (sender, public_url) = (waking(), public_url.to_owned());
        move |delivery: &mut Delivery<'_>, facts: AccountMailFacts| {
            mail(delivery, (kind, &facts), &public_url, &sender)
        }
    };
    let verify = mailing(AccountMailKind::Verification);
    let (invite, reset) = (mailing(AccountMailKind::Invitation), mailing(AccountMailKind::PasswordReset));
    Consumer::new("notification")
        .on::<AccountVerificationRequested>(move |delivery, event| verify(delivery, event.0))
        .on::<AccountInvited>(move |delivery, event| invite(delivery, event.0))
        .on::<AccountPasswordResetRequested>(move |delivery, event| reset(delivery, event.0))
        .on::<PatientCreated>(move |delivery, PatientCreated(facts)| know(delivery, facts, &created))
        .on::<PatientUpdated>(move |delivery, PatientUpdated(facts)| know(delivery, facts, &updated))
        .on::<AppointmentScheduled>(move |delivery, AppointmentScheduled(facts)| {
            notify(delivery, Kind::Confirmation, facts, &scheduled)
        })
        .on::<AppointmentRescheduled>(move |delivery, AppointmentRescheduled(facts)| {
            notify(delivery, Kind::Rescheduled, facts, &rescheduled)
        })
        .on::<AppointmentCancelled>(move |delivery, AppointmentCancelled(facts)| {
            notify(delivery, Kind::Cancelled, facts, &cancelled)
        })
}

fn mail(
    delivery: &mut Delivery<'_>,
    (kind, facts): (AccountMailKind, &AccountMailFacts),
    public_url: &str,
    sender: &Arc<Notify>,
) -> Result<(), ConsumeError> {
    let ids = (delivery.envelope.id, Id::new(delivery.now));
    account_mails::add(delivery.db, AccountMail::draft(kind, facts, ids, public_url, delivery.now))?;
    delivery.keep_trace()?;
    delivery.wake_after_commit(sender);
    Ok(())
}

fn know(delivery: &mut Delivery<'_>, facts: PatientFacts, sender: &Arc<Notify>) -> Result<(), ConsumeError> {
    let patient = facts.into();
    patients::keep(delivery.db, &patient)?;
    if messages::make_due(delivery.db, patient.id, delivery.now)? > 0 {
        delivery.wake_after_commit(sender);
    }
    Ok(())
}

fn notify(
    delivery: &mut Delivery<'_>,
    kind: Kind,
    facts: AppointmentFacts,
    sender: &Arc<Notify>,
) -> Result<(), ConsumeError> {
    let patient = patients::find(delivery.db, facts.patient_id)?;
    let (event_id, now) = (delivery.envelope.id, delivery.now);
    let Some(message) = Message::draft(kind, facts, event_id, patient.as_ref(), Id::new(now), now) else {
        return Ok(());
    };
    messages::add(delivery.db, &message)?;
    if message.status == Status::Pending {
        delivery.keep_trace()?;
        delivery.wake_after_commit(sender);
    }
    Ok(())
}
