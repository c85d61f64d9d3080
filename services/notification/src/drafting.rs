//! Makes messages of what happened: by which ways they go to a patient, and with which words.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use hms_db::{Db, Result};
use hms_model::id::{Id, PatientId};

use crate::domain::{Cause, ChannelKind, Letter, Message, Patient, TemplateKey, Words};
use crate::house::House;
use crate::store::contacts::{self, Contact};
use crate::store::{patients, templates};

/// By which ways a message goes, or why by none; to nobody yet, where it is not known who the patient is.
struct Route<'a> {
    patient: Option<&'a Patient>,
    ways: std::result::Result<Vec<ChannelKind>, &'static str>,
}

/// The messages that causes call for, of each cause one for each way. A patient who is not known yet is waited for.
pub fn draft(db: &mut Db, house: &House, causes: Vec<Cause>, now: DateTime<Utc>) -> Result<Vec<Message>> {
    let contacts = contacts::of(db, causes.iter().map(|cause| cause.patient_id))?;
    Ok(draft_for(db, house, &contacts, causes, now)?.concat())
}

/// The same where it has been looked up who the patients are; of each cause by itself.
pub fn draft_for(
    db: &mut Db,
    house: &House,
    contacts: &HashMap<PatientId, Contact>,
    causes: Vec<Cause>,
    now: DateTime<Utc>,
) -> Result<Vec<Vec<Message>>> {
    let route = |cause: Cause| {
        let route = Route::of(&cause, house, contacts.get(&cause.patient_id));
        (cause, route)
    };
    let routed: Vec<(Cause, Route<'_>)> = causes.into_iter().map(route).collect();
    let keys = routed.iter().flat_map(|(cause, route)| route.keys(cause, house));
    let words = templates::all_words(db, &keys.collect())?;
    Ok(routed.into_iter().map(|(cause, route)| route.messages(cause, house, &words, now)).collect())
}

impl<'a> Route<'a> {
    fn of(cause: &Cause, house: &House, contact: Option<&'a Contact>) -> Self {
        let Some(Contact { patient, wishes, reachable }) = contact else {
            return Self { patient: None, ways: Ok(vec![ChannelKind::Email]) };
        };
        let ways = wishes.ways(cause.kind.group(), &house.ways, (patient, *reachable));
        Self { patient: Some(patient), ways }
    }

    /// The words that its messages need; what goes by no way has those of a mail.
    fn keys(&self, cause: &Cause, house: &House) -> Vec<TemplateKey> {
        let ways = self.ways.as_deref().unwrap_or(&[ChannelKind::Email]);
        ways.iter().map(|way| key(house, cause, *way, self.patient)).collect()
    }

    fn messages(
        self,
        cause: Cause,
        house: &House,
        words: &BTreeMap<TemplateKey, Words>,
        now: DateTime<Utc>,
    ) -> Vec<Message> {
        let filled = |way| {
            let key = key(house, &cause, way, self.patient);
            let words = words.get(&key).cloned().unwrap_or_else(|| Words::built_in(key));
            fill(house, &words, &cause, key, self.patient)
        };
        match (self.patient, self.ways) {
            (None, _) => {
                let subject = filled(ChannelKind::Email).subject;
                vec![cause.waiting(subject, Id::new(now), now)]
            }
            (Some(_), Err(reason)) => {
                let subject = filled(ChannelKind::Email).subject;
                vec![cause.skipped(subject, reason, Id::new(now), now)]
            }
            (Some(patient), Ok(ways)) => {
                let to = |way| {
                    let letter = (recipient(patient, way).unwrap_or_default(), filled(way));
                    cause.clone().addressed(way, letter, Id::new(now), now)
                };
                ways.into_iter().map(to).collect()
            }
        }
    }
}

/// Address and text of a message as they would be today; none where the patient has no such address any more.
pub fn renewed(db: &mut Db, house: &House, message: &Message) -> Result<Option<(String, Letter)>> {
    let Some(patient) = patients::find(db, message.cause.patient_id)?.filter(|patient| patient.active) else {
        return Ok(None);
    };
    let Some(recipient) = recipient(&patient, message.channel) else { return Ok(None) };
    let key = key(house, &message.cause, message.channel, Some(&patient));
    let words = templates::words(db, key)?;
    let Words { subject, body } = fill(house, &words, &message.cause, key, Some(&patient));
    Ok(Some((subject, Letter { recipient, body })))
}

fn key(house: &House, cause: &Cause, channel: ChannelKind, patient: Option<&Patient>) -> TemplateKey {
    let language = patient.and_then(Patient::language).unwrap_or(house.manner.language);
    TemplateKey { kind: cause.kind, channel, language }
}

fn fill(house: &House, words: &Words, cause: &Cause, key: TemplateKey, patient: Option<&Patient>) -> Words {
    words.fill(&cause.about.values(patient, key.language, &house.manner))
}

/// The address of a patient; empty for a way that needs none.
fn recipient(patient: &Patient, way: ChannelKind) -> Option<String> {
    match way {
        ChannelKind::Email => patient.email.clone(),
        ChannelKind::Sms => patient.phone.clone(),
        ChannelKind::Push | ChannelKind::InApp => Some(String::new()),
    }
}
