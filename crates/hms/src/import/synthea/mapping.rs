//! From a row of Synthea's CSV export to what the API takes; the columns are those of Synthea's "CSV File Data
//! Dictionary". Pure: a row and what is known so far in, a request body or the reason against it out.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use hms_model::{Identifier, Phone};
use serde::Serialize;

use crate::import::table::{Layout, Row};
use crate::import::unusable::Unusable;

/// The name space of Synthea's own ids: every record that is made carries its own.
pub const SYNTHEA: &str = "https://synthetichealth.github.io/synthea";

/// Social security numbers: the name space that FHIR gives them.
const US_SSN: &str = "http://hl7.org/fhir/sid/us-ssn";

/// Passports of the United States: FHIR's `passport-XXX` with the country's code of three letters.
const US_PASSPORT: &str = "http://hl7.org/fhir/sid/passport-USA";

/// Synthea makes people of the United States; no column says so.
const COUNTRY: &str = "US";

/// organizations.csv, which become departments.
pub const ORGANIZATIONS: Layout = Layout {
    file: "organizations.csv",
    columns: &["Id", "NAME", "ADDRESS", "CITY", "STATE", "ZIP", "PHONE"],
};

/// providers.csv, which become practitioners.
pub const PROVIDERS: Layout =
    Layout { file: "providers.csv", columns: &["Id", "ORGANIZATION", "NAME", "GENDER", "SPECIALITY"] };

/// patients.csv. A driver's licence has a name space per state, and no column says which one issued it.
pub const PATIENTS: Layout = Layout {
    file: "patients.csv",
    columns: &[
        "Id",
        "BIRTHDATE",
        "DEATHDATE",
        "SSN",
        "PASSPORT",
        "FIRST",
        "LAST",
        "GENDER",
        "ADDRESS",
        "CITY",
        "STATE",
        "ZIP",
    ],
};

/// encounters.csv, which become appointments that took place.
pub const ENCOUNTERS: Layout = Layout {
    file: "encounters.csv",
    columns: &[
        "Id",
        "START",
        "STOP",
        "PATIENT",
        "ORGANIZATION",
        "PROVIDER",
        "DESCRIPTION",
        "REASONDESCRIPTION",
    ],
};

/// What a row becomes.
#[derive(Debug, PartialEq, Eq)]
pub struct Mapped<T> {
    /// The body of the request.
    pub body: T,
    /// Values of the row that could not be taken over, in words.
    pub left_out: Vec<String>,
}

/// Where someone lives or something stands.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<String>,
    country: &'static str,
}

/// `POST /departments`
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Department {
    name: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<Phone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
    identifiers: Vec<Identifier>,
}

/// `POST /practitioners`
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Practitioner {
    given_name: String,
    family_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    specialty: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    department_id: Option<String>,
    identifiers: Vec<Identifier>,
}

/// `POST /patients`
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Patient {
    given_name: String,
    family_name: String,
    birth_date: NaiveDate,
    gender: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deceased_at: Option<DateTime<Utc>>,
    identifiers: Vec<Identifier>,
}

/// `POST /appointments`
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Appointment {
    patient_id: String,
    practitioner_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    department_id: Option<String>,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    status: &'static str,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    identifiers: Vec<Identifier>,
}

/// The ids that HMS gave to the rows of a file.
#[derive(Debug)]
pub struct Known {
    /// The file.
    pub file: &'static str,
    /// From Synthea's id to ours.
    pub ids: HashMap<String, String>,
}

impl Known {
    /// Our id for one of Synthea's, which stands in this column.
    pub fn find(&self, column: &'static str, id: &str) -> Result<String, Unusable> {
        let unknown = || Unusable::UnknownReference { column, id: id.into(), file: self.file };
        self.ids.get(id).cloned().ok_or_else(unknown)
    }
}

/// Everything that an encounter may name.
#[derive(Debug)]
pub struct References<'a> {
    /// By organizations.csv.
    pub departments: &'a Known,
    /// By providers.csv.
    pub practitioners: &'a Known,
    /// By patients.csv.
    pub patients: &'a Known,
}

/// A row of organizations.csv.
pub fn department(row: &Row) -> Result<Mapped<Department>, Unusable> {
    let name = row.need("NAME")?;
    let mut left_out = Vec::new();
    let phone = row.get("PHONE").and_then(|text| {
        let phone = us_phone(text);
        if phone.is_none() {
            left_out.push(format!("PHONE is left out, it is not a number of the United States: {text}"));
        }
        phone
    });
    let body = Department {
        name: name.into(),
        kind: department_kind(name),
        phone,
        address: address(row),
        identifiers: vec![own_id(row)?],
    };
    Ok(Mapped { body, left_out })
}

/// A row of providers.csv.
pub fn practitioner(row: &Row, departments: &Known) -> Result<Mapped<Practitioner>, Unusable> {
    let name = row.need("NAME")?;
    let (given, family) = name.rsplit_once(char::is_whitespace).ok_or(Unusable::Unreadable {
        column: "NAME",
        expected: "a given name and a family name",
        value: name.into(),
    })?;
    let organization = row.get("ORGANIZATION").map(|id| departments.find("ORGANIZATION", id));
    let body = Practitioner {
        given_name: given.trim_end().into(),
        family_name: family.into(),
        gender: row.get("GENDER").map(gender).transpose()?,
        specialty: row.get("SPECIALITY").map(String::from),
        department_id: organization.transpose()?,
        identifiers: vec![own_id(row)?],
    };
    Ok(Mapped { body, left_out: Vec::new() })
}

/// A row of patients.csv. Of a death only the day is known: it stands as that day's first moment, UTC.
pub fn patient(row: &Row) -> Result<Mapped<Patient>, Unusable> {
    let birth_date = date("BIRTHDATE", row.need("BIRTHDATE")?)?;
    let death_date = row.get("DEATHDATE").map(|text| date("DEATHDATE", text)).transpose()?;
    if death_date.is_some_and(|death| death < birth_date) {
        return Err(Unusable::Before { earlier: "BIRTHDATE", later: "DEATHDATE" });
    }
    let mut identifiers = vec![own_id(row)?];
    for (column, system) in [("SSN", US_SSN), ("PASSPORT", US_PASSPORT)] {
        if let Some(value) = row.get(column) {
            identifiers.push(identifier(column, system, value)?);
        }
    }
    let body = Patient {
        given_name: row.need("FIRST")?.into(),
        family_name: row.need("LAST")?.into(),
        birth_date,
        gender: gender(row.need("GENDER")?)?,
        address: address(row),
        deceased_at: death_date.map(|date| date.and_time(NaiveTime::MIN).and_utc()),
        identifiers,
    };
    Ok(Mapped { body, left_out: Vec::new() })
}

/// A row of encounters.csv. The reason is why the patient came, where the file says it, and what was done stands
/// in the description; else what was done is the reason.
pub fn appointment(
    row: &Row,
    known: &References<'_>,
    now: DateTime<Utc>,
) -> Result<Mapped<Appointment>, Unusable> {
    let start = time("START", row.need("START")?)?;
    let stop = row.need("STOP")?;
    let end = time("STOP", stop)?;
    if end <= start {
        return Err(Unusable::NotAfter { earlier: "START", later: "STOP" });
    }
    if end > now {
        return Err(Unusable::NotYet { column: "STOP", value: stop.into() });
    }
    let organization = row.get("ORGANIZATION").map(|id| known.departments.find("ORGANIZATION", id));
    let (reason, description) = match row.get("REASONDESCRIPTION") {
        Some(reason) => (reason, row.get("DESCRIPTION")),
        None => (row.need("DESCRIPTION")?, None),
    };
    let body = Appointment {
        patient_id: known.patients.find("PATIENT", row.need("PATIENT")?)?,
        practitioner_id: known.practitioners.find("PROVIDER", row.need("PROVIDER")?)?,
        department_id: organization.transpose()?,
        start,
        end,
        status: "fulfilled",
        reason: reason.into(),
        description: description.map(String::from),
        identifiers: vec![own_id(row)?],
    };
    Ok(Mapped { body, left_out: Vec::new() })
}

fn own_id(row: &Row) -> Result<Identifier, Unusable> {
    identifier("Id", SYNTHEA, row.need("Id")?)
}

fn identifier(column: &'static str, system: &str, value: &str) -> Result<Identifier, Unusable> {
    let invalid = |reason| Unusable::Invalid { column, reason };
    Ok(Identifier { system: system.parse().map_err(invalid)?, value: value.parse().map_err(invalid)? })
}

fn address(row: &Row) -> Option<Address> {
    let part = |column| row.get(column).map(String::from);
    let parts = [part("ADDRESS"), part("CITY"), part("STATE"), part("ZIP")];
    if parts.iter().all(Option::is_none) {
        return None;
    }
    let [line, city, state, postal_code] = parts;
    Some(Address { line, city, state, postal_code, country: COUNTRY })
}

fn gender(code: &str) -> Result<&'static str, Unusable> {
    match code {
        "M" => Ok("male"),
        "F" => Ok("female"),
        _ => Err(Unusable::Unreadable { column: "GENDER", expected: "M or F", value: code.into() }),
    }
}

fn date(column: &'static str, text: &str) -> Result<NaiveDate, Unusable> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| Unusable::Unreadable {
        column,
        expected: "a date such as 1980-12-31",
        value: text.into(),
    })
}

/// RFC 3339, and the form without seconds that the data dictionary shows.
pub fn time(column: &'static str, text: &str) -> Result<DateTime<Utc>, Unusable> {
    let exact = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    let to_the_minute = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%MZ").map(|time| time.and_utc());
    exact.or_else(|_| to_the_minute()).map_err(|_| Unusable::Unreadable {
        column,
        expected: "a time such as 2020-12-31T23:59:59Z",
        value: text.into(),
    })
}

/// A number of the North American Numbering Plan as E.164: ten digits, of which area code and exchange begin
/// with 2 to 9, whatever stands between them; a leading 1 is the country code.
fn us_phone(text: &str) -> Option<Phone> {
    let separators = |c: char| matches!(c, ' ' | '-' | '.' | '(' | ')' | '+');
    let digits: String = text.chars().filter(|c| !separators(*c)).collect();
    let national = if digits.len() == 11 { digits.strip_prefix('1')? } else { &digits };
    let right = national.len() == 10
        && national.bytes().all(|digit| digit.is_ascii_digit())
        && [0, 3].into_iter().all(|at| national.as_bytes().get(at).is_some_and(|digit| *digit >= b'2'));
    if right { format!("+1{national}").parse().ok() } else { None }
}

/// No column says what an organisation is, so its name does; the first line that has a word of it decides. What
/// no line knows is one of the practices, which are the most.
const KINDS: &[(&str, &[&str])] = &[
    ("clinic", &["URGENT CARE", "WALK-IN", "WALK IN", "CLINIC", "MEDICAL GROUP"]),
    (
        "site",
        &[
            "HOME HEALTH",
            "HOSPICE",
            "SNF",
            "CONVALESCENT",
            "POST ACUTE",
            "POSTACUTE",
            "SANITARIUM",
            "REHABILITATION",
            "NURSING",
            "CARE CENTER",
        ],
    ),
    ("hospital", &["HOSPITAL", "MEDICAL CENTER", "MEDICAL CTR", "MED CENTER", "MED CTR"]),
];

fn department_kind(name: &str) -> &'static str {
    let name = name.to_uppercase();
    let line = KINDS.iter().find(|(_, words)| words.iter().any(|word| name.contains(word)));
    line.map_or("clinic", |(kind, _)| kind)
}

#[cfg(test)]
mod tests;
