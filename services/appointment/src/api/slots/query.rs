//! What is asked of `GET /slots`.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::web::Query;
use actix_web::{FromRequest, HttpRequest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hms_model::id::{AppointmentTypeId, DepartmentId, PractitionerId, ScheduleId};
use hms_problem::{Code, Problem};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::domain::Moment;
use crate::store::plan::Search;

const PAGE_SIZE: usize = 25;
const LARGEST_PAGE: usize = 100;
const NAMES: [&str; 9] = [
    "practitioner_id",
    "specialty",
    "department_id",
    "appointment_type_id",
    "from",
    "to",
    "first",
    "page_size",
    "cursor",
];

/// What stands in the query; for the documentation.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its shape matters")]
pub struct SlotParams {
    /// With whom.
    practitioner_id: Option<PractitionerId>,
    /// With somebody who is trained in this.
    specialty: Option<String>,
    /// Where.
    department_id: Option<DepartmentId>,
    /// What for: its length, its rooms and its equipment.
    appointment_type_id: Option<AppointmentTypeId>,
    /// Slots that begin from this moment on; now unless it is said.
    from: Option<DateTime<Utc>>,
    /// Slots that begin before this moment; two weeks later unless it is said, 62 days at most.
    to: Option<DateTime<Utc>>,
    /// Only the first free slot of each practitioner.
    first: Option<bool>,
    /// How many on a page, 1 to 100 (25).
    page_size: Option<u32>,
    /// As `next` of the page before has it.
    cursor: Option<String>,
}

/// The last slot of the page before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Its start, in microseconds since 1970.
    pub start: i64,
    /// Its schedule.
    pub schedule: Uuid,
}

impl Cursor {
    /// The cursor after a slot.
    pub fn after(start: DateTime<Utc>, schedule: ScheduleId) -> Self {
        Self { start: start.timestamp_micros(), schedule: schedule.uuid() }
    }

    /// As it stands in a link.
    pub fn text(self) -> String {
        let mut bytes = self.start.to_be_bytes().to_vec();
        bytes.extend(self.schedule.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let (start, schedule) = bytes.split_first_chunk::<8>()?;
            let start = i64::from_be_bytes(*start);
            DateTime::from_timestamp_micros(start)?;
            Some(Self { start, schedule: Uuid::from_slice(schedule).ok()? })
        };
        read().ok_or("is none of ours")
    }
}

/// What is asked.
#[derive(Debug, Default, PartialEq)]
pub struct SlotQuery {
    /// Whom and what for.
    pub search: Search,
    /// From.
    pub from: Option<DateTime<Utc>>,
    /// Up to.
    pub to: Option<DateTime<Utc>>,
    /// Only the first of each practitioner.
    pub first: bool,
    /// How many.
    pub size: usize,
    /// After this one.
    pub cursor: Option<Cursor>,
    /// The query without the cursor, as it was sent.
    pub others: String,
}

impl SlotQuery {
    /// Reads a query string; everything in it must be known.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::from_query(text);
        let pairs = pairs.map_err(|_| invalid("query", "is not well formed"))?;
        let others: Vec<_> = text.split('&').filter(|part| !part.starts_with("cursor=")).collect();
        let others = others.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
        let mut query = Self { size: PAGE_SIZE, others, ..Self::default() };
        for (name, value) in pairs.into_inner() {
            query.take(&name, &value)?;
        }
        if query.first && query.cursor.is_some() {
            return Err(invalid("cursor", "the first slots are one page"));
        }
        Ok(query)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        match name {
            "practitioner_id" => self.search.practitioner_id = Some(read(name, value)?),
            "specialty" => self.search.specialty = Some(value.trim().to_owned()),
            "department_id" => self.search.department_id = Some(read(name, value)?),
            "appointment_type_id" => self.search.appointment_type_id = Some(read(name, value)?),
            "from" => self.from = Some(read::<Moment>(name, value)?.0),
            "to" => self.to = Some(read::<Moment>(name, value)?.0),
            "first" => self.first = read(name, value)?,
            "page_size" => {
                let size = value.parse().ok().filter(|size| (1..=LARGEST_PAGE).contains(size));
                self.size =
                    size.ok_or_else(|| invalid(name, &format!("must be a number from 1 to {LARGEST_PAGE}")))?;
            }
            "cursor" if value.is_empty() => self.cursor = None,
            "cursor" => self.cursor = Some(read(name, value)?),
            _ => {
                return Err(Problem::new(Code::UnknownFilter)
                    .message(format!("{name}: no such filter"))
                    .detail("field", name)
                    .detail("known", NAMES.to_vec()));
            }
        }
        Ok(())
    }
}

fn read<T: FromStr<Err: std::fmt::Display>>(name: &str, value: &str) -> Result<T, Problem> {
    value.parse().map_err(|error: T::Err| invalid(name, &error.to_string()))
}

fn invalid(name: &str, reason: &str) -> Problem {
    Problem::field(Code::InvalidRequest, name, reason)
}

impl FromRequest for SlotQuery {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request.query_string()))
    }
}
