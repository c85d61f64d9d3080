//! The time that is taken, as it was loaded for a decision.

use std::collections::HashMap;

use hms_model::TimeSlot;
use uuid::Uuid;

/// A time that an appointment or a hold takes of a practitioner, a room or a piece of equipment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// Of whom.
    pub resource: Uuid,
    /// With whom it shares the time, if with anybody: those of one session are not in each other's way.
    pub session: Uuid,
    /// Its seat in the session.
    pub seat: i64,
    /// The time.
    pub slot: TimeSlot,
}

/// The taken time of some resources in some window. As in the database, different sessions of one resource never
/// overlap.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calendar(HashMap<Uuid, Vec<Busy>>);

impl Calendar {
    /// A calendar of these.
    pub fn new(taken: impl IntoIterator<Item = Busy>) -> Self {
        let mut calendar = Self::default();
        for busy in taken {
            calendar.0.entry(busy.resource).or_default().push(busy);
        }
        for list in calendar.0.values_mut() {
            list.sort_by_key(|busy| busy.slot.start());
        }
        calendar
    }

    /// Takes one more.
    pub fn take(&mut self, busy: Busy) {
        let list = self.0.entry(busy.resource).or_default();
        let at = list.partition_point(|other| other.slot.start() <= busy.slot.start());
        list.insert(at, busy);
    }

    /// Whether nobody but this session takes the time.
    pub fn is_free(&self, resource: Uuid, slot: TimeSlot, session: Option<Uuid>) -> bool {
        let list = self.list(resource);
        let before_the_end = list.partition_point(|busy| busy.slot.start() < slot.end());
        let others = list.iter().take(before_the_end).rev().filter(|busy| Some(busy.session) != session);
        others.map(|busy| busy.slot).next().is_none_or(|last| !last.overlaps(slot))
    }

    /// The seats that are taken of a session.
    pub fn seats(&self, resource: Uuid, session: Uuid) -> Vec<i64> {
        let own = self.list(resource).iter().filter(|busy| busy.session == session);
        own.map(|busy| busy.seat).collect()
    }

    fn list(&self, resource: Uuid) -> &[Busy] {
        self.0.get(&resource).map_or(&[], Vec::as_slice)
    }
}
