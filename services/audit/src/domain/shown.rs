//! Whose records are shown when entries are.

use hms_model::audit::AuditEntry;
use hms_model::id::PatientId;

/// The name of the audit itself as a resource.
pub const AUDIT: &str = "audit";

/// The patients that these entries tell of, when `asked` are those the reader asked for.
///
/// An entry about reading the audit repeats the patients of what was read. Were all of them noted again each time
/// such an entry is shown, every look would make a longer one; so of those only the ones asked for count.
pub fn patients_shown(entries: &[AuditEntry], asked: impl Fn(PatientId) -> bool) -> Vec<PatientId> {
    let told = |entry: &AuditEntry, patient: PatientId| entry.resource != AUDIT || asked(patient);
    let pairs =
        entries.iter().flat_map(|entry| entry.patient_ids.iter().map(move |patient| (entry, *patient)));
    pairs.filter(|(entry, patient)| told(entry, *patient)).map(|(_, patient)| patient).collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use hms_model::audit::{Action, Actor, Outcome};
    use hms_model::id::Id;

    use super::*;

    /// What it is, the entries, the patients asked for, the patients shown.
    type Case<'a> = (&'a str, &'a [AuditEntry], &'a [u128], &'a [u128]);

    fn patient(number: u128) -> PatientId {
        Id::from_uuid(uuid::Uuid::from_u128(number))
    }

    fn entry(resource: &str, patients: &[u128]) -> AuditEntry {
        AuditEntry {
            id: Id::new(DateTime::UNIX_EPOCH),
            at: DateTime::UNIX_EPOCH,
            service: "user".into(),
            actor: Actor { account_id: None, roles: vec![] },
            action: Action::Read,
            resource: resource.into(),
            resource_id: None,
            patient_ids: patients.iter().copied().map(patient).collect(),
            outcome: Outcome::Success,
            detail: None,
            request_id: None,
            source_ip: None,
        }
    }

    #[test]
    fn an_entry_shows_its_patients_and_a_look_at_the_audit_only_those_asked_for() {
        let cases: [Case; 5] = [
            ("nothing", &[], &[], &[]),
            ("a list of patients", &[entry("patient", &[1, 2])], &[], &[1, 2]),
            ("asked for one of them", &[entry("patient", &[1, 2])], &[1], &[1, 2]),
            ("a look at the audit", &[entry("audit", &[1, 2])], &[], &[]),
            (
                "a look at the audit of one",
                &[entry("audit", &[1, 2]), entry("appointment", &[3])],
                &[2],
                &[2, 3],
            ),
        ];
        for (case, entries, asked, expected) in cases {
            let shown = patients_shown(entries, |one| asked.iter().any(|asked| patient(*asked) == one));
            let expected: Vec<_> = expected.iter().copied().map(patient).collect();
            assert_eq!(shown, expected, "{case}");
        }
    }
}
