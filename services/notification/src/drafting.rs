//! Makes messages of what happened: by which ways they go to a patient, and with which words.

use chrono::{DateTime, Utc};
use hms_db::{Db, Result};
use hms_model::id::Id;

use crate::domain::{Cause, ChannelKind, Letter, Message, Patient, Reachable, TemplateKey, Words};
use crate::house::House;
use crate::store::{dead_addresses, patients, preferences, push_subscriptions, templates};

/// The messages that a cause calls for, one for each way. A patient who is not known yet is waited for.
pub fn draft(db: &mut Db, house: &House, cause: Cause, now: DateTime<Utc>) -> Result<Vec<Message>> {
    if let Some(patient) = patients::find(db, cause.patient_id)? {
        return of_patient(db, house, cause, &patient, now);
    }
    let subject = words(db, house, &cause, ChannelKind::Email, None)?.subject;
    Ok(vec![cause.waiting(subject, Id::new(now), now)])
}

/// The messages that a cause calls for, for a patient who is known.
pub fn of_patient(
    db: &mut Db,
    house: &House,
    cause: Cause,
    patient: &Patient,
    now: DateTime<Utc>,
) -> Result<Vec<Message>> {
    let wishes = preferences::find(db, patient.id)?;
    let reachable = Reachable {
        dead_email: dead_addresses::is_dead(db, ChannelKind::Email, patient.email.as_deref())?,
        dead_phone: dead_addresses::is_dead(db, ChannelKind::Sms, patient.phone.as_deref())?,
        has_device: push_subscriptions::count(db, patient.id)? > 0,
    };
    match wishes.ways(cause.kind.group(), &house.ways, (patient, reachable)) {
        Err(reason) => {
            let subject = words(db, house, &cause, ChannelKind::Email, Some(patient))?.subject;
            Ok(vec![cause.skipped(subject, reason, Id::new(now), now)])
        }
        Ok(ways) => {
            let mut messages = Vec::with_capacity(ways.len());
            for way in ways {
                let words = words(db, house, &cause, way, Some(patient))?;
                let recipient = recipient(patient, way).unwrap_or_default();
                messages.push(cause.clone().addressed(way, (recipient, words), Id::new(now), now));
            }
            Ok(messages)
        }
    }
}

/// Address and text of a message as they would be today; none where the patient has no such address any more.
pub fn renewed(db: &mut Db, house: &House, message: &Message) -> Result<Option<(String, Letter)>> {
    let Some(patient) = patients::find(db, message.cause.patient_id)?.filter(|patient| patient.active) else {
        return Ok(None);
    };
    let Some(recipient) = recipient(&patient, message.channel) else { return Ok(None) };
    let Words { subject, body } = words(db, house, &message.cause, message.channel, Some(&patient))?;
    Ok(Some((subject, Letter { recipient, body })))
}

fn words(
    db: &mut Db,
    house: &House,
    cause: &Cause,
    channel: ChannelKind,
    patient: Option<&Patient>,
) -> Result<Words> {
    let language = patient.and_then(Patient::language).unwrap_or(house.manner.language);
    let words = templates::words(db, TemplateKey { kind: cause.kind, channel, language })?;
    Ok(words.fill(&cause.about.values(patient, language, &house.manner)))
}

/// The address of a patient; empty for a way that needs none.
fn recipient(patient: &Patient, way: ChannelKind) -> Option<String> {
    match way {
        ChannelKind::Email => patient.email.clone(),
        ChannelKind::Sms => patient.phone.clone(),
        ChannelKind::Push | ChannelKind::InApp => Some(String::new()),
    }
}
