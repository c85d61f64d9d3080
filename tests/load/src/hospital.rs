//! The hospital that the load is put on: its patients and practitioners.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures_util::future::try_join_all;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Api;

/// Who signs in at the small stack in `tests/peers/python-stack`.
pub const FASTAPI_DOCTOR: (&str, &str) = ("doctor", "secret-password-1");
/// Parts of names that are searched for; each is in the family name of one patient in twenty.
pub const PARTS: [&str; 20] = [
    "nair", "meno", "silv", "smit", "wang", "khan", "ivan", "garc", "tana", "mens", "schm", "hadd", "shar",
    "lars", "pill", "faro", "nova", "zhan", "lope", "demi",
];
pub(crate) const GIVEN: [&str; 20] = [
    "Asha", "Ravi", "Maria", "John", "Chen", "Fatima", "Olga", "Pedro", "Aiko", "Kwame", "Lena", "Omar",
    "Priya", "Sven", "Tara", "Umar", "Vera", "Wei", "Ximena", "Yusuf",
];
pub(crate) const FAMILY: [&str; 20] = [
    "Nair", "Menon", "Silva", "Smith", "Wang", "Khan", "Ivanova", "Garcia", "Tanaka", "Mensah", "Schmidt",
    "Haddad", "Sharma", "Larsson", "Pillai", "Farooq", "Novak", "Zhang", "Lopez", "Demir",
];
/// How many connections fill it.
const HANDS: usize = 16;
/// How many of them are seen once, so that every service knows them.
const VISITS: usize = 100;
/// How long the news of a patient may take to another service.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long to wait before it is asked again.
const PAUSE: Duration = Duration::from_millis(50);

/// How large a hospital is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// How many patients it has.
    pub patients: usize,
    /// How many practitioners.
    pub practitioners: usize,
}

/// The ids of those who are there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hospital {
    /// All patients.
    pub patients: Vec<String>,
    /// All practitioners.
    pub practitioners: Vec<String>,
}

impl Hospital {
    /// Makes all of them, as far as they are not there, books something for the last ones and drafts an invoice for the
    /// very last, so that every service knows them when this returns.
    pub async fn fill(api: &Api, gateway: SocketAddr, size: Size) -> anyhow::Result<Self> {
        let hospital = Self {
            practitioners: make_all(api, gateway, "practitioners", size.practitioners, practitioner).await?,
            patients: make_all(api, gateway, "patients", size.patients, patient).await?,
        };
        let mut api = api.again(gateway).await?;
        let practitioners = hospital.practitioners.iter().rev().cycle();
        let seen = hospital.patients.iter().rev().take(VISITS).zip(practitioners);
        for (number, (patient, practitioner)) in seen.enumerate() {
            first_visit(&mut api, number, patient, practitioner).await?;
        }
        if let Some(last) = hospital.patients.last() {
            first_invoice(&mut api, last).await?;
        }
        Ok(hospital)
    }

    /// Those who are there.
    pub async fn open(api: &mut Api) -> anyhow::Result<Self> {
        let patients = all_ids(api, "patients").await?;
        let practitioners = all_ids(api, "practitioners").await?;
        ensure!(!patients.is_empty() && !practitioners.is_empty(), "the hospital is empty: fill it first");
        Ok(Self { patients, practitioners })
    }

    /// The same, as they stand in this file; where it is not there, they are looked up and written into it. A list of all costs
    /// the services more than some hundred requests, which would be taken for those of the load.
    pub async fn known(api: &mut Api, file: &Path) -> anyhow::Result<Self> {
        if file.exists() {
            return Ok(serde_json::from_slice(&std::fs::read(file)?)?);
        }
        let hospital = Self::open(api).await?;
        std::fs::write(file, serde_json::to_vec(&hospital)?)?;
        Ok(hospital)
    }

    /// Those whom `seed.py` of the small stack has made.
    pub fn of_fastapi(size: Size) -> Self {
        let patient = |number| format!("00000000-0000-0000-0000-{number:012}");
        Self {
            patients: (1..=size.patients).map(patient).collect(),
            practitioners: (1..=size.practitioners).map(|number| number.to_string()).collect(),
        }
    }
}

/// The patient of this number; names are spread alike at every size.
fn patient(number: usize) -> Value {
    let pick = |names: [&'static str; 20], at: usize| names.get(at % 20).copied().unwrap_or_default();
    let letter = |at: usize| char::from(u8::try_from(at % 26).unwrap_or_default() + b'a');
    let family = format!("{}{}{}", pick(FAMILY, number / 20), letter(number * 7), letter(number * 11));
    json!({
        "given_name": pick(GIVEN, number), "family_name": family, "birth_date": "1990-05-17",
        "gender": if number.is_multiple_of(2) { "female" } else { "male" },
        "phone": "+4930123456", "email": format!("patient.{number}@example.org"),
        "address": {"line": format!("{number} Harbour Street"), "city": "Kochi", "postal_code": "682001", "country": "IN"},
    })
}

fn practitioner(number: usize) -> Value {
    json!({"given_name": format!("Noor {number}"), "family_name": "Haddad", "specialty": "cardiology"})
}

/// Makes those from 0 up to `count`, over several connections; their ids in order.
async fn make_all(
    api: &Api,
    gateway: SocketAddr,
    resource: &str,
    count: usize,
    body: fn(usize) -> Value,
) -> anyhow::Result<Vec<String>> {
    let hands = (0..HANDS).map(|hand| async move {
        let mut api = api.again(gateway).await?;
        let mut made = Vec::new();
        for number in (hand..count).step_by(HANDS) {
            made.push((number, make(&mut api, resource, number, &body(number)).await?));
        }
        anyhow::Ok(made)
    });
    let mut made: Vec<_> = try_join_all(hands).await?.into_iter().flatten().collect();
    made.sort_unstable();
    Ok(made.into_iter().map(|(_, id)| id).collect())
}

async fn make(api: &mut Api, resource: &str, number: usize, body: &Value) -> anyhow::Result<String> {
    let key = format!("load-{resource}-{number}");
    let (status, answer) = api.post(&format!("/api/v1/{resource}"), &key, body).await?;
    ensure!(status == StatusCode::CREATED, "one of the {resource} was answered with {status}: {answer}");
    id(&answer)
}

/// An hour of the year before the one that the load books in.
async fn first_visit(api: &mut Api, number: usize, patient: &str, practitioner: &str) -> anyhow::Result<()> {
    let (day, hour) = (number / 10 + 1, number % 10 + 8);
    let body = json!({
        "patient_id": patient, "practitioner_id": practitioner,
        "start": format!("2029-01-{day:02}T{hour:02}:00:00Z"), "end": format!("2029-01-{day:02}T{hour:02}:30:00Z"),
    });
    once_known(api, "/api/v1/appointments", &format!("load-visit-{number}"), &body).await?;
    Ok(())
}

/// A draft, which nobody owes.
async fn first_invoice(api: &mut Api, patient: &str) -> anyhow::Result<()> {
    let body = json!({"patient_id": patient, "currency": "EUR", "lines": []});
    once_known(api, "/api/v1/billing/invoices", "load-invoice", &body).await?;
    Ok(())
}

/// Makes something of which a service has not heard yet, perhaps, whom it is about: asks until it has. Its id.
pub(crate) async fn once_known(api: &mut Api, path: &str, key: &str, body: &Value) -> anyhow::Result<String> {
    let begun = Instant::now();
    loop {
        let (status, answer) = api.post(path, key, body).await?;
        let unknown = answer.pointer("/error/code").is_some_and(|code| code == "UNKNOWN_REFERENCE");
        match status {
            StatusCode::CREATED => return id(&answer),
            _ if unknown && begun.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            _ => bail!("POST {path} was answered with {status}: {answer}"),
        }
    }
}

/// The ids of all, page by page.
async fn all_ids(api: &mut Api, resource: &str) -> anyhow::Result<Vec<String>> {
    let mut all = Vec::new();
    let mut next = Some(format!("/api/v1/{resource}?cursor=&page_size=100"));
    while let Some(path) = next {
        let page = api.get(&path).await?;
        all.extend(ids(&page)?);
        next = page.get("next").and_then(Value::as_str).map(str::to_owned);
    }
    Ok(all)
}

fn ids(page: &Value) -> anyhow::Result<Vec<String>> {
    let results = page.get("results").and_then(Value::as_array).context("the list has no results")?;
    results.iter().map(id).collect()
}

pub(crate) fn id(record: &Value) -> anyhow::Result<String> {
    let id = record.get("id").and_then(Value::as_str);
    id.map(str::to_owned).context("the record has no id")
}
