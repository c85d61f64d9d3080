//! What a decision about a practitioner's time needs, and what a search for free slots goes through.

use chrono::Days;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use hms_db::{Code, Db, Key, LockExt, MultiBackend, Result};
use hms_model::TimeSlot;
use hms_model::id::{AppointmentTypeId, DepartmentId, PractitionerId};

use super::{holidays, resources as rooms, schedules as times, types};
use crate::domain::{AppointmentType, Ask, Plan, Resource, Schedule};
use crate::schema::{practitioners, resources, schedules};

/// The plan of a practitioner for what is asked. Holds the rows of the rooms and equipment that come into question, in
/// the order of their ids; the row of the practitioner is held already.
pub fn of(db: &mut Db, ask: &Ask, window: TimeSlot) -> Result<Plan> {
    let rows: Vec<times::Row> = schedules::table
        .filter(schedules::practitioner_id.eq(Key::from(ask.practitioner_id)))
        .filter(schedules::active)
        .order(schedules::id.asc())
        .select(times::Row::as_select())
        .load(db)?;
    let schedules = rows.into_iter().map(Schedule::try_from).collect::<Result<Vec<_>>>()?;
    let kind = match ask.appointment_type_id {
        Some(id) => types::find(db, id).map(Some).or_else(none)?,
        None => None,
    };
    let mut departments: Vec<_> = schedules.iter().map(|schedule| schedule.details.department_id).collect();
    departments.extend(ask.department_id);
    let named = resources::id.eq_any(keys(&ask.resource_ids));
    let resources =
        candidates(db, kind.as_ref(), &departments, Box::new(named), !ask.resource_ids.is_empty(), true)?;
    let holidays = if schedules.is_empty() { Vec::new() } else { around(db, window)? };
    Ok(Plan { schedules, kind, holidays, resources })
}

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Search {
    /// With whom.
    pub practitioner_id: Option<PractitionerId>,
    /// With somebody who is trained in this.
    pub specialty: Option<String>,
    /// Where.
    pub department_id: Option<DepartmentId>,
    /// What for.
    pub appointment_type_id: Option<AppointmentTypeId>,
}

/// The schedules in use that a search goes through, of practitioners who work here at present.
pub fn searched(db: &mut Db, search: &Search, window: TimeSlot) -> Result<Plan> {
    let mut query = schedules::table
        .inner_join(practitioners::table.on(practitioners::id.eq(schedules::practitioner_id)))
        .filter(schedules::active)
        .filter(practitioners::active)
        .into_boxed();
    if let Some(id) = search.practitioner_id {
        query = query.filter(schedules::practitioner_id.eq(Key::from(id)));
    }
    if let Some(specialty) = search.specialty.clone() {
        query = query.filter(practitioners::specialty.eq(Some(specialty)));
    }
    if let Some(id) = search.department_id {
        query = query.filter(schedules::department_id.eq(Key::from(id)));
    }
    let rows: Vec<times::Row> = query.order(schedules::id.asc()).select(times::Row::as_select()).load(db)?;
    let schedules = rows.into_iter().map(Schedule::try_from).collect::<Result<Vec<_>>>()?;
    let kind = search.appointment_type_id.map(|id| types::find(db, id)).transpose()?;
    let departments: Vec<_> = schedules.iter().map(|schedule| schedule.details.department_id).collect();
    let none = resources::id.eq_any(Vec::<Key>::new());
    let resources = candidates(db, kind.as_ref(), &departments, Box::new(none), false, false)?;
    let holidays = around(db, window)?;
    Ok(Plan { schedules, kind, holidays, resources })
}

type Condition = Box<dyn BoxableExpression<resources::table, MultiBackend, SqlType = Bool>>;

/// The rooms and equipment that a type needs at these places, and those that are named.
fn candidates(
    db: &mut Db,
    kind: Option<&AppointmentType>,
    departments: &[DepartmentId],
    named: Condition,
    any_named: bool,
    hold: bool,
) -> Result<Vec<Resource>> {
    let needs = kind.map_or(&[][..], |kind| &kind.details.needs);
    if needs.is_empty() && !any_named {
        return Ok(Vec::new());
    }
    let needed = needs.iter().fold(named, |all: Condition, need| {
        let serves = resources::category
            .eq(need.category.to_string())
            .and(resources::kind.eq(Code(need.kind)))
            .and(resources::department_id.eq_any(keys(departments)));
        Box::new(all.or(serves))
    });
    let query = resources::table.filter(needed).order(resources::id.asc()).select(rooms::Row::as_select());
    let rows: Vec<rooms::Row> = if hold { query.lock(db).get_results(db)? } else { query.load(db)? };
    rows.into_iter().map(Resource::try_from).collect()
}

fn keys<K>(ids: &[hms_model::id::Id<K>]) -> Vec<Key> {
    ids.iter().map(|id| Key::from(*id)).collect()
}

/// A local day lies within a day and a half around the same day in UTC.
fn around(db: &mut Db, window: TimeSlot) -> Result<Vec<crate::domain::Holiday>> {
    let (first, last) = (window.start().date_naive(), window.end().date_naive());
    let margin = Days::new(2);
    let from = first.checked_sub_days(margin).unwrap_or(first);
    holidays::between(db, from, last.checked_add_days(margin).unwrap_or(last))
}

fn none<T>(error: hms_db::Error) -> Result<Option<T>> {
    match error {
        hms_db::Error::NotFound => Ok(None),
        other => Err(other),
    }
}
