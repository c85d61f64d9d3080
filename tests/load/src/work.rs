//! What the load asks for, and what counts as an answer to it.

mod fastapi;
mod hms;

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::ValueEnum;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Full;

use crate::api::{Credentials, JSON};
use crate::connection::Answer;
use crate::hospital::Hospital;

/// Bookings begin on 2030-01-01 at 8:00 UTC (seconds since 1970) …
const FIRST_SLOT: i64 = 1_893_484_800;
/// … and go on for ten years, …
const DAYS: i64 = 3_650;
/// … in each of them eight hours of quarters.
const QUARTERS: i64 = 32;
/// Patients on a page of a list, by default.
const PAGE: usize = 25;

/// A kind of request. The requests of one kind are the same in number and size for every API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A random patient, by id.
    Read,
    /// A random page of 25 of the list of patients, with their count.
    List,
    /// Patients by a part of a name.
    Find,
    /// A booking for a random patient, practitioner and quarter of an hour.
    Book,
    /// A new patient.
    Register,
    /// An invoice of three services, issued at once. HMS alone has these.
    Issue,
    /// A sign-in with a password.
    SignIn,
    /// The next free slots, at random of all or the first one of each practitioner. HMS alone has these.
    Search,
}

/// Whose API is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Speaks {
    /// HMS, through its gateway.
    Hms,
    /// The small stack in `tests/peers/python-stack`.
    Fastapi,
}

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
    speaks: Speaks,
    token: HeaderValue,
    credentials: Option<Credentials>,
    hospital: Arc<Hospital>,
}

impl Work {
    /// Requests of this kind, with this `Authorization`, about those in the hospital.
    pub fn new(kind: Kind, speaks: Speaks, token: HeaderValue, hospital: Hospital) -> Self {
        Self { kind, speaks, token, credentials: None, hospital: Arc::new(hospital) }
    }

    /// The same, for sign-ins of this person.
    #[must_use]
    pub fn signing_in(self, credentials: Credentials) -> Self {
        Self { credentials: Some(credentials), ..self }
    }

    /// The next request.
    pub fn request(&self) -> http::Result<Request<Full<Bytes>>> {
        let hospital = &self.hospital;
        let patient = any_of(&hospital.patients);
        let (start, end) = quarter();
        let booking =
            Booking { patient, practitioner: any_of(&hospital.practitioners), start: &start, end: &end };
        let pages = hospital.patients.len().div_ceil(PAGE).max(1);
        let ask = match self.kind {
            Kind::Read => Ask::Patient(patient),
            Kind::List => Ask::Page(fastrand::usize(1..=pages)),
            Kind::Find => Ask::Named(fastrand::choice(crate::hospital::PARTS).unwrap_or_default()),
            Kind::Book => Ask::Booking(booking),
            Kind::Register => Ask::Registration,
            Kind::Issue => Ask::Invoice(patient),
            Kind::SignIn => Ask::SignIn(self.credentials.as_ref()),
            Kind::Search => Ask::Slots,
        };
        let written = match self.speaks {
            Speaks::Hms => hms::write(ask),
            Speaks::Fastapi => fastapi::write(ask),
        };
        let mut request = Request::builder().uri(written.path);
        if self.kind != Kind::SignIn {
            request = request.header(AUTHORIZATION, self.token.clone());
        }
        for (name, value) in written.headers {
            request = request.header(name, value);
        }
        match written.body {
            None => request.body(Full::default()),
            Some(body) => {
                request.method("POST").header(CONTENT_TYPE, JSON).body(Full::new(Bytes::from(body)))
            }
        }
    }

    /// What an answer means.
    pub fn judge(&self, answer: &Answer) -> Outcome {
        let done = match self.kind {
            Kind::Read | Kind::List | Kind::Find | Kind::SignIn | Kind::Search => StatusCode::OK,
            Kind::Book | Kind::Register | Kind::Issue => StatusCode::CREATED,
        };
        let taken: &[u8] = match self.speaks {
            Speaks::Hms => hms::TAKEN,
            Speaks::Fastapi => fastapi::TAKEN,
        };
        match answer.status {
            status if status == done => Outcome::Done,
            StatusCode::CONFLICT if self.kind == Kind::Book && says(&answer.body, taken) => Outcome::Conflict,
            _ => Outcome::Failed,
        }
    }
}

/// What is asked, in words of neither API.
enum Ask<'a> {
    Patient(&'a str),
    Page(usize),
    Named(&'a str),
    Booking(Booking<'a>),
    Registration,
    Invoice(&'a str),
    SignIn(Option<&'a Credentials>),
    Slots,
}

/// One quarter of an hour with somebody.
struct Booking<'a> {
    patient: &'a str,
    practitioner: &'a str,
    start: &'a str,
    end: &'a str,
}

/// A request in the words of one API; with a body it is a POST.
struct Written {
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl Written {
    fn get(path: impl Into<String>) -> Self {
        Self { path: path.into(), headers: Vec::new(), body: None }
    }

    fn post(path: &str, body: String) -> Self {
        Self { path: path.to_owned(), headers: Vec::new(), body: Some(body) }
    }
}

fn any_of(ids: &[String]) -> &str {
    fastrand::choice(ids).map_or("", String::as_str)
}

/// A family name that nobody else has.
fn new_name() -> String {
    (0..12).map(|_| fastrand::lowercase()).collect()
}

/// A random quarter of an hour, from and up to.
fn quarter() -> (String, String) {
    let offset = fastrand::i64(0..DAYS) * 86_400 + fastrand::i64(0..QUARTERS) * 900;
    let start = DateTime::from_timestamp(FIRST_SLOT + offset, 0).unwrap_or_default();
    let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    (text(start), text(start + TimeDelta::minutes(15)))
}

fn says(body: &[u8], code: &[u8]) -> bool {
    body.windows(code.len()).any(|part| part == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::IDEMPOTENCY_KEY;

    fn work(kind: Kind, speaks: Speaks) -> Work {
        let hospital = Hospital { patients: vec!["ann".into()], practitioners: vec!["7".into()] };
        Work::new(kind, speaks, HeaderValue::from_static("Bearer t"), hospital)
    }

    async fn body(request: Request<Full<Bytes>>) -> serde_json::Value {
        use http_body_util::BodyExt as _;
        serde_json::from_slice(&request.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    #[test]
    fn only_what_was_asked_for_counts_as_done() {
        let taken = r#"{"error":{"code":"SLOT_TAKEN"}}"#;
        let theirs = r#"{"detail":"provider is not free"}"#;
        let cases = [
            (Kind::Read, Speaks::Hms, 200, "", Outcome::Done),
            (Kind::Read, Speaks::Hms, 201, "", Outcome::Failed),
            (Kind::List, Speaks::Fastapi, 200, "", Outcome::Done),
            (Kind::Find, Speaks::Hms, 400, "", Outcome::Failed),
            (Kind::SignIn, Speaks::Hms, 200, "", Outcome::Done),
            (Kind::SignIn, Speaks::Hms, 401, "", Outcome::Failed),
            (Kind::Read, Speaks::Hms, 404, "", Outcome::Failed),
            (Kind::Read, Speaks::Hms, 503, "", Outcome::Failed),
            (Kind::Book, Speaks::Hms, 201, "", Outcome::Done),
            (Kind::Register, Speaks::Hms, 201, "", Outcome::Done),
            (Kind::Register, Speaks::Hms, 409, taken, Outcome::Failed),
            (Kind::Issue, Speaks::Hms, 201, "", Outcome::Done),
            (Kind::Issue, Speaks::Hms, 200, "", Outcome::Failed),
            (Kind::Book, Speaks::Hms, 200, "", Outcome::Failed),
            (Kind::Book, Speaks::Hms, 409, taken, Outcome::Conflict),
            (Kind::Book, Speaks::Fastapi, 409, theirs, Outcome::Conflict),
            (Kind::Book, Speaks::Fastapi, 409, taken, Outcome::Failed),
            (Kind::Book, Speaks::Hms, 409, r#"{"error":{"code":"IDEMPOTENCY_IN_FLIGHT"}}"#, Outcome::Failed),
            (Kind::Read, Speaks::Hms, 409, taken, Outcome::Failed),
        ];
        for (kind, speaks, status, body, outcome) in cases {
            let answer = Answer { status: StatusCode::from_u16(status).unwrap(), body: body.into() };
            assert_eq!(work(kind, speaks).judge(&answer), outcome, "{kind:?} {speaks:?} {status} {body}");
        }
    }

    #[tokio::test]
    async fn a_booking_is_a_quarter_of_an_hour_within_the_working_day() {
        let names = [
            (Speaks::Hms, ["start", "end", "practitioner_id"]),
            (Speaks::Fastapi, ["starts_at", "ends_at", "provider_id"]),
        ];
        for (speaks, [from, until, whom]) in names {
            for _ in 0..200 {
                let body = body(work(Kind::Book, speaks).request().unwrap()).await;
                let time = |name: &str| body[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
                let (start, end) = (time(from), time(until));
                assert_eq!(end - start, TimeDelta::minutes(15));
                let clock = start.format("%H:%M").to_string();
                assert!(("08:00".."16:00").contains(&clock.as_str()), "{start}");
                assert_eq!(body["patient_id"], "ann");
                assert_eq!(body[whom].to_string().trim_matches('"'), "7");
            }
        }
    }

    #[test]
    fn no_two_writes_share_an_idempotency_key() {
        let key = |kind| work(kind, Speaks::Hms).request().unwrap().headers()[IDEMPOTENCY_KEY].clone();
        assert_ne!(key(Kind::Book), key(Kind::Book));
        assert_ne!(key(Kind::Register), key(Kind::Register));
        assert_ne!(key(Kind::Issue), key(Kind::Issue));
    }

    #[test]
    fn a_sign_in_shows_no_token() {
        let request = work(Kind::SignIn, Speaks::Hms).request().unwrap();
        assert!(request.headers().get(AUTHORIZATION).is_none());
    }
}
