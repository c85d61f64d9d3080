//! What the load asks for, and what counts as an answer to it.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::ValueEnum;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Full;

use crate::api::{IDEMPOTENCY_KEY, JSON};
use crate::connection::Answer;
use crate::hospital::Hospital;

/// Bookings begin on 2030-01-01 at 8:00 UTC (seconds since 1970) …
const FIRST_SLOT: i64 = 1_893_484_800;
/// … and go on for ten years, …
const DAYS: i64 = 3_650;
/// … in each of them eight hours of quarters.
const QUARTERS: i64 = 32;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// `GET /api/v1/patients/{id}` of a random patient.
    Read,
    /// `POST /api/v1/appointments` with random patient, practitioner and quarter of an hour, and an idempotency key.
    Book,
    /// `POST /api/v1/patients` of somebody new, with an idempotency key.
    Register,
    /// `GET /api/v1/slots`, at random the next free ones of all or the first one of each practitioner.
    Search,
}

/// What is searched for.
const SEARCHES: [&str; 2] = ["/api/v1/slots", "/api/v1/slots?first=true&page_size=100"];

/// How a request ended, where there was an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it was for.
    Done,
    /// The slot was taken, and the answer said so.
    Conflict,
    /// Anything else.
    Failed,
}

/// A source of requests.
#[derive(Debug, Clone)]
pub struct Work {
    kind: Kind,
    token: HeaderValue,
    hospital: Arc<Hospital>,
}

impl Work {
    /// Requests of this kind, with this `Authorization`, about those in the hospital.
    pub fn new(kind: Kind, token: HeaderValue, hospital: Hospital) -> Self {
        Self { kind, token, hospital: Arc::new(hospital) }
    }

    /// The next request.
    pub fn request(&self) -> http::Result<Request<Full<Bytes>>> {
        let patient = any_of(&self.hospital.patients);
        let request = Request::builder().header(AUTHORIZATION, self.token.clone());
        match self.kind {
            Kind::Read => request.uri(format!("/api/v1/patients/{patient}")).body(Full::default()),
            Kind::Book => {
                let booking = booking(patient, any_of(&self.hospital.practitioners));
                post(request, "/api/v1/appointments", booking)
            }
            Kind::Register => post(request, "/api/v1/patients", person()),
            Kind::Search => {
                let search = fastrand::choice(SEARCHES).unwrap_or_default();
                request.uri(search).body(Full::default())
            }
        }
    }

    /// What an answer means.
    pub fn judge(&self, answer: &Answer) -> Outcome {
        match (self.kind, answer.status) {
            (Kind::Read | Kind::Search, StatusCode::OK)
            | (Kind::Book | Kind::Register, StatusCode::CREATED) => Outcome::Done,
            (Kind::Book, StatusCode::CONFLICT) if says(&answer.body, b"\"SLOT_TAKEN\"") => Outcome::Conflict,
            _ => Outcome::Failed,
        }
    }
}

fn post(request: http::request::Builder, path: &str, body: String) -> http::Result<Request<Full<Bytes>>> {
    let request = request.method("POST").uri(path).header(CONTENT_TYPE, JSON);
    request.header(IDEMPOTENCY_KEY, format!("{:032x}", fastrand::u128(..))).body(Full::new(body.into()))
}

fn person() -> String {
    let name: String = (0..12).map(|_| fastrand::lowercase()).collect();
    format!(r#"{{"given_name":"Ann","family_name":"{name}","birth_date":"1980-01-01","gender":"female"}}"#)
}

fn any_of(ids: &[String]) -> &str {
    fastrand::choice(ids).map_or("", String::as_str)
}

fn booking(patient: &str, practitioner: &str) -> String {
    let offset = fastrand::i64(0..DAYS) * 86_400 + fastrand::i64(0..QUARTERS) * 900;
    let start = DateTime::from_timestamp(FIRST_SLOT + offset, 0).unwrap_or_default();
    let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!(
        r#"{{"patient_id":"{patient}","practitioner_id":"{practitioner}","start":"{}","end":"{}","reason":"check-up"}}"#,
        text(start),
        text(start + TimeDelta::minutes(15)),
    )
}

fn says(body: &[u8], code: &[u8]) -> bool {
    body.windows(code.len()).any(|part| part == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(kind: Kind) -> Work {
        let hospital = Hospital { patients: vec!["ann".into()], practitioners: vec!["noor".into()] };
        Work::new(kind, HeaderValue::from_static("Bearer t"), hospital)
    }

    #[test]
    fn only_what_was_asked_for_counts_as_done() {
        let cases = [
            (Kind::Read, 200, "", Outcome::Done),
            (Kind::Read, 201, "", Outcome::Failed),
            (Kind::Read, 404, "", Outcome::Failed),
            (Kind::Read, 503, "", Outcome::Failed),
            (Kind::Book, 201, "", Outcome::Done),
            (Kind::Register, 201, "", Outcome::Done),
            (Kind::Register, 409, r#"{"error":{"code":"SLOT_TAKEN"}}"#, Outcome::Failed),
            (Kind::Book, 200, "", Outcome::Failed),
            (Kind::Book, 409, r#"{"error":{"code":"SLOT_TAKEN"}}"#, Outcome::Conflict),
            (Kind::Book, 409, r#"{"error":{"code":"IDEMPOTENCY_IN_FLIGHT"}}"#, Outcome::Failed),
            (Kind::Read, 409, r#"{"error":{"code":"SLOT_TAKEN"}}"#, Outcome::Failed),
        ];
        for (kind, status, body, outcome) in cases {
            let answer = Answer { status: StatusCode::from_u16(status).unwrap(), body: body.into() };
            assert_eq!(work(kind).judge(&answer), outcome, "{kind:?} {status} {body}");
        }
    }

    #[test]
    fn a_booking_is_a_quarter_of_an_hour_within_the_working_day() {
        for _ in 0..200 {
            let body: serde_json::Value = serde_json::from_str(&booking("ann", "noor")).unwrap();
            let time = |name: &str| body[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
            let (start, end) = (time("start"), time("end"));
            assert_eq!(end - start, TimeDelta::minutes(15));
            let clock = start.format("%H:%M").to_string();
            assert!(("08:00".."16:00").contains(&clock.as_str()), "{start}");
            assert_eq!((&body["patient_id"], &body["practitioner_id"]), (&"ann".into(), &"noor".into()));
        }
    }

    #[test]
    fn no_two_writes_share_an_idempotency_key() {
        let key = |kind| work(kind).request().unwrap().headers()[IDEMPOTENCY_KEY].clone();
        assert_ne!(key(Kind::Book), key(Kind::Book));
        assert_ne!(key(Kind::Register), key(Kind::Register));
    }
}
