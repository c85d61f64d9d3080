//! What somebody who treats may ask of the audit, where records are the care team's.

use std::collections::BTreeSet;

use hms_model::audit::AuditEntry;
use hms_model::id::{AccountId, PatientId};

/// What of the audit is asked for, as far as it decides who may.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The patients that are named.
    pub patients: Vec<PatientId>,
    /// The account whose acts are asked for, where it is one.
    pub actor: Option<AccountId>,
}

/// Why it may not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody is named.
    #[error("Ask about patients in your care (patient_id), or about your own acts (actor_id).")]
    TooWide,
    /// A patient is named who is not in their care.
    #[error("This patient is neither in your care nor in that of your department.")]
    NotInCare,
}

impl Question {
    /// Whether somebody who sees these patients alone may ask it: about them, or about what they did themselves.
    pub fn allowed(&self, account: AccountId, seen: &BTreeSet<PatientId>) -> Result<(), Refusal> {
        if self.actor == Some(account) {
            return Ok(());
        }
        if self.patients.is_empty() {
            return Err(Refusal::TooWide);
        }
        if self.patients.iter().all(|patient| seen.contains(patient)) {
            Ok(())
        } else {
            Err(Refusal::NotInCare)
        }
    }
}

/// An entry as somebody sees it who sees these patients alone: their own act whole, that of another without the other
/// patients whom it names, and none that names others only.
pub fn shown_to(entry: AuditEntry, account: AccountId, seen: &BTreeSet<PatientId>) -> Option<AuditEntry> {
    if entry.actor.account_id == Some(account) || entry.patient_ids.is_empty() {
        return Some(entry);
    }
    let patient_ids: Vec<_> =
        entry.patient_ids.iter().copied().filter(|patient| seen.contains(patient)).collect();
    (!patient_ids.is_empty()).then_some(AuditEntry { patient_ids, ..entry })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use hms_model::audit::{Action, Actor, Outcome};
    use hms_model::id::Id;
    use uuid::Uuid;

    use super::*;

    fn patient(number: u128) -> PatientId {
        Id::from_uuid(Uuid::from_u128(number))
    }

    fn account(number: u128) -> AccountId {
        Id::from_uuid(Uuid::from_u128(number))
    }

    fn entry(by: u128, patients: &[u128]) -> AuditEntry {
        AuditEntry {
            id: Id::new(DateTime::UNIX_EPOCH),
            at: DateTime::UNIX_EPOCH,
            service: "user".into(),
            actor: Actor { account_id: Some(account(by)), roles: vec![] },
            action: Action::Read,
            resource: "patient".into(),
            resource_id: None,
            patient_ids: patients.iter().copied().map(patient).collect(),
            outcome: Outcome::Success,
            detail: None,
            request_id: None,
            source_ip: None,
        }
    }

    /// The caller is account 1 and sees patient 1 and 2.
    #[test]
    fn one_asks_about_patients_in_ones_care_or_about_ones_own_acts() {
        let seen = BTreeSet::from([patient(1), patient(2)]);
        type Case<'a> = (&'a [u128], Option<u128>, Result<(), Refusal>);
        let cases: [Case<'_>; 7] = [
            (&[1], None, Ok(())),
            (&[1, 2], Some(7), Ok(())),
            (&[], Some(1), Ok(())),
            (&[3], Some(1), Ok(())),
            (&[], None, Err(Refusal::TooWide)),
            (&[], Some(7), Err(Refusal::TooWide)),
            (&[1, 3], None, Err(Refusal::NotInCare)),
        ];
        for (patients, actor, expected) in cases {
            let patients_asked = patients.iter().copied().map(patient).collect();
            let question = Question { patients: patients_asked, actor: actor.map(account) };
            assert_eq!(question.allowed(account(1), &seen), expected, "{patients:?} {actor:?}");
        }
    }

    #[test]
    fn an_entry_is_shown_without_those_who_are_not_in_ones_care() {
        let seen = BTreeSet::from([patient(1), patient(2)]);
        let cases: [(AuditEntry, Option<&[u128]>); 5] = [
            (entry(7, &[1, 3, 2]), Some(&[1, 2])),
            (entry(7, &[3]), None),
            (entry(7, &[]), Some(&[])),
            (entry(1, &[3]), Some(&[3])),
            (entry(1, &[1, 3]), Some(&[1, 3])),
        ];
        for (entry, expected) in cases {
            let shown = shown_to(entry.clone(), account(1), &seen).map(|entry| entry.patient_ids);
            let expected = expected.map(|patients| patients.iter().copied().map(patient).collect());
            assert_eq!(shown, expected, "{entry:?}");
        }
    }
}
