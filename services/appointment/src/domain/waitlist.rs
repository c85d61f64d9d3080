//! The waitlist: who waits for what, and who is offered a time that became free.

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::TimeSlot;
use hms_model::coded_enum;
use hms_model::id::{
    AppointmentId, AppointmentTypeId, DepartmentId, HoldId, OfferId, PatientId, PractitionerId,
    WaitlistEntryId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Appointment, Hold, Refusal, Status};

/// How far ahead somebody can wait.
const LONGEST_RANGE: TimeDelta = TimeDelta::days(366);
/// The shortest time that an offer is open for.
const SHORTEST_OFFER: TimeDelta = TimeDelta::minutes(1);

coded_enum! {
    /// How pressing it is that somebody gets a time.
    pub enum Priority {
        /// Before all others.
        Urgent = "urgent",
        /// Before what is usual.
        High = "high",
        /// In turn.
        Normal = "normal",
        /// After the others.
        Low = "low",
    }
}

coded_enum! {
    /// How somebody's waiting stands.
    pub enum EntryStatus {
        /// They wait for a time.
        Waiting = "waiting",
        /// One is offered to them.
        Offered = "offered",
        /// They took it.
        Booked = "booked",
        /// They wait no more.
        Withdrawn = "withdrawn",
    }
}

coded_enum! {
    /// What became of an offer.
    pub enum OfferStatus {
        /// It can be accepted.
        Open = "open",
        /// It was.
        Accepted = "accepted",
        /// It was not wanted.
        Declined = "declined",
        /// Nobody answered in time.
        Expired = "expired",
        /// Its owner does not wait any more.
        Withdrawn = "withdrawn",
    }
}

impl EntryStatus {
    /// Where it may go by what its owner does.
    pub const fn moves(self) -> &'static [EntryStatus] {
        match self {
            Self::Waiting => &[Self::Offered, Self::Withdrawn],
            Self::Offered => &[Self::Waiting, Self::Booked, Self::Withdrawn],
            Self::Booked | Self::Withdrawn => &[],
        }
    }
}

/// Somebody who waits for a time to become free.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Entry {
    /// Its id.
    pub id: WaitlistEntryId,
    /// Who.
    pub patient_id: PatientId,
    /// With whom; none: with anyone.
    pub practitioner_id: Option<PractitionerId>,
    /// Where; none: anywhere.
    pub department_id: Option<DepartmentId>,
    /// What for.
    pub appointment_type_id: Option<AppointmentTypeId>,
    /// The earliest time that will do.
    pub start: DateTime<Utc>,
    /// It must be over by then.
    pub end: DateTime<Utc>,
    /// How many minutes are needed; none: whatever becomes free.
    pub minutes: Option<i64>,
    /// How pressing it is.
    pub priority: Priority,
    /// How it stands.
    pub status: EntryStatus,
    /// What is offered at present.
    pub offer: Option<Offer>,
    /// The appointment that came of it.
    pub appointment_id: Option<AppointmentId>,
    /// Goes up with each change; the `ETag`.
    pub version: i64,
    /// Since when they wait.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A time that is kept for somebody who waits.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Offer {
    /// Its id.
    pub id: OfferId,
    /// The hold that keeps it.
    #[serde(skip)]
    pub hold_id: HoldId,
    /// What became free.
    #[serde(skip)]
    pub opening: Opening,
    /// With whom.
    pub practitioner_id: PractitionerId,
    /// From.
    pub start: DateTime<Utc>,
    /// Up to, not including.
    pub end: DateTime<Utc>,
    /// Until when it can be accepted.
    pub expires_at: DateTime<Utc>,
}

/// A time that became free.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    /// Its id; it stays the same however often it is offered.
    pub id: Uuid,
    /// Whose time.
    pub practitioner_id: PractitionerId,
    /// Where.
    pub department_id: Option<DepartmentId>,
    /// What it was for.
    pub appointment_type_id: Option<AppointmentTypeId>,
    /// From.
    pub start: DateTime<Utc>,
    /// Up to, not including.
    pub end: DateTime<Utc>,
}

impl Opening {
    /// What becomes free when an appointment becomes another one: called off, or moved away.
    pub fn freed(before: &Appointment, next: &Appointment, id: Uuid) -> Option<Self> {
        let time = |one: &Appointment| (one.practitioner_id, one.start, one.end);
        let gone = next.status == Status::Cancelled || time(before) != time(next);
        (before.takes_time() && gone).then_some(Self {
            id,
            practitioner_id: before.practitioner_id,
            department_id: before.department_id,
            appointment_type_id: before.appointment_type_id,
            start: before.start,
            end: before.end,
        })
    }

    /// What becomes free when a hold is let go. It has the hold's id, as when it expires.
    pub fn let_go(hold: &Hold) -> Self {
        Self {
            id: hold.id.uuid(),
            practitioner_id: hold.practitioner_id,
            department_id: hold.department_id,
            appointment_type_id: hold.appointment_type_id,
            start: hold.start,
            end: hold.end,
        }
    }

    /// The part of it that somebody who needs so many minutes is offered; none where it is too short.
    pub fn part(&self, minutes: Option<i64>) -> Option<TimeSlot> {
        let end = match minutes {
            Some(minutes) => self.start.checked_add_signed(TimeDelta::try_minutes(minutes)?)?,
            None => self.end,
        };
        TimeSlot::new(self.start, end).ok().filter(|slot| slot.end() <= self.end)
    }

    /// Until when it is offered to one person: as long as is usual, at most half of the time that is left.
    pub fn offered_until(&self, usual: TimeDelta, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let left = (self.start - now) / 2;
        (left >= SHORTEST_OFFER).then_some(now + usual.min(left))
    }
}

/// Whether a time will do for somebody who waits.
pub fn fits(entry: &Entry, opening: &Opening) -> bool {
    let wanted = |with: Option<PractitionerId>| with.is_none_or(|wanted| wanted == opening.practitioner_id);
    let there = entry.department_id.is_none_or(|wanted| Some(wanted) == opening.department_id);
    let within = |slot: TimeSlot| entry.start <= slot.start() && slot.end() <= entry.end;
    entry.status == EntryStatus::Waiting
        && wanted(entry.practitioner_id)
        && there
        && opening.part(entry.minutes).is_some_and(within)
}

/// Those for whom it will do, the best match first: by priority, then by how long they wait.
pub fn best_first(mut entries: Vec<Entry>, opening: &Opening) -> Vec<Entry> {
    entries.retain(|entry| fits(entry, opening));
    entries.sort_by_key(|entry| (entry.priority.rank(), entry.created_at, entry.id));
    entries
}

impl Priority {
    /// Its rank; less comes first.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Urgent => 1,
            Self::High => 2,
            Self::Normal => 3,
            Self::Low => 4,
        }
    }
}

impl Entry {
    /// Whether the range can be waited for.
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        let slot = TimeSlot::new(self.start, self.end).map_err(|_| Refusal::EndNotAfterStart)?;
        if slot.duration() > LONGEST_RANGE {
            return Err(Refusal::field("end", "the range is longer than a year"));
        }
        if slot.end() <= now {
            return Err(Refusal::field("end", "must lie in the future"));
        }
        match self.minutes {
            Some(minutes) if !(1..=24 * 60).contains(&minutes) => {
                Err(Refusal::field("minutes", "must be from 1 to 1440"))
            }
            _ => Ok(()),
        }
    }

    /// It becomes another status; what was offered is offered no more.
    pub fn become_status(&self, status: EntryStatus, now: DateTime<Utc>) -> Result<Self, Refusal> {
        if !self.status.moves().contains(&status) {
            return Err(Refusal::IllegalEntry(self.status));
        }
        Ok(Self { status, offer: None, version: self.version + 1, updated_at: now, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use hms_model::id::Id;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        let day: DateTime<Utc> = "2026-03-02T08:00:00Z".parse().unwrap();
        day + TimeDelta::minutes(minutes)
    }

    fn opening() -> Opening {
        Opening {
            id: Uuid::nil(),
            practitioner_id: Id::new(at(0)),
            department_id: Some(Id::new(at(0))),
            appointment_type_id: None,
            start: at(100),
            end: at(130),
        }
    }

    fn entry(priority: Priority, since: i64) -> Entry {
        Entry {
            id: Id::new(at(since)),
            patient_id: Id::new(at(0)),
            practitioner_id: None,
            department_id: None,
            appointment_type_id: None,
            start: at(0),
            end: at(1_000),
            minutes: None,
            priority,
            status: EntryStatus::Waiting,
            offer: None,
            appointment_id: None,
            version: 1,
            created_at: at(since),
            updated_at: at(since),
        }
    }

    #[test]
    fn a_time_will_do_when_all_that_is_asked_for_is_so() {
        let opening = opening();
        let base = || entry(Priority::Normal, 0);
        let cases = [
            (base(), true),
            (Entry { practitioner_id: Some(opening.practitioner_id), ..base() }, true),
            (Entry { practitioner_id: Some(Id::new(at(0))), ..base() }, false),
            (Entry { department_id: opening.department_id, ..base() }, true),
            (Entry { department_id: Some(Id::new(at(0))), ..base() }, false),
            (Entry { start: at(100), end: at(130), ..base() }, true),
            (Entry { start: at(101), ..base() }, false),
            (Entry { end: at(129), ..base() }, false),
            (Entry { end: at(129), minutes: Some(20), ..base() }, true),
            (Entry { minutes: Some(30), ..base() }, true),
            (Entry { minutes: Some(31), ..base() }, false),
            (Entry { status: EntryStatus::Offered, ..base() }, false),
        ];
        for (number, (entry, expected)) in cases.into_iter().enumerate() {
            assert_eq!(fits(&entry, &opening), expected, "case {number}");
        }
    }

    #[test]
    fn the_most_pressing_comes_first_then_who_waits_longest() {
        let line = [
            entry(Priority::Low, 0),
            entry(Priority::Normal, 2),
            entry(Priority::Urgent, 9),
            entry(Priority::Normal, 1),
            Entry { minutes: Some(31), ..entry(Priority::Urgent, 0) },
            entry(Priority::High, 5),
        ];
        let expected = [2, 5, 3, 1, 0].map(|index: usize| line[index].id);
        let found: Vec<_> = best_first(line.to_vec(), &opening()).iter().map(|entry| entry.id).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_offer_leaves_time_to_come() {
        let opening = opening();
        let usual = TimeDelta::minutes(30);
        let cases = [(0, Some(30)), (60, Some(80)), (97, Some(98)), (98, Some(99)), (99, None), (200, None)];
        for (now, expected) in cases {
            let until = opening.offered_until(usual, at(now));
            let until = until.map(|until| (until - at(0)).num_minutes());
            assert_eq!(until, expected, "{now}");
        }
    }
}
