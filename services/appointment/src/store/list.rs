//! Lists of appointments.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use hms_api::{Cmp, List, Page, list_filters};
use hms_care::{Carer, Sight, in_care};
use hms_db::{At, Code, Db, Key, MultiBackend, compare, like_pattern, lower};
use hms_model::id::{DepartmentId, PatientId, PractitionerId};
use hms_model::role::Reach;
use hms_model::{Identifier, Invalid};

use super::appointments::Row;
use crate::domain::{Appointment, Moment, Status};
use crate::schema::{appointment_identifiers, appointments};

list_filters! {
    /// What `GET /appointments` can be filtered and ordered by.
    pub struct AppointmentFilters {
        patient_id: PatientId = Set,
        practitioner_id: PractitionerId = Set,
        department_id: DepartmentId = Set,
        status: Status = Set,
        start: Moment = Range,
        end: Moment = Range,
        identifier: Token = Set,
    }
    search: Some("reason and description"),
    ordering: ["start", "created_at"],
}

/// An identifier as a filter has it: `system|value` (FHIR search, token).
#[derive(Debug, Clone, PartialEq)]
pub struct Token(Identifier);

impl FromStr for Token {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (system, value) = text.split_once('|').ok_or_else(|| Invalid("must be system|value".into()))?;
        Ok(Self(Identifier { system: system.parse()?, value: value.parse()? }))
    }
}

type Query<'a> = appointments::BoxedQuery<'a, MultiBackend>;
type Condition = Box<dyn BoxableExpression<appointments::table, MultiBackend, SqlType = Bool>>;

/// One page of the appointments that the caller may see; hidden ones are in no list.
pub fn list(
    db: &mut Db,
    list: &List<AppointmentFilters>,
    sight: &Sight,
    now: DateTime<Utc>,
) -> hms_db::Result<Page<Appointment>> {
    let (reach, carer) = (sight.reach(), sight.carer(db)?);
    let carer = carer.as_ref();
    super::paged!(db, list, Row => Appointment, visible(list, reach, carer, now), appointments::id, {
        "start" => appointments::start_at,
        "created_at" => appointments::created_at,
    })
}

fn visible<'a>(
    list: &List<AppointmentFilters>,
    reach: Reach,
    carer: Option<&Carer>,
    now: DateTime<Utc>,
) -> Query<'a> {
    let mut query = appointments::table.filter(appointments::deleted_at.is_null()).into_boxed();
    query = match reach {
        Reach::Everyone => query,
        // Whoever is no patient owns none: nothing is equal to null.
        Reach::Own { patient_id, .. } => {
            query.filter(appointments::patient_id.nullable().eq(patient_id.map(Key::from)))
        }
        Reach::Department { department_id } => {
            query.filter(appointments::department_id.eq(Some(Key::from(department_id))))
        }
    };
    if let Some(carer) = carer {
        query = query.filter(in_care!(appointments::patient_id, carer, now));
    }
    searched(filtered(query, &list.filters), list.search.as_deref())
}

fn filtered<'a>(query: Query<'a>, filters: &AppointmentFilters) -> Query<'a> {
    let query = compare!(query, appointments::patient_id, &filters.patient_id, |id| Key::from(id));
    let query = compare!(query, appointments::practitioner_id, &filters.practitioner_id, |id| Key::from(id));
    let query =
        compare!(query, appointments::department_id, &filters.department_id, |id| Some(Key::from(id)));
    let query = compare!(query, appointments::status, &filters.status, |status| Code(status));
    let query = compare!(query, appointments::start_at, &filters.start, |at| At::from(at.0));
    let query = compare!(query, appointments::end_at, &filters.end, |at| At::from(at.0));
    identified(query, &filters.identifier)
}

fn identified<'a>(mut query: Query<'a>, filter: &Cmp<Token>) -> Query<'a> {
    for wanted in [filter.eq.clone().map(|token| vec![token]), filter.r#in.clone()].into_iter().flatten() {
        let one_of = wanted.into_iter().map(bears).reduce(|one, other| Box::new(one.or(other)));
        if let Some(one_of) = one_of {
            query = query.filter(one_of);
        }
    }
    query
}

fn bears(Token(Identifier { system, value }): Token) -> Condition {
    let found = appointment_identifiers::table
        .filter(appointment_identifiers::system.eq(String::from(system)))
        .filter(appointment_identifiers::value.eq(String::from(value)))
        .select(appointment_identifiers::appointment_id);
    Box::new(appointments::id.eq_any(found))
}

fn searched<'a>(query: Query<'a>, text: Option<&str>) -> Query<'a> {
    let Some(text) = text else { return query };
    let pattern = like_pattern(text);
    query.filter(
        lower(appointments::reason)
            .like(pattern.clone())
            .escape('\\')
            .or(lower(appointments::description).like(pattern).escape('\\')),
    )
}
