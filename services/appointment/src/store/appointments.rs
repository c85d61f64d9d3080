//! The appointments themselves.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_care::{Sight, in_care};
use hms_db::{At, Code, Db, Error, Json, KeepExt, Key, LockExt, Result};
use hms_model::id::{AppointmentId, DepartmentId, PractitionerId, ResourceId, SeriesId};
use hms_model::{Coded, Identifier, TimeSlot};

use super::occupancy as taken;
use super::{identifiers, json, place, read_json, unreadable};
use crate::domain::{Appointment, Known, Owner, Practitioner, Question, Status};
use crate::schema::{appointments, departments, occupancy, patients, practitioners, schedules};

/// The most appointments that a calendar shows.
const MOST_SHOWN: i64 = 20_000;

/// A row; `deleted_at` and the generated `blocking` are for the database to look at. An INSERT of it has one text,
/// whatever is given: no column that may be null has another default.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = appointments, treat_none_as_default_value = false)]
pub(super) struct Row {
    pub id: Key,
    patient_id: Key,
    practitioner_id: Key,
    department_id: Option<Key>,
    start_at: At,
    end_at: At,
    status: Code<Status>,
    reason: Option<String>,
    description: Option<String>,
    cancellation_reason: Option<String>,
    identifiers: Json,
    version: i64,
    created_at: At,
    updated_at: At,
    appointment_type_id: Option<Key>,
    series_id: Option<Key>,
    zone: Option<String>,
    resource_ids: Json,
    overbook_reason: Option<String>,
    late_cancellation: bool,
    busy_start: Option<At>,
    busy_end: Option<At>,
    session_id: Option<Key>,
    seat: i64,
    seats: i64,
}

impl TryFrom<&Appointment> for Row {
    type Error = Error;

    fn try_from(appointment: &Appointment) -> Result<Self> {
        let appointment = appointment.clone();
        Ok(Self {
            id: appointment.id.into(),
            patient_id: appointment.patient_id.into(),
            practitioner_id: appointment.practitioner_id.into(),
            department_id: appointment.department_id.map(Key::from),
            start_at: appointment.start.into(),
            end_at: appointment.end.into(),
            status: appointment.status.into(),
            reason: appointment.reason.map(String::from),
            description: appointment.description.map(String::from),
            cancellation_reason: appointment.cancellation_reason.map(String::from),
            identifiers: json(&appointment.identifiers)?,
            version: appointment.version,
            created_at: appointment.created_at.into(),
            updated_at: appointment.updated_at.into(),
            appointment_type_id: appointment.appointment_type_id.map(Key::from),
            series_id: appointment.series_id.map(Key::from),
            zone: appointment.zone.map(String::from),
            resource_ids: json(&appointment.resource_ids)?,
            overbook_reason: appointment.overbook_reason.map(String::from),
            late_cancellation: appointment.late_cancellation,
            busy_start: appointment.place.busy.map(|busy| busy.start().into()),
            busy_end: appointment.place.busy.map(|busy| busy.end().into()),
            session_id: appointment.place.session.map(Key),
            seat: appointment.place.seat,
            seats: appointment.place.seats,
        })
    }
}

impl TryFrom<Row> for Appointment {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            patient_id: row.patient_id.into(),
            practitioner_id: row.practitioner_id.into(),
            department_id: row.department_id.map(Into::into),
            start: row.start_at.into(),
            end: row.end_at.into(),
            status: row.status.0,
            reason: row.reason.map(TryInto::try_into).transpose().map_err(unreadable)?,
            description: row.description.map(TryInto::try_into).transpose().map_err(unreadable)?,
            cancellation_reason: row
                .cancellation_reason
                .map(TryInto::try_into)
                .transpose()
                .map_err(unreadable)?,
            identifiers: read_json(row.identifiers)?,
            version: row.version,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            appointment_type_id: row.appointment_type_id.map(Into::into),
            series_id: row.series_id.map(Into::into),
            zone: row.zone.map(TryInto::try_into).transpose().map_err(unreadable)?,
            resource_ids: read_json(row.resource_ids)?,
            overbook_reason: row.overbook_reason.map(TryInto::try_into).transpose().map_err(unreadable)?,
            late_cancellation: row.late_cancellation,
            place: place(row.busy_start, row.busy_end, row.session_id, row.seat, row.seats),
        })
    }
}

/// The appointment of this id, unless it is hidden.
pub fn find(db: &mut Db, id: AppointmentId) -> Result<Appointment> {
    let row: Row = appointments::table
        .find(Key::from(id))
        .filter(appointments::deleted_at.is_null())
        .select(Row::as_select())
        .first(db)?;
    row.try_into()
}

/// An appointment that nobody else can change until the unit of work ends.
#[derive(Debug)]
pub struct Held {
    /// The appointment.
    pub appointment: Appointment,
    /// The name of its practitioner, for messages.
    pub practitioner_name: String,
}

/// Holds an appointment and the row of its practitioner. Whoever takes or frees a practitioner's time holds that
/// row: hence a change never waits within the exclusion constraint, where two could wait for each other.
pub fn hold(db: &mut Db, id: AppointmentId) -> Result<Held> {
    let query = appointments::table
        .inner_join(practitioners::table.on(practitioners::id.eq(appointments::practitioner_id)))
        .filter(appointments::id.eq(Key::from(id)))
        .filter(appointments::deleted_at.is_null())
        .select((Row::as_select(), practitioners::name))
        .lock(db);
    let (row, practitioner_name): (Row, String) = query.get_result(db)?;
    Ok(Held { appointment: row.try_into()?, practitioner_name })
}

/// What is known of those that an appointment names and of the time it asks for, in one round trip, and who has the
/// identifiers. Holds the row of the practitioner: of two who ask for one time the second waits until the first is
/// done.
///
/// On PostgreSQL the second then still sees the calendar as it was when its statement began (only the row it waited
/// for is read anew). What came in between, the exclusion constraint finds: at once, for it is committed by then.
pub fn known(db: &mut Db, question: &Question, identifiers: &[Identifier]) -> Result<Known> {
    let practitioner = Key::from(question.practitioner_id);
    let now = At::from(question.now);
    let last_before_the_end = occupancy::table
        .filter(occupancy::resource_id.eq(practitioner))
        .filter(occupancy::start_at.lt(At::from(question.end)))
        .filter(occupancy::owner_id.ne(Key::from(question.id)))
        .filter(occupancy::expires_at.is_null().or(occupancy::expires_at.gt(now)))
        .order(occupancy::start_at.desc())
        .select(occupancy::end_at);
    let lapsed = occupancy::table
        .filter(occupancy::resource_id.eq(practitioner))
        .filter(occupancy::expires_at.le(now))
        .limit(1)
        .select(occupancy::owner_id);
    let schedule = schedules::table
        .filter(schedules::practitioner_id.eq(practitioner))
        .filter(schedules::active)
        .limit(1)
        .select(schedules::id);
    let patient = patients::table.find(Key::from(question.patient_id)).select(patients::active);
    let department = departments::table
        .filter(departments::id.nullable().eq(question.department_id.map(Key::from)))
        .select(departments::active);
    let query = practitioners::table
        .find(practitioner)
        .select((
            practitioners::name,
            practitioners::active,
            patient.single_value(),
            department.single_value(),
            last_before_the_end.single_value(),
            lapsed.single_value(),
            schedule.single_value(),
        ))
        .lock(db);
    let Some(found) = query.get_result::<Found>(db).optional()? else { return Ok(Known::default()) };
    Ok(Known {
        practitioner: Some(Practitioner { name: found.name, active: found.active }),
        patient_active: found.patient_active,
        department_active: found.department_active,
        busy_until: found.busy_until.map(Into::into),
        has_lapsed_hold: found.lapsed_hold.is_some(),
        has_schedule: found.schedule.is_some(),
        identifier_owner: identifiers::owner(db, identifiers)?,
    })
}

#[derive(Queryable)]
struct Found {
    name: String,
    active: bool,
    patient_active: Option<bool>,
    department_active: Option<bool>,
    busy_until: Option<At>,
    lapsed_hold: Option<Key>,
    schedule: Option<Key>,
}

/// The appointments of a series that begin with this one or later and can still be changed, in order. Whoever asks
/// holds the row of their practitioner.
pub fn following(db: &mut Db, series: SeriesId, from: DateTime<Utc>) -> Result<Vec<Appointment>> {
    let open = Status::ALL.iter().filter(|status| status.can_be_moved()).map(|status| Code(*status));
    let rows: Vec<Row> = appointments::table
        .filter(appointments::series_id.eq(Some(Key::from(series))))
        .filter(appointments::start_at.ge(At::from(from)))
        .filter(appointments::deleted_at.is_null())
        .filter(appointments::status.eq_any(open.collect::<Vec<_>>()))
        .order((appointments::start_at.asc(), appointments::id.asc()))
        .select(Row::as_select())
        .load(db)?;
    rows.into_iter().map(Appointment::try_from).collect()
}

/// The name of a practitioner and the appointments within a window that take place or took place, in order; of one
/// department where one is named.
pub fn calendar_of(
    db: &mut Db,
    practitioner: PractitionerId,
    department: Option<DepartmentId>,
    window: TimeSlot,
    sight: &Sight,
    now: DateTime<Utc>,
) -> Result<(String, Vec<Appointment>)> {
    let practitioner = Key::from(practitioner);
    let name = practitioners::table.find(practitioner).select(practitioners::name).first(db)?;
    let shown = [Status::Pending, Status::Booked, Status::Arrived, Status::Fulfilled].map(Code);
    let mut query = appointments::table
        .filter(appointments::practitioner_id.eq(practitioner))
        .filter(appointments::deleted_at.is_null())
        .filter(appointments::status.eq_any(shown))
        .filter(appointments::start_at.ge(At::from(window.start())))
        .filter(appointments::start_at.lt(At::from(window.end())))
        .into_boxed();
    if let Some(department) = department {
        query = query.filter(appointments::department_id.eq(Some(Key::from(department))));
    }
    if let Some(carer) = sight.carer(db)? {
        query = query.filter(in_care!(appointments::patient_id, &carer, now));
    }
    let rows: Vec<Row> = query
        .order((appointments::start_at.asc(), appointments::id.asc()))
        .limit(MOST_SHOWN)
        .select(Row::as_select())
        .load(db)?;
    let appointments = rows.into_iter().map(Appointment::try_from).collect::<Result<_>>()?;
    Ok((name, appointments))
}

/// Writes a new appointment and the time it takes of rooms and equipment; says when another one has been given one of
/// its identifiers meanwhile.
pub fn insert(db: &mut Db, appointment: &Appointment) -> Result<Option<Owner>> {
    diesel::insert_into(appointments::table).values(Row::try_from(appointment)?).kept().execute(db)?;
    taken::occupy(db, appointment, &appointment.resource_ids)?;
    identifiers::insert(db, appointment)
}

/// Writes the next version of an appointment; false when there is another next version already. The time of rooms and
/// equipment that it keeps moves with it.
pub fn save(db: &mut Db, before: &Appointment, next: &Appointment) -> Result<bool> {
    let only_in = |one: &Appointment, other: &Appointment| -> Vec<ResourceId> {
        one.resource_ids.iter().filter(|id| !other.resource_ids.contains(id)).copied().collect()
    };
    taken::free(db, before.id, &only_in(before, next))?;
    let saved = update(db, next, None)?;
    // What took no time before has no rows that could have moved.
    let takes_time = |appointment: &Appointment| appointment.takes_time();
    let added = if takes_time(before) { only_in(next, before) } else { next.resource_ids.clone() };
    taken::occupy(db, next, &added)?;
    super::waitlist::freed(db, before, next)?;
    Ok(saved)
}

/// The same, and hides it.
pub fn hide(db: &mut Db, before: &Appointment, next: &Appointment) -> Result<bool> {
    super::waitlist::freed(db, before, next)?;
    update(db, next, Some(next.updated_at))
}

fn update(db: &mut Db, next: &Appointment, deleted_at: Option<DateTime<Utc>>) -> Result<bool> {
    let next = Row::try_from(next)?;
    let before = appointments::table
        .find(next.id)
        .filter(appointments::version.eq(next.version - 1))
        .filter(appointments::deleted_at.is_null());
    let rows = diesel::update(before)
        .set((
            appointments::department_id.eq(next.department_id),
            appointments::start_at.eq(next.start_at),
            appointments::end_at.eq(next.end_at),
            appointments::status.eq(next.status),
            appointments::reason.eq(next.reason),
            appointments::description.eq(next.description),
            appointments::cancellation_reason.eq(next.cancellation_reason),
            appointments::version.eq(next.version),
            appointments::updated_at.eq(next.updated_at),
            appointments::deleted_at.eq(deleted_at.map(At::from)),
            (
                appointments::zone.eq(next.zone),
                appointments::resource_ids.eq(next.resource_ids),
                appointments::overbook_reason.eq(next.overbook_reason),
                appointments::late_cancellation.eq(next.late_cancellation),
                appointments::busy_start.eq(next.busy_start),
                appointments::busy_end.eq(next.busy_end),
                appointments::session_id.eq(next.session_id),
                appointments::seat.eq(next.seat),
                appointments::seats.eq(next.seats),
            ),
        ))
        .kept()
        .execute(db)?;
    Ok(rows == 1)
}
