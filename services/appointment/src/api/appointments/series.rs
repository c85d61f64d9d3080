//! `POST /appointments/series`.

use actix_web::{post, web};
use chrono::{DateTime, Utc};
use hms_api::{Json, Problems};
use hms_care::Sight;
use hms_model::audit::Action;
use hms_model::id::{
    AppointmentId, AppointmentTypeId, DepartmentId, PatientId, PractitionerId, ResourceId, SeriesId,
};
use hms_model::role::scope;
use hms_model::{Text, TimeSlot, coded_enum};
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply, Work};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{audit, caller, taken};
use crate::State;
use crate::api::placing;
use crate::api::sight;
use crate::domain::{
    Appointment, Ask, Booking, Busy, Calendar, Caller, Description, InitialStatus, Known, Moment, Placement,
    Reason, Refusal, Request, Rule, Zone,
};
use crate::events::{self, Fact};
use crate::store;

coded_enum! {
    /// What to do where some times of a series cannot be booked.
    pub enum OnClash {
        /// Nothing is booked.
        Refuse = "refuse",
        /// The others are booked.
        Skip = "skip",
    }
}

/// What a client sends to book a series.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSeries {
    /// For whom.
    patient_id: PatientId,
    /// With whom.
    practitioner_id: PractitionerId,
    /// Where.
    department_id: Option<DepartmentId>,
    /// From: of the first one.
    start: Moment,
    /// Up to, not including: of the first one.
    end: Moment,
    /// How it recurs (RFC 5545, 3.3.10): `FREQ=WEEKLY;BYDAY=MO;COUNT=10`. Daily or slower; it must end, after at most 100
    /// appointments and two years.
    #[schema(value_type = String, examples("FREQ=WEEKLY;COUNT=10"))]
    rule: Text<1, 200>,
    /// The zone in which the time of the day stays the same.
    zone: Zone,
    /// Says what would come of it, and books nothing.
    #[serde(default)]
    dry_run: bool,
    /// What to do where some times cannot be booked; `refuse` unless it is said.
    #[serde(default = "refuse")]
    on_clash: OnClash,
    /// Why the patient comes.
    reason: Option<Reason>,
    /// What else there is to say about each.
    description: Option<Description>,
    /// What for.
    appointment_type_id: Option<AppointmentTypeId>,
    /// These rooms and this equipment, for each.
    #[serde(default)]
    resource_ids: Vec<ResourceId>,
}

fn refuse() -> OnClash {
    OnClash::Refuse
}

/// One time of a series.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Occurrence {
    /// From.
    start: DateTime<Utc>,
    /// Up to, not including.
    end: DateTime<Utc>,
    /// Why it cannot be booked, as a code of the errors: `SLOT_TAKEN`; null when it can.
    clash: Option<String>,
    /// The appointment that was booked.
    appointment_id: Option<AppointmentId>,
}

/// What came of a series, or would come of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesOutcome {
    /// The series; null when nothing was booked.
    series_id: Option<SeriesId>,
    /// Its times, in order.
    occurrences: Vec<Occurrence>,
}

/// Books a series of appointments by a recurrence rule.
///
/// With `dry_run` it says for each time whether it can be booked. Without, all are booked or none (409 `SERIES_CLASH`, with
/// the times in the details), or those that can be, with `on_clash` as `skip`.
#[utoipa::path(tag = "appointments", request_body = NewSeries,
    responses((status = 200, body = SeriesOutcome, description = "A dry run."), (status = 201, body = SeriesOutcome),
        Problems),
    security(("bearer" = ["appointment:write"])))]
#[post("/appointments/series")]
pub async fn series(
    call: Call<scope::AppointmentWrite>,
    state: web::Data<State>,
    body: Json<NewSeries>,
) -> Result<Reply, Problem> {
    let (caller, sight, new) = (caller(&call)?, sight(&call, &state)?, body.into_inner());
    call.write(move |work| book(work, &new, (caller, &sight))).await
}

/// A time of the series, with the booking it would be and the place that was found for it.
struct Candidate {
    slot: TimeSlot,
    booking: Booking,
    found: Result<Placement, Refusal>,
}

fn book(work: &mut Work<'_>, new: &NewSeries, (caller, sight): (Caller, &Sight)) -> Result<Reply, Problem> {
    let bookings = bookings(new, caller, work.now)?;
    let Some((first, _)) = bookings.first() else { return Err(Code::Unprocessable.into()) };
    let known = store::known(work.db, &first.question(work.new_id(), work.now), &[])?;
    first.allowed(&known)?;
    sight.check(work.db, new.patient_id, work.now)?;
    let candidates = place_all(work, &known, bookings)?;
    if new.dry_run {
        let occurrences = candidates.iter().map(Candidate::shown).collect();
        return Reply::ok(&SeriesOutcome { series_id: None, occurrences });
    }
    let clashes: Vec<_> = candidates.iter().filter(|candidate| candidate.found.is_err()).collect();
    if clashes.len() == candidates.len() || (new.on_clash == OnClash::Refuse && !clashes.is_empty()) {
        return Err(clash(clashes.into_iter().map(Candidate::shown)));
    }
    let series_id = work.new_id();
    let mut occurrences = Vec::new();
    for candidate in candidates {
        let shown = candidate.shown();
        let booked = candidate
            .found
            .ok()
            .map(|found| write(work, &known, new.zone, series_id, candidate.booking, found));
        occurrences.push(Occurrence { appointment_id: booked.transpose()?, ..shown });
    }
    Reply::created(&SeriesOutcome { series_id: Some(series_id), occurrences })
}

fn bookings(
    new: &NewSeries,
    caller: Caller,
    now: DateTime<Utc>,
) -> Result<Vec<(Booking, TimeSlot)>, Refusal> {
    let rule = Rule::parse(new.rule.as_str())?;
    let length = TimeSlot::new(new.start.0, new.end.0).map_err(|_| Refusal::EndNotAfterStart)?.duration();
    let starts = rule.occurrences(new.start.0, new.zone)?;
    let booking = |start| {
        let end = start + length;
        let slot = TimeSlot::new(start, end).map_err(|_| Refusal::EndNotAfterStart)?;
        Ok((Booking::new(request(new, slot), caller, now)?, slot))
    };
    starts.into_iter().map(booking).collect()
}

fn request(new: &NewSeries, slot: TimeSlot) -> Request {
    Request {
        patient_id: new.patient_id,
        practitioner_id: new.practitioner_id,
        department_id: new.department_id,
        start: slot.start(),
        end: slot.end(),
        status: InitialStatus::Booked,
        reason: new.reason.clone(),
        description: new.description.clone(),
        identifiers: Vec::new(),
        appointment_type_id: new.appointment_type_id,
        resource_ids: new.resource_ids.clone(),
        hold_id: None,
        overbook: None,
    }
}

/// One look at the calendar serves all of them; each takes its time in it, so that they do not get into each other's
/// way.
fn place_all(
    work: &mut Work<'_>,
    known: &Known,
    bookings: Vec<(Booking, TimeSlot)>,
) -> Result<Vec<Candidate>, Problem> {
    let whole = bookings.first().zip(bookings.last());
    let whole = whole.and_then(|((_, first), (_, last))| TimeSlot::new(first.start(), last.end()).ok());
    let ask = bookings.first().and_then(|(booking, _)| booking.ask(work.now));
    let Some((whole, ask)) = whole.zip(ask) else { return Err(Code::Unprocessable.into()) };
    if known.has_lapsed_hold {
        store::occupancy::drop_lapsed(work.db, &[ask.practitioner_id.uuid()], work.now)?;
    }
    let (plan, mut calendar) = placing::look(work, &ask, whole, &[])?;
    let candidates = bookings.into_iter().map(|(booking, slot)| {
        let found = placing::place(&plan, &calendar, &Ask { slot, ..ask.clone() });
        if let Ok(found) = &found {
            take(&mut calendar, &ask, slot, found, work.new_id::<()>().uuid());
        }
        Candidate { slot, booking, found }
    });
    Ok(candidates.collect())
}

/// Takes the time of a place in the calendar at hand.
pub(super) fn take(calendar: &mut Calendar, ask: &Ask, slot: TimeSlot, found: &Placement, owner: uuid::Uuid) {
    let resources = found.resource_ids.iter().map(|id| id.uuid());
    for resource in std::iter::once(ask.practitioner_id.uuid()).chain(resources) {
        let session = found.place.session.unwrap_or(owner);
        let slot = found.place.busy.unwrap_or(slot);
        calendar.take(Busy { resource, session, seat: found.place.seat, slot });
    }
}

impl Candidate {
    fn shown(&self) -> Occurrence {
        let clash = self.found.as_ref().err().map(|refusal| code_of(refusal.clone()));
        Occurrence { start: self.slot.start(), end: self.slot.end(), clash, appointment_id: None }
    }
}

/// The code by which a client knows why a time cannot be had.
pub(super) fn code_of(refusal: Refusal) -> String {
    Problem::from(refusal).code().as_str().to_owned()
}

/// Nothing was written, and these are why.
pub(super) fn clash(occurrences: impl Iterator<Item = Occurrence>) -> Problem {
    let clashes: Vec<_> = occurrences
        .map(|occurrence| {
            serde_json::json!({ "start": occurrence.start, "end": occurrence.end, "clash": occurrence.clash })
        })
        .collect();
    Problem::new(Code::SeriesClash).detail("clashes", clashes)
}

impl Occurrence {
    /// A time that cannot be had.
    pub(super) fn refused(slot: TimeSlot, refusal: Refusal) -> Self {
        let clash = Some(code_of(refusal));
        Self { start: slot.start(), end: slot.end(), clash, appointment_id: None }
    }
}

fn write(
    work: &mut Work<'_>,
    known: &Known,
    zone: Zone,
    series_id: SeriesId,
    booking: Booking,
    found: Placement,
) -> Result<AppointmentId, Problem> {
    let made = booking.confirm(found, work.new_id(), work.now);
    let zone = made.zone.or(Some(zone));
    let appointment = Appointment { series_id: Some(series_id), zone, ..made };
    store::insert(work.db, &appointment).map_err(taken)?;
    events::publish(work, &appointment, known.practitioner_name(), Fact::Status)?;
    audit(work, Action::Create, &appointment, "booked, series")?;
    Ok(appointment.id)
}
