//! Records as stories send them: right in all they say, and unlike each other where they must be.

use chrono::{DateTime, Days, SecondsFormat, TimeDelta, Utc};
use hms_model::Clock;
use hms_model::id::Id;
use hms_testkit::PLANTED;
use serde_json::{Value, json};

/// A name that nothing else has.
pub fn unique() -> String {
    Id::<()>::new(Clock::system().now()).uuid().simple().to_string()
}

/// An e-mail address that nobody else has, and that no log may show.
pub fn email(name: &str) -> String {
    format!("{name}.{}@{PLANTED}.example.org", unique())
}

/// A patient.
pub fn patient(given_name: &str, family_name: &str) -> Value {
    json!({
        "given_name": given_name,
        "family_name": family_name,
        "birth_date": "1984-02-29",
        "gender": "female",
        "phone": "+14155552671",
        "email": email("mail"),
        "address": {"line": "1 Main St", "city": "Boston", "postal_code": "02101", "country": "US"},
    })
}

/// A practitioner.
pub fn practitioner(given_name: &str, family_name: &str) -> Value {
    json!({
        "given_name": given_name,
        "family_name": family_name,
        "prefix": "Dr.",
        "gender": "male",
        "specialty": "cardiology",
    })
}

/// A moment on a coming day, at a full minute.
pub fn moment(days: u64, minutes: i64) -> DateTime<Utc> {
    let today = Clock::system().now().date_naive().and_hms_opt(0, 0, 0).unwrap().and_utc();
    today.checked_add_days(Days::new(days)).unwrap() + TimeDelta::minutes(minutes)
}

/// A moment as the API writes it.
pub fn rfc3339(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A booking of half an hour.
pub fn booking(patient_id: &str, practitioner_id: &str, start: DateTime<Utc>) -> Value {
    json!({
        "patient_id": patient_id,
        "practitioner_id": practitioner_id,
        "start": rfc3339(start),
        "end": rfc3339(start + TimeDelta::minutes(30)),
        "reason": "check-up",
    })
}
