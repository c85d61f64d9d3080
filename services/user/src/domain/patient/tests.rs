use hms_model::id::Id;
use serde_json::{Value, json};

use super::*;
use crate::domain::words;

fn now() -> DateTime<Utc> {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

fn details(more: Value) -> PatientDetails {
    let mut json =
        json!({"given_name": "Ann", "family_name": "Lee", "birth_date": "1984-02-29", "gender": "female"});
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(json).unwrap()
}

fn registered(more: Value) -> Patient {
    Patient::register(details(more), Reach::Everyone, Id::new(now()), now()).unwrap()
}

fn own(account_id: AccountId, patient_id: Option<PatientId>) -> Reach {
    Reach::Own { account_id, patient_id }
}

fn patch(patient: &Patient, patch: Value, reach: Reach) -> Result<Change<Patient>, Refusal> {
    patient.patch(serde_json::from_value(patch).unwrap(), reach, now())
}

#[test]
fn staff_register_anyone_and_a_patient_becomes_the_owner_once() {
    let (account, patient) = (Id::new(now()), Id::new(now()));
    let register = |reach| Patient::register(details(json!({})), reach, Id::new(now()), now());
    assert_eq!(register(Reach::Everyone).unwrap().account_id, None);
    assert_eq!(register(own(account, None)).unwrap().account_id, Some(account));
    assert_eq!(register(own(account, Some(patient))), Err(Refusal::AlreadyPatient { id: patient }));
}

#[test]
fn who_is_registered_after_death_is_deceased() {
    assert_eq!(registered(json!({})).status, PatientStatus::Active);
    assert_eq!(registered(json!({"deceased_at": "2020-01-01T00:00:00Z"})).status, PatientStatus::Deceased);
}

#[test]
fn a_record_is_seen_by_staff_and_its_own_patient() {
    let account = Id::new(now());
    let patient = Patient { account_id: Some(account), ..registered(json!({})) };
    let stranger = Id::new(now());
    let cases = [
        (Reach::Everyone, true),
        (own(account, None), true),
        (own(stranger, Some(patient.id)), true),
        (own(stranger, None), false),
        (own(stranger, Some(Id::new(now()))), false),
    ];
    for (reach, seen) in cases {
        assert_eq!(patient.visible_to(reach).is_ok(), seen, "{reach:?}");
        assert_eq!(patient.retire(reach, now()) == Err(Refusal::NotTheirs), !seen, "{reach:?}");
    }
}

#[test]
fn patients_change_their_own_contact_data_and_nothing_else() {
    let patient = registered(json!({"phone": "+14155552671"}));
    let reach = own(Id::new(now()), Some(patient.id));
    let cases = [
        (
            json!({"phone": null, "email": "a@example.org", "language": "de", "address": {"country": "US"}}),
            Ok(vec!["phone", "email", "language", "address"]),
        ),
        (json!({"family_name": "Lee"}), Ok(vec![])),
        (
            json!({"phone": "+14155550000", "family_name": "Li", "gender": "male"}),
            Err(vec!["family_name", "gender"]),
        ),
        (json!({"status": "inactive"}), Err(vec!["status"])),
        (json!({"deceased_at": "2026-01-01T00:00:00Z"}), Err(vec!["deceased_at", "status"])),
        (json!({"identifiers": [{"system": "urn:x", "value": "1"}]}), Err(vec!["identifiers"])),
    ];
    for (body, expected) in cases {
        let outcome = patch(&patient, body.clone(), reach).map(|change| change.fields);
        assert_eq!(outcome, expected.map_err(|fields| Refusal::Fields { fields }), "{body}");
    }
    assert_eq!(patient.retire(reach, now()), Err(Refusal::Fields { fields: vec!["status"] }));
    assert!(patient.replace(details(json!({"phone": "+14155550000"})), reach, now()).is_ok());
}

#[test]
fn a_patch_changes_what_it_names() {
    let patient =
        registered(json!({"phone": "+14155552671", "identifiers": [{"system": "urn:x", "value": "1"}]}));
    let cases = [
        (json!({}), vec![]),
        (json!({"phone": "+14155552671"}), vec![]),
        (json!({"phone": null}), vec!["phone"]),
        (json!({"identifiers": null}), vec!["identifiers"]),
        (json!({"given_name": "Anna", "birth_date": "1984-03-01"}), vec!["given_name", "birth_date"]),
        (json!({"deceased_at": "2026-01-01T00:00:00Z"}), vec!["deceased_at", "status"]),
    ];
    for (body, fields) in cases {
        let change = patch(&patient, body.clone(), Reach::Everyone).unwrap();
        assert_eq!(change.fields, fields, "{body}");
        let version = if fields.is_empty() { 1 } else { 2 };
        assert_eq!((change.after.version, change.after.mrn), (version, patient.mrn.clone()), "{body}");
    }
}

#[test]
fn a_required_field_is_not_taken_away() {
    for field in ["given_name", "family_name", "birth_date", "gender", "status"] {
        assert!(serde_json::from_value::<PatientPatch>(json!({field: null})).is_err(), "{field}");
    }
    assert!(serde_json::from_value::<PatientPatch>(json!({"mrn": "P-00000000"})).is_err());
}

#[test]
fn a_replacement_leaves_nothing_of_what_it_does_not_name() {
    let patient = registered(json!({"phone": "+14155552671", "deceased_at": "2026-01-01T00:00:00Z"}));
    let change =
        patient.replace(details(json!({"email": "ann@example.org"})), Reach::Everyone, now()).unwrap();
    assert_eq!(change.fields, ["phone", "email", "deceased_at", "status"]);
    assert_eq!(change.after.status, PatientStatus::Active);
}

#[test]
fn a_change_keeps_the_rules() {
    let patient = registered(json!({}));
    let rule = |body| match patch(&patient, body, Reach::Everyone) {
        Err(Refusal::Rule { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(rule(json!({"birth_date": "2026-03-09"})), "birth_date");
    assert_eq!(rule(json!({"deceased_at": "1980-01-01T00:00:00Z"})), "deceased_at");
    assert_eq!(rule(json!({"address": {"city": "Oslo"}})), "address.country");
    let twice =
        json!({"identifiers": [{"system": "urn:x", "value": "1"}, {"system": "urn:x", "value": "1"}]});
    assert_eq!(rule(twice), "identifiers");
    assert!(matches!(
        patch(&patient, json!({"status": "deceased"}), Reach::Everyone),
        Err(Refusal::Transition { .. })
    ));
}

#[test]
fn a_patient_is_found_by_name_number_email_and_phone() {
    let patient = registered(json!({"email": "Ann@Example.org", "phone": "+14155552671"}));
    let text = patient.search_text();
    for part in ["ann", "lee", &patient.mrn, "ann@example.org", "+14155552671"] {
        assert!(words(part).iter().all(|word| text.contains(word.as_str())), "{part} in {text}");
    }
}
