use serde_json::{Value, json};

use super::*;
use crate::import::table::Table;

/// A row of a file: what is given by name, the other columns empty.
fn row(layout: Layout, values: &[(&str, &str)]) -> Row {
    let value = |column: &&str| values.iter().find(|(name, _)| name == column).map_or("", |(_, value)| value);
    let values: Vec<_> = layout.columns.iter().map(value).collect();
    let text = format!("{}\n{}\n", layout.columns.join(","), values.join(","));
    let mut table = Table::read(layout, std::io::Cursor::new(text)).unwrap();
    table.next().unwrap().unwrap().row.unwrap()
}

/// The values of a good row, with some of them changed.
fn but<'a>(good: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = good.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    kept.chain(changes).copied().collect()
}

fn known(file: &'static str, ids: &[(&str, &str)]) -> Known {
    let ids = ids.iter().map(|(id, ours)| ((*id).to_owned(), (*ours).to_owned()));
    Known { file, ids: ids.collect() }
}

fn json(body: impl Serialize) -> Value {
    serde_json::to_value(body).unwrap()
}

const ORGANIZATION: &[(&str, &str)] = &[
    ("Id", "o-1"),
    ("NAME", "NORTH POINT HOSPITAL"),
    ("ADDRESS", "1 HARBOUR ROAD"),
    ("CITY", "SALTBY"),
    ("STATE", "CA"),
    ("ZIP", "90001"),
    ("PHONE", "(415) 555-2671"),
];

#[test]
fn an_organisation_becomes_a_department() {
    let mapped = department(&row(ORGANIZATIONS, ORGANIZATION)).unwrap();
    assert!(mapped.left_out.is_empty());
    let expected = json!({
        "name": "NORTH POINT HOSPITAL",
        "kind": "hospital",
        "phone": "+14155552671",
        "address": {
            "line": "1 HARBOUR ROAD", "city": "SALTBY", "state": "CA", "postal_code": "90001", "country": "US"
        },
        "identifiers": [{ "system": "https://synthetichealth.github.io/synthea", "value": "o-1" }],
    });
    assert_eq!(json(mapped.body), expected);
}

#[test]
fn of_an_organisation_only_id_and_name_are_needed() {
    let mapped = department(&row(ORGANIZATIONS, &[("Id", "o-1"), ("NAME", "Saltby")])).unwrap();
    assert!(mapped.left_out.is_empty(), "an empty phone is nothing to tell of");
    let fields: Vec<_> = json(mapped.body).as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["identifiers", "kind", "name"]);
    for column in ["Id", "NAME"] {
        let error = department(&row(ORGANIZATIONS, &but(ORGANIZATION, &[(column, "")]))).unwrap_err();
        assert_eq!(error, Unusable::Empty { column });
    }
}

#[test]
fn a_phone_that_is_not_of_the_united_states_is_left_out_and_told() {
    let mapped = department(&row(ORGANIZATIONS, &but(ORGANIZATION, &[("PHONE", "555-2671")]))).unwrap();
    assert_eq!(mapped.left_out, ["PHONE is left out, it is not a number of the United States: 555-2671"]);
    assert_eq!(json(mapped.body).get("phone"), None);
}

#[test]
fn phones_are_turned_into_e164() {
    let cases = [
        ("4155552671", Some("+14155552671")),
        ("415-555-2671", Some("+14155552671")),
        ("(415) 555-2671", Some("+14155552671")),
        ("1-800-555-2671", Some("+18005552671")),
        ("+1 415.555.2671", Some("+14155552671")),
        ("555-2671", None),
        ("415-555-26711", None),
        ("2-415-555-2671", None),
        ("015-555-2671", None),
        ("415-155-2671", None),
        ("415-555-267X", None),
        ("415-555-2671 x12", None),
        ("٤١٥٥٥٥٢٦٧١", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(us_phone(text).as_ref().map(Phone::as_str), expected, "{text}");
    }
}

#[test]
fn the_name_says_what_an_organisation_is() {
    let cases = [
        ("NORTH POINT HOSPITAL", "hospital"),
        ("Saltby Medical Center", "hospital"),
        ("SALTBY MED CTR - EAST", "hospital"),
        ("SALTBY URGENT CARE CENTER", "clinic"),
        ("NORTH POINT MEDICAL CLINIC", "clinic"),
        ("NORTH POINT MEDICAL GROUP", "clinic"),
        ("PCP1234", "clinic"),
        ("NORTH POINT HOSPITAL D/P SNF", "site"),
        ("SALTBY CONVALESCENT HOSPITAL", "site"),
        ("SALTBY HOME HEALTH CARE", "site"),
        ("SALTBY HOSPICE", "site"),
    ];
    for (name, expected) in cases {
        assert_eq!(department_kind(name), expected, "{name}");
    }
}

const PROVIDER: &[(&str, &str)] = &[
    ("Id", "d-1"),
    ("ORGANIZATION", "o-1"),
    ("NAME", "Mette12 Aagaard34"),
    ("GENDER", "F"),
    ("SPECIALITY", "GENERAL PRACTICE"),
];

#[test]
fn a_provider_becomes_a_practitioner() {
    let departments = known("organizations.csv", &[("o-1", "our-o-1")]);
    let mapped = practitioner(&row(PROVIDERS, PROVIDER), &departments).unwrap();
    let expected = json!({
        "given_name": "Mette12",
        "family_name": "Aagaard34",
        "gender": "female",
        "specialty": "GENERAL PRACTICE",
        "department_id": "our-o-1",
        "identifiers": [{ "system": "https://synthetichealth.github.io/synthea", "value": "d-1" }],
    });
    assert_eq!(json(mapped.body), expected);
}

#[test]
fn the_last_word_of_a_providers_name_is_the_family_name() {
    let departments = known("organizations.csv", &[("o-1", "our-o-1")]);
    for (name, given, family) in [
        ("Mette12 Aagaard34", "Mette12", "Aagaard34"),
        ("José María1  de2 Ólafs3", "José María1  de2", "Ólafs3"),
    ] {
        let mapped = practitioner(&row(PROVIDERS, &but(PROVIDER, &[("NAME", name)])), &departments).unwrap();
        assert_eq!((mapped.body.given_name.as_str(), mapped.body.family_name.as_str()), (given, family));
    }
}

#[test]
fn bad_providers_are_refused_with_the_reason() {
    let departments = known("organizations.csv", &[("o-1", "our-o-1")]);
    let cases = [
        (("Id", ""), "Id is empty"),
        (("NAME", ""), "NAME is empty"),
        (("NAME", "Mette12"), "NAME is not a given name and a family name: Mette12"),
        (("GENDER", "X"), "GENDER is not M or F: X"),
        (("ORGANIZATION", "o-9"), "ORGANIZATION o-9 has no usable row in organizations.csv"),
    ];
    for (change, expected) in cases {
        let error = practitioner(&row(PROVIDERS, &but(PROVIDER, &[change])), &departments).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let bare = but(PROVIDER, &[("ORGANIZATION", ""), ("GENDER", ""), ("SPECIALITY", "")]);
    assert!(practitioner(&row(PROVIDERS, &bare), &departments).is_ok(), "these three may be empty");
}

const PATIENT: &[(&str, &str)] = &[
    ("Id", "p-1"),
    ("BIRTHDATE", "1950-02-28"),
    ("DEATHDATE", "2019-06-30"),
    ("SSN", "999-00-0001"),
    ("PASSPORT", "X0000001X"),
    ("FIRST", "Loida499"),
    ("LAST", "Ødegård1"),
    ("GENDER", "F"),
    ("ADDRESS", "2 Mill Lane"),
    ("CITY", "Saltby"),
    ("STATE", "California"),
    ("ZIP", ""),
];

#[test]
fn a_patient_keeps_name_identifiers_and_the_day_of_death() {
    let mapped = patient(&row(PATIENTS, PATIENT)).unwrap();
    let expected = json!({
        "given_name": "Loida499",
        "family_name": "Ødegård1",
        "birth_date": "1950-02-28",
        "gender": "female",
        "address": { "line": "2 Mill Lane", "city": "Saltby", "state": "California", "country": "US" },
        "deceased_at": "2019-06-30T00:00:00Z",
        "identifiers": [
            { "system": "https://synthetichealth.github.io/synthea", "value": "p-1" },
            { "system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-00-0001" },
            { "system": "http://hl7.org/fhir/sid/passport-USA", "value": "X0000001X" },
        ],
    });
    assert_eq!(json(mapped.body), expected);
}

#[test]
fn bad_patients_are_refused_with_the_reason() {
    let long = "x".repeat(201);
    let cases = [
        (("Id", ""), "Id is empty"),
        (("Id", long.as_str()), "Id: must have 1 to 200 characters, has 201"),
        (("FIRST", ""), "FIRST is empty"),
        (("LAST", " "), "LAST is empty"),
        (("GENDER", ""), "GENDER is empty"),
        (("GENDER", "female"), "GENDER is not M or F: female"),
        (("BIRTHDATE", ""), "BIRTHDATE is empty"),
        (("BIRTHDATE", "1950-02-30"), "BIRTHDATE is not a date such as 1980-12-31: 1950-02-30"),
        (("BIRTHDATE", "28/02/1950"), "BIRTHDATE is not a date such as 1980-12-31: 28/02/1950"),
        (("DEATHDATE", "later"), "DEATHDATE is not a date such as 1980-12-31: later"),
        (("DEATHDATE", "1950-02-27"), "DEATHDATE is before BIRTHDATE"),
    ];
    for (change, expected) in cases {
        let error = patient(&row(PATIENTS, &but(PATIENT, &[change]))).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let stillborn = but(PATIENT, &[("DEATHDATE", "1950-02-28")]);
    assert!(patient(&row(PATIENTS, &stillborn)).is_ok(), "to die on the day of birth is possible");
}

const ENCOUNTER: &[(&str, &str)] = &[
    ("Id", "e-1"),
    ("START", "2020-03-01T08:00:10Z"),
    ("STOP", "2020-03-01T08:15:10Z"),
    ("PATIENT", "p-1"),
    ("ORGANIZATION", "o-1"),
    ("PROVIDER", "d-1"),
    ("DESCRIPTION", "Encounter for symptom"),
    ("REASONDESCRIPTION", "Sinusitis (disorder)"),
];

fn appointment_of(changes: &[(&'static str, &'static str)]) -> Result<Value, Unusable> {
    let departments = known("organizations.csv", &[("o-1", "our-o-1")]);
    let practitioners = known("providers.csv", &[("d-1", "our-d-1")]);
    let patients = known("patients.csv", &[("p-1", "our-p-1")]);
    let known = References { departments: &departments, practitioners: &practitioners, patients: &patients };
    let now = time("now", "2024-01-01T00:00:00Z").unwrap();
    appointment(&row(ENCOUNTERS, &but(ENCOUNTER, changes)), &known, now).map(|mapped| json(mapped.body))
}

#[test]
fn an_encounter_becomes_an_appointment_that_took_place() {
    let expected = json!({
        "patient_id": "our-p-1",
        "practitioner_id": "our-d-1",
        "department_id": "our-o-1",
        "start": "2020-03-01T08:00:10Z",
        "end": "2020-03-01T08:15:10Z",
        "status": "fulfilled",
        "reason": "Sinusitis (disorder)",
        "description": "Encounter for symptom",
        "identifiers": [{ "system": "https://synthetichealth.github.io/synthea", "value": "e-1" }],
    });
    assert_eq!(appointment_of(&[]).unwrap(), expected);
}

#[test]
fn without_a_reason_what_was_done_is_the_reason() {
    let body = appointment_of(&[("REASONDESCRIPTION", "")]).unwrap();
    assert_eq!(body["reason"], "Encounter for symptom");
    assert_eq!(body.get("description"), None);
}

#[test]
fn times_may_stop_at_the_minute_and_have_an_offset() {
    let body =
        appointment_of(&[("START", "2020-03-01T08:00Z"), ("STOP", "2020-03-01T10:30:00+02:00")]).unwrap();
    assert_eq!(
        (&body["start"], &body["end"]),
        (&json!("2020-03-01T08:00:00Z"), &json!("2020-03-01T08:30:00Z"))
    );
}

#[test]
fn bad_encounters_are_refused_with_the_reason() {
    let cases = [
        (("Id", ""), "Id is empty"),
        (("START", ""), "START is empty"),
        (("START", "2020-03-01 08:00"), "START is not a time such as 2020-12-31T23:59:59Z: 2020-03-01 08:00"),
        (("STOP", ""), "STOP is empty"),
        (
            ("STOP", "2020-03-01T25:00:00Z"),
            "STOP is not a time such as 2020-12-31T23:59:59Z: 2020-03-01T25:00:00Z",
        ),
        (("STOP", "2020-03-01T08:00:09Z"), "STOP is not after START"),
        (("STOP", "2020-03-01T08:00:10Z"), "STOP is not after START"),
        (
            ("STOP", "2024-01-01T00:00:01Z"),
            "STOP lies in the future, so this has not taken place: 2024-01-01T00:00:01Z",
        ),
        (("PATIENT", ""), "PATIENT is empty"),
        (("PATIENT", "p-9"), "PATIENT p-9 has no usable row in patients.csv"),
        (("PROVIDER", "d-9"), "PROVIDER d-9 has no usable row in providers.csv"),
        (("ORGANIZATION", "o-9"), "ORGANIZATION o-9 has no usable row in organizations.csv"),
    ];
    for (change, expected) in cases {
        assert_eq!(appointment_of(&[change]).unwrap_err().to_string(), expected);
    }
    let nothing_said = appointment_of(&[("DESCRIPTION", ""), ("REASONDESCRIPTION", "")]);
    assert_eq!(nothing_said.unwrap_err(), Unusable::Empty { column: "DESCRIPTION" });
    assert!(appointment_of(&[("ORGANIZATION", "")]).is_ok(), "an encounter may name no organisation");
}
