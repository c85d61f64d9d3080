//! Where an appointment lies in the calendar: whether the schedule offers the time, which seat, which rooms.

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::TimeSlot;
use hms_model::id::{AppointmentTypeId, DepartmentId, PractitionerId, ResourceId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::schedule::Measure;
use super::{AppointmentType, Calendar, Holiday, Reason, Reference, Refusal, Resource, Schedule, Zone};

/// The time that an appointment takes beside its own, and with whom it shares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its time with what is kept free around it; none: its own time.
    pub busy: Option<TimeSlot>,
    /// The session that it shares; none: one of its own.
    pub session: Option<Uuid>,
    /// Its seat in the session.
    pub seat: i64,
    /// How many seats the session has.
    pub seats: i64,
}

impl Default for Place {
    fn default() -> Self {
        Self { busy: None, session: None, seat: 0, seats: 1 }
    }
}

/// What was found for an appointment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Placement {
    /// The time it takes.
    pub place: Place,
    /// Where: as it was asked, else as the schedule says.
    pub department_id: Option<DepartmentId>,
    /// The zone of the place, where a schedule says.
    pub zone: Option<Zone>,
    /// The rooms and equipment it takes.
    pub resource_ids: Vec<ResourceId>,
    /// Why it stands beside what is booked already, if it does.
    pub overbook_reason: Option<Reason>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// With whom.
    pub practitioner_id: PractitionerId,
    /// Where; none: wherever the schedule says.
    pub department_id: Option<DepartmentId>,
    /// What for.
    pub appointment_type_id: Option<AppointmentTypeId>,
    /// When.
    pub slot: TimeSlot,
    /// These rooms and this equipment; what the type needs beside them is found.
    pub resource_ids: Vec<ResourceId>,
    /// Whether others will do where these are taken, as far as the type says what it needs: an appointment is moved.
    pub others_will_do: bool,
    /// Whether notice and grid of the schedule bind the caller: patients, and not staff.
    pub bound: bool,
    /// Why it shall stand beside what is booked already, where the time is taken or not offered.
    pub overbook: Option<Reason>,
    /// The time of the question.
    pub now: DateTime<Utc>,
}

impl Ask {
    /// Whether nothing but the practitioner's time is asked for.
    pub fn is_plain(&self) -> bool {
        self.appointment_type_id.is_none() && self.resource_ids.is_empty() && self.overbook.is_none()
    }
}

/// What is known for a decision about a practitioner's time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The schedules of the practitioner that are in use. Without any, every time is offered.
    pub schedules: Vec<Schedule>,
    /// The type that is asked for.
    pub kind: Option<AppointmentType>,
    /// The holidays around the time.
    pub holidays: Vec<Holiday>,
    /// The rooms and equipment that may come into question, in the order of their ids.
    pub resources: Vec<Resource>,
}

/// A free slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeSlot {
    /// The time.
    pub slot: TimeSlot,
    /// How many can still book it.
    pub seats_left: i64,
}

impl Plan {
    /// Finds a place for what is asked, if there is one.
    pub fn place(&self, calendar: &Calendar, ask: &Ask) -> Result<Placement, Refusal> {
        self.usable(ask)?;
        let offered = self.schedule_for(ask);
        let schedule = match &offered {
            Ok(schedule) => *schedule,
            Err(_) if ask.overbook.is_some() => None,
            Err(refusal) => return Err(refusal.clone()),
        };
        let department_id = ask.department_id.or(schedule.map(|schedule| schedule.details.department_id));
        let at = Placement {
            department_id,
            zone: schedule.map(|schedule| schedule.details.zone),
            ..Placement::default()
        };
        self.at_their_place(ask, department_id)?;
        let measure = Measure::of(schedule.map(|schedule| &schedule.details), self.kind.as_ref());
        let found = self.seat(calendar, ask, measure).and_then(|place| {
            let resource_ids = self.resources_for(calendar, ask, department_id, &place)?;
            Some(Placement { place, resource_ids, ..at.clone() })
        });
        match (offered, found, &ask.overbook) {
            (Ok(_), Some(found), _) => Ok(found),
            (_, _, Some(reason)) => Ok(Placement { overbook_reason: Some(reason.clone()), ..at }),
            (_, _, None) => Err(Refusal::SlotTaken),
        }
    }

    /// The free slots of one schedule that begin within a window, in order.
    pub fn free(
        &self,
        schedule: &Schedule,
        calendar: &Calendar,
        window: TimeSlot,
    ) -> impl Iterator<Item = FreeSlot> {
        let details = &schedule.details;
        let measure = Measure::of(Some(details), self.kind.as_ref());
        let openings = details.openings(&self.holidays, window);
        let slots = openings.into_iter().flat_map(move |opening| grid(opening, measure, window));
        slots.filter_map(move |slot| {
            let ask = Ask {
                practitioner_id: details.practitioner_id,
                department_id: Some(details.department_id),
                appointment_type_id: self.kind.as_ref().map(|kind| kind.id),
                slot,
                resource_ids: Vec::new(),
                others_will_do: false,
                bound: false,
                overbook: None,
                now: slot.start(),
            };
            let place = self.seat(calendar, &ask, measure)?;
            self.resources_for(calendar, &ask, ask.department_id, &place)?;
            let practitioner = ask.practitioner_id.uuid();
            let taken = place.session.map_or(0, |session| calendar.seats(practitioner, session).len());
            let taken = i64::try_from(taken).unwrap_or(i64::MAX);
            Some(FreeSlot { slot, seats_left: place.seats.saturating_sub(taken) })
        })
    }

    /// What is named is there and in use.
    fn usable(&self, ask: &Ask) -> Result<(), Refusal> {
        match (ask.appointment_type_id, &self.kind) {
            (Some(_), None) => return Err(Refusal::Unknown(Reference::AppointmentType)),
            (Some(_), Some(kind)) if !kind.details.active => {
                return Err(Refusal::Inactive(Reference::AppointmentType));
            }
            _ => {}
        }
        for wanted in &ask.resource_ids {
            match self.resources.iter().find(|resource| resource.id == *wanted) {
                None => return Err(Refusal::Unknown(Reference::Resource)),
                Some(resource) if !resource.details.active => {
                    return Err(Refusal::Inactive(Reference::Resource));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Rooms and equipment are those of the appointment's own place.
    fn at_their_place(&self, ask: &Ask, department: Option<DepartmentId>) -> Result<(), Refusal> {
        let named = self.resources.iter().filter(|resource| ask.resource_ids.contains(&resource.id));
        let elsewhere = named.into_iter().any(|resource| Some(resource.details.department_id) != department);
        let needs = self.kind.as_ref().is_some_and(|kind| !kind.details.needs.is_empty());
        match department {
            _ if elsewhere => {
                Err(Refusal::field("resource_ids", "not all are at the place of the appointment"))
            }
            None if needs => {
                Err(Refusal::field("department_id", "the type needs rooms or equipment: say at which place"))
            }
            _ => Ok(()),
        }
    }

    /// The first schedule that offers the time; none where there are no schedules at all.
    fn schedule_for(&self, ask: &Ask) -> Result<Option<&Schedule>, Refusal> {
        if self.schedules.is_empty() {
            return self.as_long_as_its_type(ask).map(|()| None);
        }
        let mut refusal = Refusal::NotOffered("The practitioner has no schedule for this there.".into());
        for schedule in &self.schedules {
            let details = &schedule.details;
            let there = ask.department_id.is_none_or(|department| department == details.department_id);
            if there && details.takes(ask.appointment_type_id) {
                match self.offers(schedule, ask) {
                    Ok(()) => return Ok(Some(schedule)),
                    Err(reason) => refusal = reason,
                }
            }
        }
        Err(refusal)
    }

    fn as_long_as_its_type(&self, ask: &Ask) -> Result<(), Refusal> {
        match &self.kind {
            Some(kind) if ask.slot.duration() != TimeDelta::minutes(kind.details.duration_minutes) => {
                let minutes = kind.details.duration_minutes;
                Err(Refusal::NotOffered(format!("An appointment of this type lasts {minutes} minutes.")))
            }
            _ => Ok(()),
        }
    }

    fn offers(&self, schedule: &Schedule, ask: &Ask) -> Result<(), Refusal> {
        self.as_long_as_its_type(ask)?;
        let (details, slot) = (&schedule.details, ask.slot);
        let openings = details.openings(&self.holidays, slot);
        let around = |opening: &&TimeSlot| opening.start() <= slot.start() && slot.end() <= opening.end();
        let Some(opening) = openings.iter().find(around) else {
            return Err(Refusal::NotOffered("The practitioner sees nobody at that time.".into()));
        };
        if !ask.bound {
            return Ok(());
        }
        let (earliest, latest) = details.notice(ask.now);
        if slot.start() < earliest || latest.is_some_and(|latest| slot.start() > latest) {
            return Err(Refusal::NotOffered("The time is too near, or too far ahead, to be booked.".into()));
        }
        let measure = Measure::of(Some(details), self.kind.as_ref());
        let from_opening = (slot.start() - opening.start()).num_microseconds();
        let on_grid = from_opening
            .zip(measure.step.num_microseconds())
            .is_some_and(|(from, step)| step > 0 && from % step == 0);
        if on_grid && slot.duration() == measure.length {
            Ok(())
        } else {
            Err(Refusal::NotOffered("The time is none of the slots that can be booked.".into()))
        }
    }

    /// A seat, if the practitioner is free or the session has one left.
    fn seat(&self, calendar: &Calendar, ask: &Ask, measure: Measure) -> Option<Place> {
        let practitioner = ask.practitioner_id.uuid();
        let busy = measure.busy(ask.slot);
        let shown = (busy != ask.slot).then_some(busy);
        if measure.seats <= 1 {
            let place = Place { busy: shown, ..Place::default() };
            return calendar.is_free(practitioner, busy, None).then_some(place);
        }
        let session = session(ask, busy);
        if !calendar.is_free(practitioner, busy, Some(session)) {
            return None;
        }
        let taken = calendar.seats(practitioner, session);
        let count = i64::try_from(taken.len()).unwrap_or(i64::MAX);
        let seat = (0..measure.seats).find(|seat| !taken.contains(seat));
        let seat = seat.filter(|_| count < measure.seats)?;
        Some(Place { busy: shown, session: Some(session), seat, seats: measure.seats })
    }

    /// The rooms and equipment, if those that are named are free and enough of the others.
    fn resources_for(
        &self,
        calendar: &Calendar,
        ask: &Ask,
        department: Option<DepartmentId>,
        place: &Place,
    ) -> Option<Vec<ResourceId>> {
        let busy = place.busy.unwrap_or(ask.slot);
        let is_free = |id: ResourceId| calendar.is_free(id.uuid(), busy, place.session);
        if !ask.resource_ids.iter().all(|id| is_free(*id)) {
            return None;
        }
        let mut chosen = ask.resource_ids.clone();
        let needs = self.kind.as_ref().map_or(&[][..], |kind| &kind.details.needs);
        for need in needs {
            let department = department?;
            let mut serving: Vec<_> =
                self.resources.iter().filter(|resource| resource.serves(need, department)).collect();
            // A session stays together in its rooms.
            let elsewhere = |id: ResourceId| {
                place.session.is_none_or(|session| calendar.seats(id.uuid(), session).is_empty())
            };
            serving.sort_by_key(|resource| (elsewhere(resource.id), resource.id));
            let named = serving.iter().filter(|resource| ask.resource_ids.contains(&resource.id)).count();
            let missing = usize::try_from(need.count).unwrap_or(0).saturating_sub(named);
            let free = serving.iter().map(|resource| resource.id);
            let free = free.filter(|id| !ask.resource_ids.contains(id) && is_free(*id));
            let found: Vec<_> = free.take(missing).collect();
            if found.len() < missing {
                return None;
            }
            chosen.extend(found);
        }
        Some(chosen)
    }
}

/// The slots of an opening that begin within a window.
fn grid(opening: TimeSlot, measure: Measure, window: TimeSlot) -> impl Iterator<Item = TimeSlot> {
    let step = measure.step.num_seconds().max(1);
    let ahead = (window.start() - opening.start()).num_seconds().max(0);
    let first = opening.start() + TimeDelta::seconds(ahead / step * step);
    let starts =
        std::iter::successors(Some(first), move |start| start.checked_add_signed(TimeDelta::seconds(step)));
    starts
        .map_while(move |start| TimeSlot::new(start, start + measure.length).ok())
        .take_while(move |slot| slot.end() <= opening.end() && slot.start() < window.end())
        .filter(move |slot| slot.start() >= window.start())
}

/// The name of a session: whoever asks for the same thing at the same time finds the same one.
fn session(ask: &Ask, busy: TimeSlot) -> Uuid {
    let kind = ask.appointment_type_id.map(|kind| kind.uuid()).unwrap_or_default();
    let times = [ask.slot.start(), ask.slot.end(), busy.start(), busy.end()];
    let mut hash = Sha256::new();
    hash.update(ask.practitioner_id.uuid());
    hash.update(kind);
    for time in times {
        hash.update(time.timestamp_micros().to_be_bytes());
    }
    let mut bytes = [0; 16];
    for (byte, hashed) in bytes.iter_mut().zip(hash.finalize()) {
        *byte = hashed;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
