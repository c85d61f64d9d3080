//! The hospital that the load is put on: its patients and practitioners.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use http::StatusCode;
use serde_json::{Value, json};

use crate::api::Api;

/// How many patients it has; one page of the list.
const PATIENTS: u32 = 100;
/// How many practitioners it has.
const PRACTITIONERS: u32 = 50;
/// How long the news of a patient may take to the appointment service.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait before it is asked again.
const PAUSE: Duration = Duration::from_millis(50);

/// The ids of those who are there.
#[derive(Debug, Clone)]
pub struct Hospital {
    /// All patients.
    pub patients: Vec<String>,
    /// All practitioners.
    pub practitioners: Vec<String>,
}

impl Hospital {
    /// Makes all of them, as far as they are not there, and books something for each, so that every service knows
    /// them when this returns.
    pub async fn fill(api: &mut Api) -> anyhow::Result<Self> {
        let mut hospital = Self { patients: Vec::new(), practitioners: Vec::new() };
        for number in 0..PRACTITIONERS {
            hospital.practitioners.push(make(api, "practitioners", number, &practitioner(number)).await?);
        }
        for number in 0..PATIENTS {
            hospital.patients.push(make(api, "patients", number, &patient(number)).await?);
        }
        let practitioners = hospital.practitioners.iter().cycle();
        for (number, (patient, practitioner)) in hospital.patients.iter().zip(practitioners).enumerate() {
            first_visit(api, number, patient, practitioner).await?;
        }
        Ok(hospital)
    }

    /// Those who are there.
    pub async fn open(api: &mut Api) -> anyhow::Result<Self> {
        let patients = ids(&api.get("/api/v1/patients?page_size=100").await?)?;
        let practitioners = ids(&api.get("/api/v1/practitioners?page_size=100").await?)?;
        ensure!(!patients.is_empty() && !practitioners.is_empty(), "the hospital is empty: fill it first");
        Ok(Self { patients, practitioners })
    }
}

fn patient(number: u32) -> Value {
    json!({
        "given_name": format!("Ann {number}"), "family_name": "Beach", "birth_date": "1990-05-17", "gender": "female",
        "phone": "+4930123456", "email": format!("ann.beach.{number}@example.org"),
        "address": {"line": "1 Harbour Street", "city": "Kochi", "postal_code": "682001", "country": "IN"},
    })
}

fn practitioner(number: u32) -> Value {
    json!({"given_name": format!("Noor {number}"), "family_name": "Haddad", "specialty": "cardiology"})
}

async fn make(api: &mut Api, resource: &str, number: u32, body: &Value) -> anyhow::Result<String> {
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
    let begun = Instant::now();
    loop {
        let (status, answer) =
            api.post("/api/v1/appointments", &format!("load-visit-{number}"), &body).await?;
        let unknown = answer.pointer("/error/code").is_some_and(|code| code == "UNKNOWN_REFERENCE");
        match status {
            StatusCode::CREATED => return Ok(()),
            _ if unknown && begun.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            _ => bail!("a first visit was answered with {status}: {answer}"),
        }
    }
}

fn ids(page: &Value) -> anyhow::Result<Vec<String>> {
    let results = page.get("results").and_then(Value::as_array).context("the list has no results")?;
    results.iter().map(id).collect()
}

fn id(record: &Value) -> anyhow::Result<String> {
    let id = record.get("id").and_then(Value::as_str);
    id.map(str::to_owned).context("the record has no id")
}
