//! What must be known of patients to write to them, of many at once.

use std::collections::{BTreeSet, HashMap};

use diesel::dsl::exists;
use diesel::prelude::*;
use hms_db::{Db, Key, Result, each};
use hms_model::id::PatientId;

use super::{dead_addresses, patients, preferences};
use crate::domain::{ChannelKind, Patient, Reachable, Wishes};
use crate::schema::{
    notification_preferences as said, patients as known, push_subscriptions as subscriptions,
};

/// A patient, and how to write to them.
pub struct Contact {
    /// Who.
    pub patient: Patient,
    /// What they want.
    pub wishes: Wishes,
    /// What reaches them.
    pub reachable: Reachable,
}

/// Those of these patients who are known.
pub fn of(db: &mut Db, patients: impl IntoIterator<Item = PatientId>) -> Result<HashMap<PatientId, Contact>> {
    let keys: BTreeSet<Key> = patients.into_iter().map(Key::from).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(patients::Row, Option<preferences::Row>, bool)> = each!(db, connection => {
        known::table
            .left_join(said::table.on(said::patient_id.eq(known::id)))
            .filter(known::id.eq_any(keys))
            .select((
                patients::Row::as_select(),
                Option::<preferences::Row>::as_select(),
                exists(subscriptions::table.filter(subscriptions::patient_id.eq(known::id))),
            ))
            .load(connection)
    })?;
    let mut found = Vec::with_capacity(rows.len());
    for (patient, wishes, has_device) in rows {
        let patient = patient.patient();
        let wishes = wishes.map_or_else(|| Ok(Wishes::none(patient.id)), preferences::Row::wishes)?;
        found.push((patient, wishes, has_device));
    }
    let addresses = |of: fn(&Patient) -> &Option<String>| {
        found.iter().filter_map(|(patient, ..)| of(patient).clone()).collect::<Vec<_>>()
    };
    let (emails, phones) = (addresses(|patient| &patient.email), addresses(|patient| &patient.phone));
    let dead = dead_addresses::among(db, emails, phones)?;
    let is_dead = |channel, address: &Option<String>| {
        address.as_ref().is_some_and(|address| dead.contains(&(channel, address.clone())))
    };
    let contacts = found.into_iter().map(|(patient, wishes, has_device)| {
        let reachable = Reachable {
            dead_email: is_dead(ChannelKind::Email, &patient.email),
            dead_phone: is_dead(ChannelKind::Sms, &patient.phone),
            has_device,
        };
        (patient.id, Contact { patient, wishes, reachable })
    });
    Ok(contacts.collect())
}
